"""`dataworks ledger` shows status rows as others read them, and writes what dead runs left."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, date, datetime

import pytest

from dataworks_assets.systems.adg.recording import ledger_book, run_entry
from dataworks_assets.systems.plan import Request
from dataworks_assets_tests.ledger.memory_tables import MemoryTables
from spark.errors import ConfigurationError


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
    workplace.platform.gateway = None
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


def test_clearing_says_what_it_would_do_and_asks(bench, dead, workplace):
    shown = bench("ledger", "clear", "--day", "2026-11-20", "--dry-run")
    assert "Delete the row c-7 / ADG-full (Status IN_PROGRESS" in shown
    assert "nothing was done" in shown
    assert "Aborted" in bench("ledger", "clear", "--day", "2026-11-20", exit_code=1)
    assert bench.json("ledger", "show")["rows"]
    assert "No operator has" in bench("ledger", "acts")


def test_clearing_deletes_the_row_and_runs_the_day_by_force(bench, dead, workplace, monkeypatch):
    asked = []
    monkeypatch.setattr("dataworks_assets.cli.carrying.carry_out", lambda *arguments, act: asked.append((*arguments, act)))
    workplace.platform.caller_identity = lambda: "arn:aws:iam::1:user/ann"
    bench("ledger", "clear", "--day", "2026-11-20", "--yes")
    [(_, scope, [days], options, noted)] = asked
    assert (scope.name, str(days.first_day), options) == ("adg_full", "2026-11-20", {"correlation_id": "c-7", "force": True})
    assert set(days.collections) == set(scope.collections)
    assert bench.json("ledger", "show")["rows"] == []
    [act] = bench.json("ledger", "acts")
    assert (act["what"], act["identity"], act["about"]["correlation_id"]) == ("clear", "arn:aws:iam::1:user/ann", "c-7")
    assert (noted.what, noted.identity) == (act["what"], act["identity"])
    assert "arn:aws:iam::1:user/ann" in bench("ledger", "acts")


def test_a_day_that_is_not_complete_is_not_told_again(bench, dead):
    with pytest.raises(ConfigurationError, match="is not complete"):
        bench("ledger", "resend", "--day", "2026-11-20")


def test_downstream_is_told_of_fulls_alone(bench, dead):
    with pytest.raises(ConfigurationError, match=r"fulls alone.*--type full"):
        bench("ledger", "resend", "--day", "2026-11-20", "--type", "incremental")


def test_a_complete_day_is_told_again(bench, dead, workplace):
    for name in bench.scope().collections:
        bench.publish(name, "2026-11-20")
    sent = []

    class Messenger:
        def send(self, topic_arn, body):
            sent.append((topic_arn, json.loads(body)["correlation_id"]))

    ledger = workplace.settings.deployment.ledger.model_copy(update={"completion_topic": "arn:completion"})
    deployment = workplace.settings.deployment.model_copy(update={"ledger": ledger})
    settings = dataclasses.replace(workplace.settings, deployment=deployment)
    workplace.platform.__dict__.update(running=settings, messenger=Messenger())
    workplace.platform.caller_identity = lambda: "arn"
    assert "Send the completion message" in bench("ledger", "resend", "--day", "2026-11-20", "--dry-run")
    assert sent == []
    bench("ledger", "resend", "--day", "2026-11-20", "--yes")
    assert sent == [("arn:completion", "c-7")]
