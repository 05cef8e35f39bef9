"""The commands of every system, where ADG's own tests do not reach: Kickstart's collections, named as their assets are."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
import yaml
from typer.testing import CliRunner

from dataworks_assets.cli.main import app
from dataworks_assets.cli.selection import in_one_room, the_one
from dataworks_assets.cli.workplace import Workplace
from dataworks_assets.config.environment import Environment
from dataworks_assets.config.loader import load_settings
from dataworks_assets.systems.every import rooms_of
from dataworks_assets.systems.holds import read_holds
from dataworks_assets.systems.kickstart import room
from dataworks_assets.systems.kickstart.acknowledged import acknowledge
from dataworks_assets.systems.plan import Decision
from dataworks_assets.systems.platform import Platform
from dataworks_assets_tests.systems.kickstart.whole_path import ADVERTS, CLAIMS, World, configured, days_from
from spark.errors import ConfigurationError, InputError, StoreError

YESTERDAY = datetime.now(UTC).date() - timedelta(days=1)
BEFORE = YESTERDAY - timedelta(days=1)
LONG = f"kickstart/{ADVERTS}"


@pytest.fixture
def world(monkeypatch):
    made = World(
        [configured(ADVERTS, quarantine_share=1.0), configured(CLAIMS)], first_day=BEFORE, today=YESTERDAY + timedelta(days=1)
    )
    monkeypatch.setattr(room, "source_store", lambda platform, run_id: made.source)
    return made


@pytest.fixture
def command(world):
    workplace = Workplace()
    workplace.settings, workplace.platform = world.settings, world.platform

    def call(*arguments):
        result = CliRunner().invoke(app, arguments, obj=workplace, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output if "--json" not in arguments else json.loads(result.stdout)

    return call


def begin_with(world, text):
    """Publishes adverts of yesterday, as history began with that day then."""
    world.csv(text, YESTERDAY)
    world.first_day = YESTERDAY
    world.run(ADVERTS, days=[YESTERDAY])


def status_of(command, *arguments):
    (found,) = command("status", *arguments, "--no-dagster", "--json")
    return {(each["collection"], each["export_date"]): each for each in found["days"]}, found["notes"]


def test_the_status_shows_rows_what_is_missing_and_where_a_catch_up_begins(world, command):
    begin_with(world, "id,title\n1,Baker\n")
    days, notes = status_of(command, "--system", "kickstart")
    assert (days[ADVERTS, str(YESTERDAY)]["state"], days[ADVERTS, str(YESTERDAY)]["rows"]) == ("published", 1)
    assert (days[ADVERTS, str(BEFORE)]["state"], days[ADVERTS, str(BEFORE)]["foreseen"]) == ("missing", "missing")
    assert f"vacancy: a catch-up begins at {BEFORE}" in notes


def test_a_day_that_waits_behind_one_that_is_not_shown_is_said_to_wait(world, command):
    world.csv("id,title\n1,Baker\n", YESTERDAY)
    days, _ = status_of(command, LONG, "--day", str(YESTERDAY))
    assert days[ADVERTS, str(YESTERDAY)]["state"] == "waits"


def test_a_day_before_the_history_is_neither_missing_nor_lost(world, command):
    begin_with(world, "id,title\n1,Baker\n")
    days, _ = status_of(command, "--day", f"{BEFORE - timedelta(days=9)}...{YESTERDAY}")
    assert {day for (name, day), said in days.items() if name == ADVERTS and said["foreseen"]} == {str(BEFORE)}


def test_a_delivered_day_a_changed_one_and_one_that_was_given_up_are_told_apart(world, command):
    world.csv("id,title\n1,Baker\n", BEFORE)
    world.run(ADVERTS, days=[BEFORE])
    world.csv("id,title\n2,Cook\n", BEFORE)
    world.csv("id,title\n3,Miller\n", YESTERDAY)
    acknowledge(world.store, world.scope, [(CLAIMS, BEFORE)], reason="lost", by="op")
    days, _ = status_of(command)
    assert (days[ADVERTS, str(BEFORE)]["state"], days[ADVERTS, str(BEFORE)]["foreseen"]) == ("published", "changed inputs")
    assert days[ADVERTS, str(YESTERDAY)]["state"] == "delivered"
    assert (days[CLAIMS, str(BEFORE)]["state"], days[CLAIMS, str(BEFORE)]["reason"]) == (
        "given up",
        "given up by an operator: lost",
    )


def test_what_was_given_up_is_no_problem_and_keeps_no_day_incomplete(world, command):
    world.csv("id,title\n1,Baker\n", BEFORE)
    world.run(ADVERTS, days=[BEFORE])
    acknowledge(world.store, world.scope, [(CLAIMS, BEFORE)], reason="lost", by="op")
    assert f"Newest complete day: {BEFORE}" in command("status", "--no-dagster")
    assert "nothing to show" in command("status", "--problems", "--day", str(BEFORE), "--no-dagster")


def test_a_partner_that_cannot_be_reached_is_said_and_what_is_published_is_shown(world, command, monkeypatch):
    begin_with(world, "id,title\n1,Baker\n")

    def refuse(*_, **__):
        raise StoreError("access denied", where="s3://partner", remedy="Ask the partner")

    monkeypatch.setattr(room, "source_store", refuse)
    days, notes = status_of(command)
    assert days[ADVERTS, str(YESTERDAY)]["state"] == "published"
    assert "access denied" in notes[0]


def test_a_hold_is_of_the_named_collection_and_no_run_publishes_it(world, command):
    for day in days_from(2, YESTERDAY):
        world.csv("id,title\n1,Baker\n", day)
        world.json([{"id": "c-1"}], day)
    command("hold", LONG, "--reason", "wrong wages")
    assert read_holds(world.store, world.scope) == {ADVERTS: "wrong wages"}
    outcome = world.run(days=days_from(2, YESTERDAY), force=True)
    assert outcome.failures == ()
    assert world.pointer(ADVERTS, YESTERDAY) is None
    assert world.pointer(CLAIMS, YESTERDAY) is not None
    assert "wrong wages" in command("plan", "--collection", LONG, "--day", str(YESTERDAY))
    assert f"{LONG} is released" in command("release", "kickstart/vacancy/*")
    assert [each.decision for each in world.plan(ADVERTS, days=[BEFORE]).days] == [Decision.NEW]


def test_a_rolled_back_day_is_read_with_the_schema_that_came_after_it(world, command):
    world.csv("id,title\n1,Baker\n", BEFORE)
    world.run(ADVERTS, days=[BEFORE])
    first = world.pointer(ADVERTS, BEFORE).attempt
    world.csv("id,wage\n2,9.5\n", BEFORE)
    world.csv("id,title,wage\n3,Cook,8\n", YESTERDAY)
    world.run(ADVERTS, days=days_from(2, YESTERDAY))
    newest = world.types(ADVERTS)
    said = command("rollback", LONG, "--day", str(BEFORE))
    assert f"shows attempt {first}" in said
    assert world.types(ADVERTS) == newest
    assert [(row["id"], row["title"], row["wage"]) for row in world.rows(ADVERTS, BEFORE)] == [(1, "Baker", None)]
    assert "rolled back" in read_holds(world.store, world.scope)[ADVERTS]
    assert [each.decision for each in world.run(ADVERTS, days=[BEFORE], force=True).plan.days] == [Decision.HELD]
    assert world.pointer(ADVERTS, BEFORE).attempt == first


def test_a_day_goes_back_although_its_columns_are_configured_otherwise_by_now(world, command):
    for text in ("id,title\n1,Baker\n", "id,title\n2,Cook\n"):
        world.csv(text, BEFORE)
        world.run(ADVERTS, days=[BEFORE])
    world.collections = [configured(ADVERTS, columns=[{"name": "id", "type": "string"}])]
    workplace = Workplace()
    workplace.settings, workplace.platform = world.settings, world.platform
    result = CliRunner().invoke(app, ["rollback", LONG, "--day", str(BEFORE)], obj=workplace, catch_exceptions=False)
    assert result.exit_code == 0
    assert [row["id"] for row in world.rows(ADVERTS, BEFORE)] == [1]


def test_refused_rows_are_shown(world, command):
    begin_with(world, "id,title\n1,Baker\n2,Cook,too much\n")
    assert f"dataworks quarantine {LONG} --day {YESTERDAY}" in command("quarantine", LONG).replace("\n", " ")
    assert "too much" in command("quarantine", LONG, "--day", str(YESTERDAY), "--raw")


def test_the_columns_that_a_table_has_come_to_are_proposed_as_its_initial_schema(world, command):
    begin_with(world, "id,title,wage\n1,Baker,9.5\n")
    (entry,) = yaml.safe_load(command("schema", "infer", LONG)).values()
    assert [(each["name"], each["type"]) for each in entry["columns"]] == [
        ("id", "bigint"),
        ("title", "string"),
        ("wage", "double"),
    ]


def test_without_a_table_it_says_how_one_comes_about(command):
    with pytest.raises(InputError, match="Publish a day"):
        command("schema", "infer", LONG)


def test_the_status_rows_of_a_modules_runs_are_shown(world, command):
    world.csv("id,title\n1,Baker\n", BEFORE)
    world.run_recorded(ADVERTS, days=[BEFORE])
    shown = command("ledger", "show", "--system", "kickstart", "--collections")
    assert all(text in shown for text in ("kickstart-vacancy", "kickstart_vacancy_analytical_dataset_generation", "Completed"))
    found = command("ledger", "show", "--day", str(BEFORE), "--json")
    assert [(row["Status"], row["Run_Id"]) for row in found["rows"]] == [("Completed", 1)]
    parts = command("ledger", "show", "--collections", "--json")["collections"]
    assert [(row["CollectionName"], row["KickstartStatus"]) for row in parts] == [(ADVERTS, "Completed")]
    assert command("ledger", "show", "--day", str(YESTERDAY), "--json")["rows"] == []


def test_garbage_is_collected_of_the_system_that_is_named(world, command):
    assert set(command("collect-garbage", "--system", "kickstart", "--dry-run", "--json")) == {"kickstart"}


@pytest.fixture
def rooms(tmp_path):
    """Those of the local deployment; nothing of it is opened."""
    return rooms_of(Platform(load_settings("local", environment=Environment(home=tmp_path))))


def test_a_long_name_is_of_one_system_and_a_short_one_of_the_full_export(rooms):
    names = ("core/toDo", "adg_incremental/core/toDo", "kickstart/vacancy/vacancies", "vacancy/vacancies")
    assert [the_one(rooms, name)[0].scope.name for name in names] == ["adg_full", "adg_incremental", "kickstart", "kickstart"]
    assert [in_one_room(rooms, [name])[0].scope.name for name in names] == [
        the_one(rooms, name)[0].scope.name for name in names
    ]


def test_collections_of_two_systems_are_not_planned_together(rooms):
    with pytest.raises(ConfigurationError, match="no one system"):
        in_one_room(rooms, ["core/*", "kickstart/*"])


def test_a_name_that_nobody_has_is_refused_with_the_nearest_one(rooms):
    with pytest.raises(ConfigurationError, match="Did you mean 'kickstart/vacancy/vacancies'"):
        the_one(rooms, "kickstart/vacancy/vacancy")


def test_a_system_without_collections_is_none(command):
    with pytest.raises(ConfigurationError, match="no collection of adg"):
        command("status", "--system", "adg")
