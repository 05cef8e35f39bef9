"""`dataworks plan` says what a run would read and do, and why."""

from __future__ import annotations

import pytest

from spark.errors import ConfigurationError

DAY = "2026-11-20"


@pytest.fixture
def decisions(bench):
    def decide(*arguments):
        planned = bench.json("plan", *arguments)["days"]
        return {(each["collection"], each["export_date"]): each["decision"] for each in planned}

    return decide


def test_what_was_never_published_is_new(bench, decisions):
    bench.export("core/toDo")
    assert decisions("--day", DAY, "-c", "core/toDo") == {("core/toDo", DAY): "new"}


def test_other_inputs_than_the_published_ones_are_changed(bench, decisions):
    bench.export("core/toDo")
    bench.publish("core/toDo", DAY, inputs="others")
    assert decisions("--day", DAY, "-c", "core/toDo")["core/toDo", DAY].startswith("changed")


def test_a_day_without_an_object_was_not_exported(bench, decisions):
    bench.export("core/toDo", "2026-11-19")
    assert decisions("--day", DAY, "-c", "core/toDo") == {("core/toDo", DAY): "not exported"}


def test_a_day_that_no_collection_has_is_refused_by_its_date(bench):
    bench.export("core/toDo")
    with pytest.raises(ConfigurationError, match="none of these collections has 2015-01-01"):
        bench("plan", "--day", "2015-01-01", "-c", "core/toDo")


def test_a_held_collection_says_why(bench):
    bench.export("core/toDo")
    bench("hold", "core/toDo", "--reason", "wrong amounts")
    assert "wrong amounts" in bench("plan", "--day", DAY, "-c", "core/toDo")


def test_a_run_says_what_it_would_do(bench):
    bench.export("core/toDo")
    shown = bench("adg", "run", "--day", DAY, "-c", "core/toDo", "--dry-run")
    assert "1 collection-day to do" in shown
    assert bench.lake.catalog.pointers("analytical_dataset_generation", "core_todo_history") == {}


def test_bytes_and_files_are_added_up(bench):
    bench.export("core/toDo", batches=3)
    bench.export("core/statement")
    found = bench.json("plan", "--day", DAY, "-c", "core/toDo", "-c", "core/statement")
    assert (found["to_do"], found["files"], found["input_bytes"]) == (2, 4, 4000)


def test_a_refusal_of_the_same_inputs_is_told(bench):
    bench.export("core/toDo")
    planned = bench.json("plan", "--day", DAY, "-c", "core/toDo")["days"][0]
    assert planned["refused_before"] is False
    bench.refuse("core/toDo", fingerprint=fingerprint_of(bench))
    assert "refused before" in bench("plan", "--day", DAY, "-c", "core/toDo")


def fingerprint_of(bench):
    from dataworks_assets.cli.plan import make_plan
    from dataworks_assets.cli.selection import parse_days
    from dataworks_assets.systems.plan import Request

    made = make_plan(bench.workplace, bench.workplace.rooms()[0], Request(("core/toDo",), parse_days([DAY])))
    return made.days[0].fingerprint


def test_a_refusal_of_other_inputs_is_not(bench):
    bench.export("core/toDo")
    bench.refuse("core/toDo", fingerprint="of others")
    assert "refused before" not in bench("plan", "--day", DAY, "-c", "core/toDo")


def test_without_a_day_the_exported_ones_are_planned(bench, decisions):
    bench.export("core/toDo", "2026-11-18")
    bench.export("core/toDo", "2026-11-20")
    assert set(decisions("-c", "core/toDo")) == {("core/toDo", "2026-11-18"), ("core/toDo", "2026-11-20")}


def test_without_any_export_it_says_so(bench):
    assert "Nothing was exported" in bench("plan")


def test_a_topic_that_nobody_configured_is_named(bench):
    bench.export("core/toDo")
    base = f"memory://dataworks-input/businessdata/mongo/ucdata/{DAY}/full"
    bench.lake.store.put(f"{base}/db.unlisted.thing-000-256-000001.txt.gz.enc", b"x")
    assert "db.unlisted.thing is exported but not configured" in bench("plan", "--day", DAY, "-c", "core/toDo")


def test_only_the_work_is_shown_where_that_is_asked_for(bench):
    bench.export("core/toDo")
    bench("hold", "core/statement", "--reason", "any")
    shown = bench("plan", "--day", DAY, "-c", "core/toDo", "-c", "core/statement", "--work")
    assert "core/toDo" in shown
    assert "core/statement" not in shown
