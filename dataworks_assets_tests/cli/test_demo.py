"""The demo's own decisions: which days, what counts as a failure, what it proves. The whole of it is what CI runs."""

from __future__ import annotations

import io
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dataworks_assets.cli import demo
from dataworks_assets.cli.demo_expectations import failed_unexpectedly, meant_to_be_refused
from dataworks_assets.cli.partner_sample import PartnerWritten
from dataworks_assets.cli.reports import summary
from dataworks_assets.cli.runs import DayOutcome, RunReport
from dataworks_assets.config.naming import SnapshotType
from dataworks_assets.systems.comparing import OTHER_TAGS

DAY = "2026-11-20"


def outcome(collection, state="refused", **fields):
    return DayOutcome(scope="adg_full", collection=collection, day=DAY, state=state, **fields)


def report(*days, error=""):
    failed = bool(error) or any(day.state == "refused" for day in days)
    return RunReport("run-id-0001", succeeded=not failed, seconds=1.0, days=days, error=error)


def test_a_first_call_takes_the_last_three_days(workplace):
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    assert demo._days(workplace) == (yesterday - timedelta(days=2), yesterday - timedelta(days=1), yesterday)


def test_a_later_call_takes_the_days_that_are_there(bench):
    for day in ("2026-11-02", "2026-11-03", "2026-11-04", "2026-11-05"):
        bench.export("core/toDo", day)
    assert demo._days(bench.workplace) == (date(2026, 11, 3), date(2026, 11, 4), date(2026, 11, 5))


@pytest.fixture
def with_bad_input(workplace, monkeypatch):
    """The deployment with the collections of bad input, as `--bad` has it."""
    monkeypatch.setenv("DATAWORKS_OPTIONS", "other")
    monkeypatch.setattr(workplace, "reload", lambda: workplace.__dict__.pop("settings"))
    monkeypatch.setenv("DATAWORKS_OPTIONS", "")
    demo._switch_on(workplace)
    return workplace


def test_bad_input_adds_its_collections(with_bad_input):
    assert "broken/wrongKey" in with_bad_input.scope(SnapshotType.FULL).collections


@pytest.mark.parametrize("name", ["broken/wrongKey", "broken/rowsToNone"])
def test_what_is_bad_on_purpose_is_no_failure(name):
    assert failed_unexpectedly([report(outcome(name))], bad=True) == ""


@pytest.mark.parametrize("name", ["core/toDo", "broken/crlf"])
def test_any_other_refusal_is_one(name):
    said = failed_unexpectedly([report(outcome(name, cause="twice"))], bad=True)
    assert said == f"adg_full/{name} 2026-11-20: twice"


@pytest.mark.parametrize("state", ["published", "unchanged"])
def test_bad_input_that_is_not_refused_is_a_failure(state):
    said = failed_unexpectedly([report(outcome("broken/wrongKey", state))], bad=True)
    assert said == f"adg_full/broken/wrongKey 2026-11-20: {state}, though its input is bad"


@pytest.mark.parametrize("name", ["broken/crlf", "broken/rowsToNone", "core/toDo"])
def test_sound_input_that_is_published_is_none(name):
    assert failed_unexpectedly([report(outcome(name, "published"))], bad=True) == ""


@pytest.mark.parametrize("name", ["core/toDo", "broken/wrongKey"])
def test_without_bad_input_every_refusal_is_a_failure(name):
    assert failed_unexpectedly([report(outcome(name))], bad=False)


def test_what_was_refused_on_purpose_is_said_and_what_only_looks_bad():
    days = [outcome("broken/wrongKey"), outcome("broken/truncated"), outcome("broken/crlf", "published"), outcome("core/toDo")]
    said = meant_to_be_refused([report(*days)])
    assert said.startswith("2 days of `broken/*`, 2 kinds of bad input")
    assert "1 kind among them that only look bad" in said


def test_without_a_refusal_nothing_was_meant():
    assert meant_to_be_refused([report(outcome("core/toDo"), outcome("broken/crlf", "published"))]) == ""


def test_a_run_that_failed_otherwise_is_a_failure():
    assert failed_unexpectedly([report(error="killed")], bad=False) == "killed"


def test_the_proof_counts_what_the_catalog_points_at(bench):
    bench.publish("core/toDo", DAY, rows=3)
    main = bench.collection("core/toDo").job.tables[0]
    pointer = bench.lake.catalog.pointers(main.database, main.name)[DAY]
    body = io.BytesIO()
    pq.write_table(pa.table({"id": ["a", "b", "c"]}), body)
    bench.lake.store.put(f"{pointer.location}/part-0.parquet", body.getvalue())
    proof = demo._proof(bench.workplace, [report(outcome("core/toDo", "published", rows=3))])
    assert proof is not None
    assert "holds 3 rows, as published" in proof


def test_without_rows_there_is_nothing_to_prove(workplace):
    assert demo._proof(workplace, [report()]) is None


def test_a_second_call_says_that_nothing_had_to_be_done():
    assert "Nothing had to be done" in summary([report(outcome("core/toDo", "unchanged"))])


def test_days_whose_files_got_other_tags_are_counted():
    days = [outcome("core/toDo", "unchanged", cause=OTHER_TAGS), outcome("core/contract", "unchanged")]
    assert "Nothing had to be read[/]: 2 collection-days published already, 1 with other tags" in summary([report(*days)])
    assert "2 unchanged, 1 with other tags" in summary([report(*days, outcome("core/statement", "published"))])


def test_a_day_that_cannot_be_published_is_nothing_done():
    unchanged, refused = outcome("core/toDo", "unchanged"), outcome("payment/payments")
    assert demo.nothing_was_done([report(unchanged, refused)])
    assert not demo.nothing_was_done([report(unchanged), report(outcome("core/toDo", "published"))])
    assert not demo.nothing_was_done([report(refused)])


def test_commands_to_try_can_be_copied_also_where_the_environment_is_not_active(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    assert subprocess.run([demo.own_name(), "--help"], capture_output=True, check=True).stdout


def test_they_are_short_where_it_is(monkeypatch):
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    assert demo.own_name() == "dataworks"


@pytest.mark.parametrize(("name", "command"), [("local", "dataworks"), ("emulated", "dataworks -d emulated")])
def test_a_command_to_try_names_a_deployment_that_is_not_the_default(name, command, monkeypatch):
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    assert demo._own_command(SimpleNamespace(settings=SimpleNamespace(deployment=SimpleNamespace(name=name)))) == command


def partner(*days, error=""):
    written = PartnerWritten(tuple(date(2026, 11, day) for day in range(11, 21)), ())
    return demo.PartnerDemo(written, report(*days, error=error))


def test_the_partners_missing_day_and_the_one_behind_it_are_no_failures():
    days = [replace(outcome("payment/payments"), day=day) for day in ("2026-11-19", "2026-11-20")]
    assert partner(*days).failed() == ""
    assert partner(*days).expected().startswith("payment/payments 2026-11-19 and payment/payments 2026-11-20")


def test_any_other_day_of_the_partners_is_one():
    said = partner(replace(outcome("vacancy/vacancies", cause="gone"), scope="kickstart")).failed()
    assert said == "kickstart/vacancy/vacancies 2026-11-20: gone"
    assert partner(error="killed").failed() == "killed"
