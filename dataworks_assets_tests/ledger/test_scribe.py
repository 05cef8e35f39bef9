"""What is written behind a run's back: in order, again where it failed, and never in the run's way."""

import threading
import time

from dataworks_assets.config.ledger import LedgerConfig, ProductConfig
from dataworks_assets.ledger.rows import CollectionStatus, Rows
from dataworks_assets.ledger.scribe import Scribe
from dataworks_assets_tests.ledger.memory_tables import MemoryTables
from dataworks_assets_tests.ledger.test_dynamo import COLLECTIONS, DAY, ENTRY, STATUS
from spark.errors import LedgerError, StoreError

ROWS = Rows(LedgerConfig(status_table=STATUS, collection_table=COLLECTIONS), ProductConfig())


def status(tables):
    return tables.row(COLLECTIONS, "c-1", "x").get("ADGStatus")


def changes(*statuses):
    return [change for each in statuses for change in ROWS.collection(DAY, "x", each)]


def test_what_was_handed_over_is_written_in_order():
    tables = MemoryTables()
    scribe = Scribe(tables)
    done = []
    scribe.write(changes(CollectionStatus.PROCESSING))
    scribe.do(lambda: done.append(status(tables)))
    scribe.write(changes(CollectionStatus.COMPLETED))
    assert scribe.settle(5) == []
    assert (done, status(tables)) == (["Processing"], "Completed")


def test_handing_over_does_not_wait_for_a_table_that_hangs():
    go_on = threading.Event()
    scribe = Scribe(MemoryTables(hook=lambda _: go_on.wait(5)))
    begun = time.monotonic()
    scribe.write(changes(CollectionStatus.PROCESSING))
    scribe.write(changes(CollectionStatus.COMPLETED))
    assert time.monotonic() - begun < 0.5
    assert scribe.settle(0.05) != []
    go_on.set()
    assert scribe.settle(5) == []


def test_what_failed_is_tried_again_and_the_newest_status_stays():
    tables = MemoryTables(down=True)
    scribe = Scribe(tables)
    scribe.write(changes(CollectionStatus.PROCESSING))
    assert "not written" in scribe.settle(0.2)[0]
    tables.down = False
    scribe.write(changes(CollectionStatus.COMPLETED))
    assert scribe.settle(5) == []
    assert status(tables) == "Completed"


def test_a_table_that_is_down_costs_one_call_not_one_a_row():
    calls = []
    tables = MemoryTables(down=True, hook=calls.append)
    scribe = Scribe(tables, in_background=False)
    scribe.write([change for n in range(50) for change in ROWS.collection(DAY, f"c{n}", CollectionStatus.PROCESSING)])
    calls.clear()
    scribe.write(ROWS.started(ENTRY, DAY))
    assert len(calls) == 3  # when it is asked to work, and when it has rows: of the other table, which is tried, too
    tables.down = False
    scribe.write([])
    assert (scribe.settle(0), len(tables.all(COLLECTIONS)), len(tables.all(STATUS))) == ([], 50, 1)


def missing(table):
    def refuse(change):
        if change.table == table:
            raise LedgerError("there is no such table", transient=False)

    return refuse


def test_a_table_that_is_not_there_does_not_keep_another_one_from_being_written():
    tables = MemoryTables(hook=missing(STATUS))
    scribe = Scribe(tables, in_background=False)
    scribe.write(ROWS.started(ENTRY, DAY))
    scribe.write(changes(CollectionStatus.COMPLETED))
    assert (status(tables), [each.partition(" ")[0] for each in scribe.settle(0)]) == ("Completed", [STATUS])


def test_the_end_does_not_wait_for_a_table_that_is_not_there():
    scribe = Scribe(MemoryTables(hook=missing(STATUS)))
    scribe.write(ROWS.started(ENTRY, DAY))
    assert "not written" in scribe.settle(threading.TIMEOUT_MAX)[0]


def test_the_end_waits_for_a_table_that_may_come_back():
    tables = MemoryTables(down=True)
    scribe = Scribe(tables)
    scribe.write(changes(CollectionStatus.COMPLETED))
    comes_back = threading.Timer(0.2, setattr, (tables, "down", False))
    comes_back.start()
    assert (scribe.settle(30), status(tables)) == ([], "Completed")


def test_a_deed_that_fails_is_tried_again_and_told_when_it_stays():
    tries = []

    def refuse():
        tries.append(1)
        raise StoreError("the bucket is gone")

    scribe = Scribe(MemoryTables())
    scribe.do(refuse)
    scribe.write(changes(CollectionStatus.COMPLETED))
    assert scribe.settle(5) == ["the bucket is gone"]
    assert len(tries) == 3


def test_an_error_that_nobody_thought_of_is_told_and_what_follows_is_written():
    tables = MemoryTables()
    scribe = Scribe(tables)
    scribe.do(lambda: {}["nothing"])
    scribe.write(changes(CollectionStatus.COMPLETED))
    problems = scribe.settle(5)
    assert ("KeyError" in problems[0], status(tables)) == (True, "Completed")


def test_rows_that_wait_are_written_once_with_their_newest_status():
    go_on, count = threading.Event(), 1000
    tables = MemoryTables(hook=lambda _: go_on.wait(5))
    scribe = Scribe(tables)
    for each in (CollectionStatus.PROCESSING, CollectionStatus.PUBLISHING, CollectionStatus.COMPLETED):
        scribe.write([change for n in range(count) for change in ROWS.collection(DAY, f"c{n}", each)])
    go_on.set()
    assert scribe.settle(30) == []
    assert {row["ADGStatus"] for row in tables.all(COLLECTIONS)} == {"Completed"}
    assert (len(tables.all(COLLECTIONS)), len(tables.made) < 1.5 * count) == (count, True)


def test_what_a_row_says_already_is_not_written_again():
    tables = MemoryTables()
    scribe = Scribe(tables, in_background=False)
    for each in (CollectionStatus.COMPLETED, CollectionStatus.COMPLETED, CollectionStatus.FAILED_PUBLISHING):
        scribe.write(changes(each))
    scribe.write(changes(CollectionStatus.FAILED_PUBLISHING, CollectionStatus.COMPLETED))
    assert [change.sets["ADGStatus"] for change in tables.made] == ["Completed", "Failed_Publishing", "Completed"]


def test_a_row_of_which_nobody_knows_what_it_says_is_written_again():
    tables = MemoryTables()
    scribe = Scribe(tables, in_background=False)
    scribe.write(changes(CollectionStatus.COMPLETED))
    tables.down = True
    scribe.write(changes(CollectionStatus.PUBLISHING))  # it may have been made all the same
    scribe.write(changes(CollectionStatus.COMPLETED))
    tables.down = False
    scribe.write([])
    assert [change.sets["ADGStatus"] for change in tables.made] == ["Completed", "Completed"]


def test_what_is_done_aside_waits_for_no_row_and_parts_none():
    tables = MemoryTables(down=True)
    scribe = Scribe(tables)
    done = []
    scribe.write(changes(CollectionStatus.PROCESSING))
    scribe.do_aside(lambda: done.append(status(tables)))
    assert "not written" in scribe.settle(0.2)[0]
    assert done == [None]
