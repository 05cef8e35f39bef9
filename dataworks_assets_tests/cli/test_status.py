"""`dataworks status` shows what is published, what is not and why, and the newest complete day."""

from __future__ import annotations

from datetime import date

import pytest

from dataworks_assets.cli import status as command
from dataworks_assets.cli.published import read_status
from dataworks_assets.config.collections import RetentionConfig

DAY, BEFORE = "2026-11-20", "2026-11-19"


@pytest.fixture
def day_of(bench):
    def find(name, day=DAY, *arguments):
        (found,) = bench.json("status", name, "--type", "full", "--day", day, *(arguments or ["--no-dagster"]))
        return found["days"][0]

    return find


@pytest.fixture
def told(monkeypatch):
    """What Dagster was told, by collection."""
    said: dict[str, set[str]] = {}
    monkeypatch.setattr(command, "read_reported", lambda *_: said)
    return said


def test_a_published_day_has_its_rows_and_its_run(bench, day_of):
    attempt = bench.publish("core/toDo", DAY, rows=1234)
    found = day_of("core/toDo")
    assert (found["state"], found["rows"], found["attempt"]) == ("published", 1234, attempt)
    assert found["run_id"] == "run-0001-of-the-tests"


def test_a_refused_day_says_why(bench, day_of):
    bench.refuse("core/toDo", cause="one record too many")
    found = day_of("core/toDo")
    assert (found["state"], found["cause"], found["run_id"]) == ("refused", "one record too many", "run-refused")


def test_a_refused_day_says_where_and_what_to_do(bench, day_of):
    bench.refuse("core/toDo")
    found = day_of("core/toDo")
    assert (found["where"], found["remedy"]) == ("s3://in/a", "Export it again")
    shown = " ".join(bench("status", "core/toDo", "--type", "full", "--day", DAY, "--no-dagster").split())
    assert "a: one record" in shown
    assert "Export it" in shown


def test_what_is_published_stays_so_when_newer_inputs_are_refused(bench, day_of):
    bench.publish("core/toDo", DAY)
    bench.refuse("core/toDo")
    found = day_of("core/toDo")
    assert (found["state"], found["cause"]) == ("published", "one record too many")


def test_files_that_are_gone_are_seen_by_who_looks(bench, day_of):
    bench.publish("core/toDo", DAY)
    assert day_of("core/toDo", DAY, "--no-dagster", "--verify")["state"] == "published"
    bench.lake.store.delete([item.uri for item in bench.lake.store.list(bench.scope().output_uri)])
    found = day_of("core/toDo", DAY, "--no-dagster", "--verify")
    assert (found["state"], found["cause"]) == ("incomplete", "its files are not there any more: a run makes them again")


def test_a_half_of_several_tables_is_seen(bench):
    bench.publish("data/businessAudit", DAY, snapshot_type="incremental")
    last = bench.collection("data/businessAudit", "incremental").job.tables[-1]
    bench.lake.catalog.drop_partitions(last.database, last.name, [DAY])
    (found,) = bench.json("status", "data/businessAudit", "--type", "incremental", "--no-dagster")
    assert found["days"][0]["state"] == "incomplete"
    assert found["newest_complete_day"] is None


def test_what_dagster_was_told_of_and_the_catalog_has_no_more_is_gone(day_of, told):
    told["core/toDo"] = {DAY}
    assert day_of("core/toDo", DAY, "--dagster")["state"] == "gone"


def test_what_retention_dropped_is_not_taken_for_gone(bench, day_of, told, monkeypatch):
    told["core/toDo"] = {DAY}
    monkeypatch.setattr(RetentionConfig, "keeps", lambda *_: False)
    assert day_of("core/toDo", DAY, "--dagster")["state"] == "not kept"
    assert "it was dropped" in " ".join(bench("status", "core/toDo", "--type", "full", "--day", DAY, "--dagster").split())
    (found,) = bench.json("status", "core/toDo", "--type", "full", "--day", DAY, "--dagster", "--problems")
    assert (found["days"], found["newest_complete_day"]) == ([], None)


def test_what_dagster_was_not_told_of_is_shown(bench, told):
    bench.publish("core/toDo", DAY)
    told["core/toDo"] = set()
    assert "not yet reported in Dagster" in bench("status", "core/toDo", "--type", "full")


def test_the_overview_is_a_matrix_of_rows(bench):
    bench.publish("core/toDo", BEFORE, DAY, rows=1234)
    bench.refuse("core/statement")
    shown = bench("status", "--type", "full", "--no-dagster")
    line = next(line for line in shown.splitlines() if "core/toDo" in line)
    assert line.count("1,234") == 2
    assert "refused" in next(line for line in shown.splitlines() if "core/statement" in line)


def test_days_between_that_nothing_is_known_of_are_shown_too(bench):
    bench.publish("core/toDo", "2026-11-17", DAY)
    shown = bench("status", "--type", "full", "--no-dagster")
    assert all(day in shown for day in ("11-17", "11-18", "11-19", "11-20"))


def test_a_hold_stands_beside_the_collection(bench):
    bench.publish("core/toDo", DAY)
    bench("hold", "core/toDo", "--reason", "wrong amounts")
    assert "held: wrong amounts" in bench("status", "--type", "full", "--no-dagster")


def test_the_newest_complete_day_has_every_collection(bench):
    names = ["core/toDo", "core/statement"]
    for name in names:
        bench.publish(name, BEFORE)
    bench.publish("core/toDo", DAY)
    found = read_status(bench.workplace.platform, bench.scope(), bench.scope().select(names))
    assert found.newest_complete_day() == date(2026, 11, 19)


def test_a_day_that_a_collection_does_not_have_does_not_make_it_incomplete(bench, workplace):
    changed = [
        config.model_copy(update={"first_day": date(2026, 11, 20)}) if config.name == "core/statement" else config
        for config in workplace.settings.collections
    ]
    workplace.settings = type(workplace.settings)(workplace.settings.deployment, tuple(changed), workplace.settings.environment)
    bench.publish("core/toDo", BEFORE)
    scope = bench.scope()
    found = read_status(workplace.platform, scope, scope.select(["core/toDo", "core/statement"]))
    assert found.newest_complete_day() == date(2026, 11, 19)


def test_problems_leave_out_what_is_well(bench):
    bench.publish("core/toDo", DAY)
    bench.refuse("core/statement")
    shown = bench("status", "--type", "full", "--no-dagster", "--problems", "--day", DAY)
    assert "core/statement" in shown
    assert "core/toDo" not in shown


def test_days_in_a_row_that_are_missing_are_one_line(bench):
    for day in ("2026-11-16", DAY):
        bench.publish("core/toDo", day)
    shown = bench("status", "core/toDo", "--type", "full", "--no-dagster", "--problems", "--day", f"2026-11-15...{DAY}")
    missing = [line.split("│")[2].strip() for line in shown.splitlines() if " missing " in line]
    assert missing == ["2026-11-15", "2026-11-17 … 2026-11-19 (3)"]


def test_what_was_refused_stands_before_what_is_missing(bench):
    bench.publish("core/toDo", DAY)
    bench.refuse("quartz/claimantEvent")
    lines = bench("status", "--type", "full", "--no-dagster", "--problems", "--day", DAY).splitlines()
    (refused,) = [number for number, line in enumerate(lines) if "quartz/claimantEvent" in line]
    assert refused < min(number for number, line in enumerate(lines) if " missing " in line)


def test_nothing_published_says_how_to_begin(bench):
    assert "dataworks plan" in bench("status", "--type", "full", "--no-dagster")
