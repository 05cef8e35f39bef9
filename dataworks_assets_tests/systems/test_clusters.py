"""Clusters in Dagster: which runs count as live, the sensor, and the jobs of operators."""

from __future__ import annotations

import re
import uuid
from types import SimpleNamespace

import pytest
from dagster import DagsterInstance, DagsterRunStatus, ResourceDefinition, build_sensor_context
from dagster._core.errors import DagsterUserCodeUnreachableError

from dataworks_assets.config.loader import load_settings
from dataworks_assets.definitions import build_definitions
from dataworks_assets.engines.emr.clusters import Swept
from dataworks_assets.systems import clusters
from dataworks_assets.systems.acts import read_acts
from dataworks_assets.systems.cluster_jobs import build_clusters
from dataworks_assets.systems.platform import Platform
from dataworks_assets_tests.systems.pretended_clusters import Pretended, own
from spark.errors import StoreError


@pytest.fixture
def instance():
    with DagsterInstance.ephemeral() as made:
        yield made


def add_run(instance, status, **tags):
    from dagster import DagsterRun

    run = DagsterRun("some_job", run_id=str(uuid.uuid4()), status=status, tags=tags)
    instance.add_run(run)
    return run.run_id


def family_of(run_id):
    return f"{run_id}-adg_full"


@pytest.mark.parametrize("status", [DagsterRunStatus.STARTING, DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING])
def test_a_run_that_is_under_way_is_live(instance, status):
    assert clusters.is_live(instance, family_of(add_run(instance, status)))


@pytest.mark.parametrize("status", [DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED])
def test_a_run_that_has_ended_is_not(instance, status):
    assert not clusters.is_live(instance, family_of(add_run(instance, status)))


def test_a_run_that_nobody_knows_is_not(instance):
    assert not clusters.is_live(instance, family_of(uuid.uuid4()))


def test_a_failed_run_that_dagster_is_about_to_retry_is_live(instance):
    will = {"dagster/will_retry": "true"}
    assert clusters.is_live(instance, family_of(add_run(instance, DagsterRunStatus.FAILURE, **will)))
    done = will | {"dagster/auto_retry_run_id": "x"}
    assert not clusters.is_live(instance, family_of(add_run(instance, DagsterRunStatus.FAILURE, **done)))


def test_a_retry_keeps_its_family_alive(instance):
    first = add_run(instance, DagsterRunStatus.FAILURE)
    add_run(instance, DagsterRunStatus.STARTED, **{"dagster/root_run_id": first})
    assert clusters.is_live(instance, family_of(first))


@pytest.fixture
def pretended(monkeypatch):
    made = Pretended([own("j-1"), own("j-2", kind="backfill")])
    monkeypatch.setattr(clusters, "clusters_of", lambda platform: made)
    return made


IDENTIFIED = SimpleNamespace(caller_identity=lambda: "arn:aws:iam::1:role/operator")
"""A platform as far as acts look at it."""


def acts(pretended):
    return read_acts(pretended.store, pretended.control_uri)


def run_job(instance, job_name, **config):
    (found,) = [each for each in jobs() if each.name == job_name]
    (node,) = found.nodes
    resources = {"platform": ResourceDefinition.hardcoded_resource(IDENTIFIED)}
    graph = found.graph.to_job(resource_defs=resources)
    return graph.execute_in_process(
        run_config={"ops": {node.name: {"config": config}}} if config else {}, instance=instance, raise_on_error=False
    )


def jobs():
    return build_clusters(Platform(load_settings("emulated")))[0]


@pytest.mark.parametrize(("config", "succeeds"), [({}, False), ({"confirmation": "yes"}, False), ({"dry_run": True}, True)])
def test_nothing_is_stopped_before_the_word_was_typed(instance, pretended, config, succeeds):
    assert run_job(instance, "emr_stop_clusters", cluster="j-1", by="ann", **config).success is succeeds
    assert (pretended.done, acts(pretended)) == ([], [])


