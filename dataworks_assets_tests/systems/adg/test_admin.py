"""What operators do to the ledger: planned and said first, confirmed, recorded before it is done."""

from datetime import UTC, date, datetime, timedelta

import pytest
from dagster import DagsterInstance, DagsterRunStatus

from dataworks_assets.ledger.errands import ErrandKind
from dataworks_assets.systems.acts import new_act, read_acts
from dataworks_assets.systems.adg.admin import LedgerAdmin
from dataworks_assets.systems.adg.admin_jobs import build_admin_jobs, parse_day, parse_kinds
from dataworks_assets.systems.adg.automation.restarts import Restart, RestartStore, restart_requests
from dataworks_assets.systems.adg.recording import run_entry
from dataworks_assets.systems.plan import Request
from dataworks_assets_tests.systems.adg.automation.conftest import key, move, start, started
from dataworks_assets_tests.systems.adg.whole_path import DAY, DAY_BEFORE, World, documents
from spark.errors import ConfigurationError, LedgerError, StoreError

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
LEDGER = {"status_table": "rows", "completion_topic": "arn:completion", "pdm": {"topic": "arn:pdm", "window": {}}}
BOTH = (ErrandKind.COMPLETION, ErrandKind.PDM)


@pytest.fixture
def world():
    """A day that is complete, with its row."""
    made = World(deployment_fields={"ledger": LEDGER})
    for topic in ("db.core.statement", "db.core.claimant"):
        made.write(topic, DAY, documents(1))
    made.run_recorded(correlation_id="c-1")
    return made


@pytest.fixture
def platform(world):
    made = world.platform
    made.caller_identity = lambda: "arn:aws:iam::1:role/operator"
    return made


@pytest.fixture
def admin(world, platform):
    return LedgerAdmin(platform, world.scope)


@pytest.fixture
def instance():
    with DagsterInstance.ephemeral() as made:
        yield made


def row(world, correlation_id="c-1"):
    return world.tables.row("rows", correlation_id, "ADG-full")


def acts(world):
    return read_acts(world.store, world.scope.control_uri)


def run_job(world, platform, name, instance, **config):
    """Runs an admin job as the UI does; returns whether it succeeded, and its messages."""
    job = next(each for each in build_admin_jobs(world.scope) if each.name.endswith(name))
    [op] = [node.name for node in job.nodes]
    result = job.execute_in_process(
        run_config={"ops": {op: {"config": {"day": "2026-11-20", "by": "ann", **config}}}},
        resources={"platform": platform},
        instance=instance,
        raise_on_error=False,
    )
    said = [entry.user_message for entry in instance.all_logs(result.run_id)]
    failures = [event.step_failure_data.user_failure_data for event in result.all_events if event.is_step_failure]
    return result.success, said + [each.description for each in failures if each]


def test_clearing_says_what_it_would_do_before_it_does_it(admin, instance):
    plan = admin.plan_clear(DAY, "", instance)
    assert plan.words == (
        "Delete the row c-1 / ADG-full (Status COMPLETED, CurrentStep flush-pushgateway, Run_Id 1), then start a forced run of"
        " 2026-11-20 with this correlation id: every collection of the day is read and published again"
    )


def test_a_cleared_row_is_gone_its_day_starts_anew_and_who_did_it_is_kept(world, admin, platform, instance):
    plan = admin.plan_clear(DAY, "c-1", instance)
    admin.clear(plan, new_act(platform, "clear", {"day": "2026-11-20"}, by="ann"), starts=True)
    assert row(world) == {}
    [act] = acts(world)
    assert (act.what, act.by, act.identity) == ("clear", "ann", "arn:aws:iam::1:role/operator")
    store = RestartStore(world.store, world.scope.control_uri)
    [asked] = restart_requests(store, world.scope, instance, now=NOW)
    assert asked.run_config["ops"]["adg_full"]["config"] == {"correlation_id": "c-1", "force": True}
    run = start(instance, asked, DagsterRunStatus.STARTED)
    assert restart_requests(store, world.scope, instance, now=NOW) == []
    move(instance, run, DagsterRunStatus.SUCCESS)
    assert store.all("adg_full") == []


def test_the_run_of_a_cleared_row_counts_from_one(world, admin, platform, instance):
    admin.clear(admin.plan_clear(DAY, "c-1", instance), new_act(platform, "clear", {}, by="ann"), starts=False)
    world.run_recorded(correlation_id="c-1", force=True)
    assert (row(world)["Run_Id"], row(world)["Status"]) == (1, "COMPLETED")


def test_a_restart_waits_for_a_run_that_does_its_day(world, admin, platform, instance):
    plan = admin.plan_clear(DAY, "c-1", instance)
    admin.clear(plan, new_act(platform, "clear", {}, by="ann"), starts=True)
    started(instance, [key("core/statement")], {"dagster/partition": "2026-11-20"})
    assert restart_requests(RestartStore(world.store, world.scope.control_uri), world.scope, instance, now=NOW) == []


