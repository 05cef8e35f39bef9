"""A run that an operator asks for: said first, recorded, kept until it is started, and started once."""

from datetime import date, timedelta

import pytest

from dataworks_assets.systems.acts import new_act
from dataworks_assets.systems.adg.admin import LedgerAdmin
from dataworks_assets.systems.adg.admin_jobs import parse_day
from dataworks_assets.systems.adg.automation.restarts import Restart, RestartStore, restart_requests
from dataworks_assets.systems.adg.recording import run_entry
from dataworks_assets.systems.plan import Request
from dataworks_assets_tests.systems.adg.admin.acting import NOW, acts, run_job
from dataworks_assets_tests.systems.adg.automation.conftest import key, started
from dataworks_assets_tests.systems.adg.whole_path import DAY
from spark.errors import ConfigurationError


def test_a_restart_waits_for_a_run_that_does_its_day(world, admin, platform, instance):
    plan = admin.plan_clear(DAY, "c-1", instance)
    admin.clear(plan, new_act(platform, "clear", {}, by="ann"), starts=True)
    started(instance, [key("core/statement")], {"dagster/partition": "2026-11-20"})
    assert restart_requests(RestartStore(world.store, world.scope.control_uri), world.scope, instance, now=NOW) == []


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({}, {}),
        ({"correlation_id": "c-7", "force": True}, {"correlation_id": "c-7", "force": True}),
        (
            {"s3_prefix": "elsewhere/full", "skip_pdm_trigger": False},
            {"s3_prefix": "elsewhere/full", "skip_pdm_trigger": False},
        ),
        ({"skip_pdm_trigger": True}, {"skip_pdm_trigger": True}),
    ],
)
def test_a_run_is_started_with_what_it_is_told(world, platform, instance, asked, told):
    assert run_job(world, platform, "start_run", instance, **asked)[0]
    store = RestartStore(world.store, world.scope.control_uri)
    [request] = restart_requests(store, world.scope, instance, now=NOW)
    assert request.run_config["ops"]["adg_full"]["config"] == told
    assert {each.path[-1] for each in request.asset_selection} == {name.partition("/")[2] for name in world.scope.collections}
    [act] = acts(world)
    assert (act.what, act.by, act.about["days"], request.tags["dataworks/restart"]) == ("run", "ann", "2026-11-20", act.id)
    assert {name for name in act.about if name in told} == set(told)


def test_a_run_is_started_of_the_collections_that_are_named(world, platform, instance):
    assert run_job(world, platform, "start_run", instance, collections=["core/statement"])[0]
    [request] = restart_requests(RestartStore(world.store, world.scope.control_uri), world.scope, instance, now=NOW)
    assert [each.path for each in request.asset_selection] == [["adg_full", "core", "statement"]]


@pytest.mark.parametrize(
    ("skips", "means"),
    [
        ({"skip_pdm_trigger": False}, "no: downstream is told once the day is complete"),
        ({"skip_pdm_trigger": True}, "yes: nobody is told"),
        ({}, "left out: nobody is told, for no export's message starts this run"),
    ],
)
def test_a_dry_run_says_what_a_run_would_do_and_starts_none(world, platform, instance, skips, means):
    done, said = run_job(world, platform, "start_run", instance, dry_run=True, **skips)
    assert done
    assert any(text.startswith(f"Start a run of 2026-11-20 (skip the PDM trigger {means}): 2 unchanged") for text in said)
    assert (acts(world), RestartStore(world.store, world.scope.control_uri).all("adg_full")) == ([], [])


@pytest.mark.parametrize(
    ("asked", "why"), [({"collections": ["core/nothing"]}, "no collection 'core/nothing'"), ({"day": "x"}, "no day")]
)
def test_a_run_of_what_is_not_there_is_refused(world, platform, instance, asked, why):
    with pytest.raises(ConfigurationError, match=why):
        refused(world, platform, **asked)
    assert acts(world) == []


def test_a_job_fails_with_what_is_wrong_and_not_with_a_place_in_the_code(world, platform, instance):
    done, said = run_job(world, platform, "start_run", instance, collections=["core/nothing"])
    assert not done
    assert said[-1].startswith("no collection 'core/nothing' has 2026-11-20")


@pytest.mark.parametrize(("said", "why"), [("x" * 1025, "has 1,025 bytes"), ("a\nb", "not printable")])
def test_what_cannot_be_a_correlation_id_starts_nothing(world, platform, said, why):
    restart = Restart(system=world.scope.name, date=DAY, correlation_id=said, act="")
    with pytest.raises(ConfigurationError, match=why):
        LedgerAdmin(platform, world.scope).plan_start(restart)
    request = Request((), (DAY,), correlation_ids={str(DAY): said})
    with pytest.raises(ConfigurationError, match=why):
        run_entry(world.scope, request, run_id="r", has_message=False, now=NOW)


def refused(world, platform, day="2026-11-20", collections=()):
    """What the job does first, out of a step: the error as it is."""
    restart = Restart(system="adg_full", date=parse_day(day), correlation_id="", act="", collections=tuple(collections))
    return LedgerAdmin(platform, world.scope).plan_start(restart)


@pytest.mark.parametrize("named", ["{scheme}://{bucket}/elsewhere/full", "/elsewhere/full/", "elsewhere/full"])
def test_a_prefix_may_be_named_with_its_bucket_and_with_slashes(world, named):
    deployment = world.scope.settings.deployment
    named = named.format(scheme=deployment.store.scheme, bucket=deployment.buckets.input)
    place = world.scope.place_of(next(iter(world.scope.collections.values())), DAY, s3_prefix=named)
    assert place.data_uri == f"{deployment.store.scheme}://{deployment.buckets.input}/elsewhere/full"


@pytest.mark.parametrize("named", ["s3://another-bucket/full", "/", "a//b"])
def test_what_is_no_prefix_of_the_input_bucket_starts_no_run(world, platform, instance, named):
    restart = Restart(system=world.scope.name, date=DAY, correlation_id="c-7", act="", s3_prefix=named)
    with pytest.raises(ConfigurationError, match="is no prefix of the input bucket"):
        LedgerAdmin(platform, world.scope).plan_start(restart)
    assert not run_job(world, platform, "start_run", instance, s3_prefix=named)[0]
    assert not RestartStore(world.store, world.scope.control_uri).all("adg_full")


def test_no_run_is_started_of_a_day_to_come(world, platform):
    restart = Restart(system=world.scope.name, date=date.max, correlation_id="c-7", act="")
    with pytest.raises(ConfigurationError, match="9999-12-31 is a day to come"):
        LedgerAdmin(platform, world.scope).plan_start(restart)


def test_a_restart_of_a_day_to_come_keeps_no_other_from_its_run(world, instance):
    store = RestartStore(world.store, world.scope.control_uri)
    for day, act in ((DAY, "1"), (NOW.date() + timedelta(days=1), "2")):
        store.keep(Restart(system=world.scope.name, date=day, correlation_id="c", act=act))
    [asked] = restart_requests(store, world.scope, instance, now=NOW)
    assert "2026-11-20" in {asked.partition_key, asked.tags.get("dagster/asset_partition_range_start")}
    assert len(store.all("adg_full")) == 2