@pytest.mark.parametrize(
    ("chosen", "stopped"),
    [
        ({"cluster": "j-2"}, ["stopped j-2"]),
        ({"kinds": ["backfill"]}, ["stopped j-2"]),
        ({"kinds": ["full", "incremental"]}, ["stopped j-1"]),
        ({}, ["stopped j-1", "stopped j-2"]),
    ],
)
def test_one_is_stopped_or_those_of_some_kinds_or_all(instance, pretended, chosen, stopped):
    assert run_job(instance, "emr_stop_clusters", confirmation="stop", by="ann", **chosen).success
    assert pretended.done == stopped


def test_who_stopped_a_cluster_is_kept(instance, pretended):
    run_id = run_job(instance, "emr_stop_clusters", cluster="j-2", confirmation="stop", by="ann").run_id
    [act] = acts(pretended)
    assert (act.what, act.by, act.identity, act.via) == (
        "stop clusters",
        "ann",
        "arn:aws:iam::1:role/operator",
        f"run {run_id}",
    )
    assert act.about == {"clusters": "j-2"}


def test_what_cannot_be_recorded_is_not_stopped(instance, pretended):
    act = clusters.act_on(IDENTIFIED, clusters.STOP, [own("j-1")])
    clusters.stop(pretended, [own("j-1")], instance, act)
    with pytest.raises(StoreError):
        clusters.stop(pretended, [own("j-2")], instance, act)  # an act is made once
    assert pretended.done == ["stopped j-1"]


class Coordinator:
    """Remembers what it was to cancel; answers as one that cannot reach the code server, where it is told to."""

    def __init__(self, error=None):
        self.cancelled, self.error = [], error

    def cancel_run(self, run_id):
        self.cancelled.append(run_id)
        if self.error:
            raise self.error


@pytest.mark.parametrize("error", [None, DagsterUserCodeUnreachableError("no code server")])
def test_the_run_of_a_cluster_that_was_stopped_is_cancelled_and_not_retried(instance, pretended, monkeypatch, error):
    run_id, ended = add_run(instance, DagsterRunStatus.STARTED), add_run(instance, DagsterRunStatus.FAILURE)
    chosen = [own("j-1", family_of(run_id)), own("j-2", family_of(ended))]
    coordinator = Coordinator(error)
    monkeypatch.setattr(type(instance), "run_coordinator", coordinator)
    act = clusters.act_on(IDENTIFIED, clusters.STOP, chosen, by="ann")
    clusters.stop(pretended, chosen, instance, act)
    assert (coordinator.cancelled, pretended.done) == ([run_id], ["stopped j-1", "stopped j-2"])
    assert instance.get_run_by_id(run_id).tags["dagster/max_retries"] == "0"
    said = [entry.message for entry in instance.all_logs(run_id)]
    assert any("ann (arn:aws:iam::1:role/operator) stops cluster j-1" in each for each in said)
    assert act.about["runs"] == ", ".join(sorted([family_of(run_id), family_of(ended)]))


@pytest.mark.parametrize("config", [{}, {"confirmation": "stop"}, {"confirmation": "sweep", "dry_run": True}])
def test_a_sweep_by_hand_ends_nothing_before_the_word_was_typed(instance, pretended, config):
    pretended.swept = [Swept("j-9", "no try is under way")]
    assert run_job(instance, "emr_sweep_clusters", by="ann", **config).success is config.get("dry_run", False)
    assert (pretended.done, acts(pretended)) == ([], [])


def test_who_swept_what_by_hand_is_kept(instance, pretended):
    pretended.swept = [Swept("j-9", "no try is under way")]
    run_id = run_job(instance, "emr_sweep_clusters", by="ann", confirmation="sweep").run_id
    [act] = acts(pretended)
    assert pretended.done == ["swept j-9"]
    assert (act.what, act.about, act.by, act.via) == ("sweep clusters", {"ended": "j-9"}, "ann", f"run {run_id}")


def test_a_sweep_of_nothing_is_no_act(instance, pretended):
    assert run_job(instance, "emr_sweep_clusters", by="ann", confirmation="sweep").success
    assert acts(pretended) == []