def test_a_row_that_is_not_there_or_is_one_of_two_is_not_cleared(world, admin, instance):
    with pytest.raises(
        ConfigurationError, match=r"no row of ADG-full 2026-11-19.*adg run --type full --day 2026-11-19 --force"
    ):
        admin.plan_clear(DAY_BEFORE, "", instance)
    with pytest.raises(ConfigurationError, match=r"no row 'c-9'.*There is c-1"):
        admin.plan_clear(DAY, "c-9", instance)
    world.run_recorded(correlation_id="c-2")
    with pytest.raises(ConfigurationError, match=r"has 2 rows.*c-1, c-2"):
        admin.plan_clear(DAY, "", instance)


def test_a_row_whose_day_a_run_is_doing_is_not_cleared(admin, instance):
    started(instance, [key("core/statement")], {"dagster/partition": "2026-11-20"})
    with pytest.raises(ConfigurationError, match=r"a run is doing 2026-11-20 \(core/statement\)"):
        admin.plan_clear(DAY, "c-1", instance)


def test_what_cannot_be_recorded_is_not_done(world, admin, platform, instance):
    plan, act = admin.plan_clear(DAY, "c-1", instance), new_act(platform, "clear", {}, by="ann")

    class Refusing:
        def put(self, *_, **__):
            raise StoreError("no")

    platform.store = Refusing()
    with pytest.raises(StoreError):
        admin.clear(plan, act, starts=True)
    assert row(world)["Status"] == "COMPLETED"


def test_a_complete_day_is_told_again(world, admin, platform):
    plan = admin.plan_resend(DAY, "", BOTH)
    assert plan.words.startswith('Send the completion message {"correlation_id":"c-1"')
    admin.resend(plan, new_act(platform, "resend", {}, by="ann"))
    said = {
        "correlation_id": "c-1",
        "s3_prefix": "analytical-dataset/full/2026-11-20",
        "snapshot_type": "full",
        "export_date": "2026-11-20",
    }
    assert world.sent == [("arn:completion", said), ("arn:pdm", said)]


def test_a_day_that_is_not_complete_is_not_told(admin):
    with pytest.raises(ConfigurationError, match="2026-11-19 is not complete: core/claimant, core/statement"):
        admin.plan_resend(DAY_BEFORE, "c-0", BOTH)


def test_a_message_without_a_topic_is_refused_before_anything_is_sent(world):
    world.deployment_fields = {"ledger": {"status_table": "rows", "completion_topic": "arn:completion"}}
    with pytest.raises(ConfigurationError, match="no topic is configured for the PDM trigger"):
        LedgerAdmin(world.platform, world.scope).plan_resend(DAY, "", BOTH)


def test_without_a_table_there_is_nothing_to_clear(world, instance):
    world.deployment_fields = {}
    with pytest.raises(LedgerError, match="no status table is configured"):
        LedgerAdmin(world.platform, world.scope).plan_clear(DAY, "", instance)


def test_the_job_does_nothing_without_the_typed_confirmation(world, platform, instance):
    done, said = run_job(world, platform, "clear_status_row", instance, confirmation="yes")
    assert not done
    assert "Type `clear 2026-11-20` as the confirmation" in said[-1]
    assert (row(world)["Status"], acts(world)) == ("COMPLETED", [])


def test_a_dry_run_of_the_job_says_what_it_would_do(world, platform, instance):
    done, said = run_job(world, platform, "clear_status_row", instance, dry_run=True)
    assert done
    assert any(text.startswith("Delete the row c-1 / ADG-full") for text in said)
    assert (row(world)["Status"], acts(world)) == ("COMPLETED", [])


def test_the_confirmed_job_clears_and_names_who_confirmed_it(world, platform, instance):
    done, _ = run_job(world, platform, "clear_status_row", instance, confirmation="clear 2026-11-20")
    [act] = acts(world)
    assert (done, row(world), act.by, act.via[:4]) == (True, {}, "ann", "run ")
    assert RestartStore(world.store, world.scope.control_uri).all("adg_full")[0].correlation_id == "c-1"


def test_the_confirmed_job_tells_again(world, platform, instance):
    done, _ = run_job(world, platform, "resend_completion", instance, confirmation="resend 2026-11-20")
    assert (done, [topic for topic, _ in world.sent], acts(world)[0].what) == (True, ["arn:completion"], "resend")


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


def test_no_job_is_started_again_by_itself(world):
    assert {job.tags["dagster/max_retries"] for job in build_admin_jobs(world.scope)} == {"0"}


@pytest.mark.parametrize("text", ["", "20-11-2026", "yesterday"])
def test_what_is_no_day_is_refused(text):
    with pytest.raises(ConfigurationError, match="is no day"):
        parse_day(text)


@pytest.mark.parametrize("names", [[], ["mail"]])
def test_what_is_no_message_is_refused(names):
    with pytest.raises(ConfigurationError, match="is no message"):
        parse_kinds(names)


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
