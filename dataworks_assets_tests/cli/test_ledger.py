"""`dataworks ledger` shows status rows as others read them, and writes what dead runs left."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from dataworks_assets.systems.adg.recording import ledger_book, run_entry
from dataworks_assets.systems.plan import Request
from dataworks_assets_tests.ledger.memory_tables import MemoryTables


@pytest.fixture(autouse=True)
def told(workplace):
    """What operators were told; the status tables are in memory."""
    notices = []

    class Notifier:
        def send(self, notice):
            notices.append(notice)
            return True

    workplace.platform.status_tables = MemoryTables()
    workplace.platform.notifier = Notifier()
    return notices


@pytest.fixture
def dead(bench, workplace):
    """A run whose process died after it had made its rows."""
    scope = bench.scope()
    request = Request(("core/statement",), (date(2026, 11, 20),), correlation_id="c-7")
    entry = run_entry(scope, request, run_id="run-7", has_message=True, now=datetime(2026, 11, 20, 9, tzinfo=UTC))
    book = ledger_book(workplace.platform, scope, workplace.platform.notifier)
    book.entries.keep(entry)
    book.tables.write(book.started(entry))
    return entry


def test_without_rows_it_says_so(bench):
    assert "There is no status row" in bench("ledger", "show")


def test_rows_are_shown_by_day(bench, dead):
    shown = bench("ledger", "show", "--day", "2026-11-20")
    assert all(text in shown for text in ("2026-11-20", "ADG-full", "c-7", "IN_PROGRESS", "submit-job", "run-7"))
    assert "There is no status row" in bench("ledger", "show", "--day", "2026-11-19")
    assert bench.json("ledger", "show", "--type", "incremental") == {"rows": [], "collections": []}


def test_what_a_dead_run_left_is_written(bench, dead, workplace):
    assert "adg_full: ledgers of runs: 1 repaired" in bench("ledger", "repair")
    rows = bench.json("ledger", "show", "--collections")["rows"]
    assert [(row["Status"], row["Run_Id"]) for row in rows] == [("FAILED", 1)]
    assert "adg_full: the ledger of every run is closed" in bench("ledger", "repair")


def test_what_cannot_be_written_is_an_error(bench, dead, workplace, told):
    workplace.platform.status_tables.down = True
    assert "the table is down" in bench("ledger", "repair", exit_code=1)
    assert [notice.title for notice in told] == [
        "ADG-full 2026-11-20 failed",
        "The ledger of ADG-full could not be written",
    ]