def test_a_sweep_by_hand_ends_what_was_shown_and_no_more(instance, pretended):
    pretended.swept = [Swept("j-9", "no try is under way")]
    plan = clusters.plan_sweep(pretended, instance)
    pretended.swept.append(Swept("j-10", "no try is under way"))
    act = clusters.act_on(IDENTIFIED, clusters.SWEEP, [])
    assert [each.what for each in clusters.sweep_by_hand(pretended, instance, plan, act)] == ["j-9"]


def test_a_cluster_is_started_and_those_there_are_listed(instance, pretended):
    assert run_job(instance, "emr_start_cluster", name="other", size="small", by="ann", dry_run=True).success
    assert run_job(instance, "emr_start_cluster", name="shared", size="small", by="ann").success
    assert run_job(instance, "emr_list_clusters").success
    assert pretended.done == ["started shared small"]
    assert [(act.what, act.by, act.about["name"]) for act in acts(pretended)] == [("start cluster", "ann", "shared")]


def test_a_dry_run_of_a_start_says_what_it_would_cost_and_when_it_would_end(instance, pretended):
    run = run_job(instance, "emr_start_cluster", name="other", size="small", hours=2, by="ann", dry_run=True)
    said = [entry.user_message for entry in instance.all_logs(run.run_id)]
    (words,) = [text for text in said if text.startswith("A cluster of the size small would be started: 1 primary")]
    assert "It is called dataworks-emulated-other, ends when it is idle for" in words
    assert re.search(r"kept from the sweeper until \S+T\d\d:\d\d\+00:00$", words)


def test_a_refused_act_fails_with_the_error_and_not_with_a_place_in_the_code(instance, pretended):
    run = run_job(instance, "emr_start_cluster", name="other", size="huge", by="ann")
    (failure,) = [event.step_failure_data for event in run.all_events if event.is_step_failure]
    assert failure.user_failure_data.description == "there is no size 'huge'. There are small"
    assert pretended.done == acts(pretended) == []


@pytest.mark.parametrize(
    ("told", "why"), [({"by": " "}, "nobody is named who does it"), ({"by": "ann", "hours": -1}, "cannot be kept for -1 hours")]
)
def test_a_job_that_lacks_what_it_is_told_starts_nothing(instance, pretended, told, why):
    result = run_job(instance, "emr_start_cluster", name="shared", size="small", **told)
    [failure] = [event.step_failure_data for event in result.all_events if event.is_step_failure]
    assert why in failure.user_failure_data.description
    assert (pretended.done, acts(pretended)) == ([], [])


def test_the_sensor_says_what_it_ended(instance, pretended):
    pretended.swept = [Swept("j-9", "no try is under way")]
    (sensor,) = build_clusters(Platform(load_settings("emulated")))[1]
    context = build_sensor_context(instance=instance, resources={"platform": object()})
    assert "j-9" in sensor.evaluate_tick(context).skip_message


def test_a_cluster_that_does_not_end_is_told_of_once_and_again_when_it_was_gone_in_between(instance, pretended):
    (sensor,) = build_clusters(Platform(load_settings("emulated")))[1]
    notices = []
    platform = SimpleNamespace(notifier=SimpleNamespace(send=lambda notice: notices.append(notice) or True))
    stuck = Swept("j-9", "no try is under way", error="it is termination protected")
    cursor = None
    for pretended.swept in ([stuck], [stuck], [], [stuck]):
        cursor = sensor.evaluate_tick(
            build_sensor_context(instance=instance, cursor=cursor, resources={"platform": platform})
        ).cursor
    assert [notice.elements["what"] for notice in notices] == ["j-9", "j-9"]
    assert "termination protected" in notices[0].elements["error"]


@pytest.mark.parametrize(("deployment", "there"), [("local", False), ("emulated", True), ("aws", True)])
def test_only_a_deployment_on_emr_has_them(deployment, there, monkeypatch):
    monkeypatch.setattr("dataworks_assets.config.loader.read_tags", lambda name, reader: {})
    settings = load_settings(deployment)
    definitions = build_definitions(settings=settings, platform=Platform(settings))
    names = {each.name for each in definitions.sensors} | {each.name for each in definitions.jobs}
    assert ({"emr_clusters", "emr_stop_clusters"} <= names) is there
