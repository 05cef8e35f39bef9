"""What operators do to the ledger: planned and said first, confirmed, recorded before it is done."""

import pytest
from dagster import DagsterRunStatus

from dataworks_assets.ledger.errands import ErrandKind
from dataworks_assets.systems.acts import new_act
from dataworks_assets.systems.adg.admin import LedgerAdmin
from dataworks_assets.systems.adg.admin_jobs import build_admin_jobs, parse_day, parse_kinds
from dataworks_assets.systems.adg.automation.restarts import RestartStore, restart_requests
from dataworks_assets_tests.systems.adg.admin.acting import NOW, acts, row, run_job
from dataworks_assets_tests.systems.adg.automation.conftest import key, move, start, started
from dataworks_assets_tests.systems.adg.whole_path import DAY, DAY_BEFORE
from spark.errors import ConfigurationError, LedgerError, StoreError

BOTH = (ErrandKind.COMPLETION, ErrandKind.PDM)


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
