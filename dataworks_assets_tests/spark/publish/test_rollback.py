from dataclasses import replace

import pytest

from dataworks_assets_tests.spark.publish.world import AUDIT, OUTPUT, STATEMENT
from spark.errors import CatalogError, LeaseError, NotFoundError
from spark.publish.intent import PublishContext
from spark.publish.rollback import Rollback, attempts_of

DAY = "2026-11-20"


@pytest.fixture
def rollback(lake):
    run = lake.run("operator")
    context = PublishContext(system="adg", run_id="operator", output_uri=OUTPUT)
    return Rollback(lake.store, run.leases, publisher=run.publisher, context=context)


def attempt_of(outcomes):
    return outcomes[0].pointers[0].pointer.attempt


def test_all_tables_show_the_earlier_attempt_again(lake, rollback):
    run = lake.run("run-1")
    first = attempt_of(run.publish(AUDIT, DAY))
    run.publish(AUDIT, DAY)
    assert rollback.point_back(AUDIT, DAY, first).is_published
    assert lake.shown(AUDIT) == {DAY: {first}}


def test_the_newest_table_follows(lake, rollback):
    run = lake.run("run-1")
    first = attempt_of(run.publish(STATEMENT, DAY))
    run.publish(STATEMENT, DAY)
    rollback.point_back(STATEMENT, DAY, first)
    assert lake.catalog.newest("adg", "core_statement").attempt == first


def test_the_quarantine_follows(lake, rollback):
    run = lake.run("run-1")
    first = attempt_of(run.publish(STATEMENT, DAY, quarantined=3))
    run.publish(STATEMENT, DAY)
    rollback.point_back(STATEMENT, DAY, first)
    assert lake.catalog.pointers("adg", "core_statement_quarantine")[DAY].attempt == first


def test_the_pointer_says_who_made_the_attempt_and_under_which_epoch_it_is_shown(lake, rollback):
    run = lake.run("run-1")
    first = attempt_of(run.publish(STATEMENT, DAY))
    run.publish(STATEMENT, DAY)
    pointer = rollback.point_back(STATEMENT, DAY, first).pointers[0].pointer
    assert (pointer.run_id, pointer.epoch) == ("run-1", 3)


def test_the_attempts_of_a_day_are_listed_oldest_first(lake):
    run = lake.run("run-1")
    attempts = [attempt_of(run.publish(STATEMENT, DAY)) for _ in range(3)]
    assert [manifest.attempt for manifest in attempts_of(lake.store, OUTPUT, STATEMENT, DAY)] == attempts


def test_an_attempt_that_is_not_there_is_refused_with_those_that_are(lake, rollback):
    first = attempt_of(lake.run("run-1").publish(STATEMENT, DAY))
    with pytest.raises(NotFoundError, match=f"no attempt x of core/statement.*{first}"):
        rollback.point_back(STATEMENT, DAY, "x")


def test_an_attempt_whose_files_are_gone_is_refused(lake, rollback):
    run = lake.run("run-1")
    first = run.publish(AUDIT, DAY)
    second = attempt_of(run.publish(AUDIT, DAY))
    lake.store.delete([f"{first[0].pointers[1].pointer.location}/part-0.parquet"])
    with pytest.raises(NotFoundError, match="not whole any more: 1 of its files are gone"):
        rollback.point_back(AUDIT, DAY, attempt_of(first))
    assert lake.shown(AUDIT) == {DAY: {second}}


def test_a_day_that_a_run_holds_is_not_pointed_back_and_the_lease_stays(lake, rollback):
    run = lake.run("run-1")
    first = attempt_of(run.publish(STATEMENT, DAY))
    (lease,) = run.acquire(STATEMENT, DAY)
    with pytest.raises(LeaseError, match="run-1 holds"):
        rollback.point_back(STATEMENT, DAY, first)
    run.leases.check(lease)


def test_the_lease_is_given_back(lake, rollback):
    first = attempt_of(lake.run("run-1").publish(STATEMENT, DAY))
    rollback.point_back(STATEMENT, DAY, first)
    assert not isinstance(lake.run("run-2").acquire(STATEMENT, DAY)[0], LeaseError)


def test_an_attempt_whose_files_the_table_cannot_read_is_refused(lake, rollback):
    run = lake.run("run-1")
    first = attempt_of(run.publish(STATEMENT, DAY))
    second = attempt_of(run.publish(STATEMENT, DAY))
    table = lake.catalog.describe("adg", "core_statement_history")
    columns = tuple(each._replace(type="bigint") if each.name == "id" else each for each in table.columns)
    lake.catalog._definitions["adg", "core_statement_history"] = replace(table, columns=columns)
    with pytest.raises(CatalogError, match="id is bigint and cannot become string"):
        raise rollback.point_back(STATEMENT, DAY, first).error
    assert lake.catalog.pointers("adg", "core_statement_history")[DAY].attempt == second
