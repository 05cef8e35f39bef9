"""Clusters as operators see them, over the emulated EMR in memory."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dataworks_assets.engines.emr.calls import EmrCalls
from dataworks_assets.engines.emr.clusters import Clusters
from dataworks_assets.engines.emr.requests import Place
from dataworks_assets.engines.emr.starting import refuse_without_logs
from dataworks_assets_tests.engines.emr.world import FAMILY, emr_config, named_cluster
from dataworks_assets_tests.stack.emr.memory import MemoryClient, Pretended, cluster_request
from spark.contract import encode
from spark.errors import AccessError, ConfigurationError, EngineError, StoreError
from spark.store import ObjectStore

PRICES = {"m7i.xlarge": {"on_demand": 0.2, "emr": 0.05}}


@pytest.fixture
def clusters(world):
    world.config = emr_config(prices=PRICES)
    calls = EmrCalls(lambda: MemoryClient(world.emr), sleep=world.clock.sleep)
    place = Place("test", world.config, "s3://logs/emr", "1g", {})
    control_uri = world.submission().parameters.control_uri
    return Clusters(place, calls, world.store, f"{world.prefix_uri}/artefacts", control_uri, now=world.now)


@pytest.fixture
def endless(world):
    """Steps that never end by themselves."""
    world.nodes.work = lambda step: Pretended()


def submit(world):
    """A run whose process is gone, its cluster asked for."""
    submission = world.submission()
    world.store.put(submission.parameters_uri, encode(submission.parameters))
    world.engine().submit(submission, submission.job_arguments(), lambda _: None)
    return submission


def start(world, clusters, hours=8.0):
    name = f"shared{len(clusters.living()) or ''}"
    return clusters.start(name, size="small", keep_until=world.now() + timedelta(hours=hours))


def nobody(family):
    return False


@pytest.fixture
def bare_logs(monkeypatch):
    """A store without the bucket of logs."""
    list_there = ObjectStore.list

    def list_or_refuse(store, prefix_uri, **options):
        if prefix_uri.startswith("s3://logs"):
            raise StoreError("there is no bucket 'logs'", where=prefix_uri, remedy="have it made", transient=False)
        return list_there(store, prefix_uri, **options)

    monkeypatch.setattr(ObjectStore, "list", list_or_refuse)


@pytest.mark.usefixtures("bare_logs")
def test_no_cluster_is_started_whose_log_bucket_is_not_there(world, clusters):
    with pytest.raises(StoreError, match="no bucket 'logs'"):
        start(world, clusters)
    with pytest.raises(StoreError, match="no bucket 'logs'"):
        submit(world)
    assert clusters.living() == []


def test_a_log_bucket_that_may_not_be_listed_is_taken_to_be_there(world, clusters, monkeypatch):
    def refuse(*_, **__):
        raise AccessError("access refused", where="s3://logs/emr", remedy="grant it")

    with monkeypatch.context() as patched:
        patched.setattr(ObjectStore, "list", refuse)
        refuse_without_logs(world.store, "s3://logs/emr")


def test_a_cluster_is_listed_with_its_run_its_age_and_its_cost(world, clusters):
    submission = submit(world)
    world.clock.sleep(90)
    (found,) = clusters.living()
    assert (found.family, found.application) == (FAMILY, submission.run_id)
    assert (found.hours, found.usd) == (pytest.approx(90 / 3600), pytest.approx(0.5 * 90 / 3600))


@pytest.mark.usefixtures("endless")
def test_a_cluster_of_several_runs_steps_is_listed_with_all_of_them(world, clusters):
    start(world, clusters)
    world.config = emr_config(cluster="dataworks-test-shared")
    submit(world)
    (found,) = clusters.living()
    assert (found.family, found.families, found.kind) == ("", (FAMILY,), "manual")


@pytest.mark.usefixtures("endless")
def test_clusters_are_found_by_what_they_were_started_for(world, clusters):
    submit(world)
    manual = start(world, clusters)
    assert [each.view.id for each in clusters.of_kinds(["manual", "backfill"])] == [manual]
    assert len(clusters.of_kinds([])) == 2
    with pytest.raises(ConfigurationError, match="no cluster of the kind backfill lives"):
        clusters.of_kinds(["backfill"])


@pytest.mark.parametrize("count", [10, 11, 100])
def test_more_clusters_than_a_call_takes_are_all_stopped(world, clusters, count):
    for _ in range(count):
        start(world, clusters)
    clusters.stop(clusters.living())
    assert clusters.living() == []


def test_a_cluster_that_does_not_let_itself_be_ended_keeps_none_of_the_others(world, clusters):
    protected, other = (start(world, clusters, hours=0.2) for _ in range(2))
    MemoryClient(world.emr).set_termination_protection(JobFlowIds=[protected], TerminationProtected=True)
    world.clock.sleep(0.2 * 3600 + 1)
    swept = {each.what: each.error for each in clusters.sweep(nobody)}
    assert swept.keys() == {protected, other}
    assert ("termination protected" in swept[protected], swept[other]) == (True, "")
    assert [each.view.id for each in clusters.living()] == [protected]


def test_clusters_of_others_are_not_listed(world, clusters):
    client = MemoryClient(world.emr)
    client.run_job_flow(**cluster_request(Name="dataworks-test-looks-like-it"))
    client.run_job_flow(**cluster_request(Name="another"))
    assert clusters.living() == []


def test_a_started_cluster_waits_for_steps_and_is_kept(world, clusters):
    cluster_id = start(world, clusters)
    world.clock.sleep(700)
    assert clusters.sweep(nobody) == []
    assert [each.view.id for each in clusters.living()] == [cluster_id]


def test_a_started_cluster_takes_the_steps_of_runs_that_name_it(world, clusters):
    start(world, clusters)
    world.config = emr_config(cluster="dataworks-test-shared")
    assert world.run(world.engine()).complete


def test_a_cluster_is_no_longer_kept_when_its_time_has_come(world, clusters):
    cluster_id = start(world, clusters, hours=0.2)
    world.clock.sleep(0.2 * 3600 + 1)
    (swept,) = clusters.sweep(nobody)
    assert (swept.what, "it was to be kept until" in swept.why) == (cluster_id, True)


def test_a_cluster_of_no_size_there_is_is_not_started(world, clusters):
    with pytest.raises(ConfigurationError, match=r"no size 'huge'.*small"):
        clusters.start("x", size="huge", keep_until=world.now())


@pytest.mark.usefixtures("endless")
def test_the_cluster_of_a_dead_run_is_ended_and_said(world, clusters):
    submit(world)
    (cluster,) = clusters.living()
    world.clock.sleep(700)
    (swept,) = clusters.sweep(nobody)
    assert (swept.what, swept.why) == (cluster.view.id, f"no try of the run {FAMILY} is under way")
    assert world.living() == []


@pytest.mark.usefixtures("endless")
def test_the_cluster_of_a_live_run_is_left_alone(world, clusters):
    submit(world)
    world.clock.sleep(7000)
    assert clusters.sweep(lambda family: family == FAMILY) == []
    assert len(world.living()) == 1


@pytest.mark.usefixtures("endless")
def test_a_cluster_that_has_only_just_been_asked_for_is_left_alone(world, clusters):
    submit(world)
    assert clusters.sweep(nobody) == []


@pytest.mark.usefixtures("endless")
def test_a_dry_run_ends_nothing(world, clusters):
    submit(world)
    world.clock.sleep(700)
    assert len(clusters.sweep(nobody, dry_run=True)) == 1
    assert len(world.living()) == 1


@pytest.mark.usefixtures("endless")
def test_the_step_of_a_dead_run_is_ended_and_its_shared_cluster_is_not(world, clusters):
    with named_cluster(world) as cluster_id:
        submit(world)
        world.clock.sleep(700)
        swept = clusters.sweep(nobody)
    assert [each.what.endswith(f"on {cluster_id}") for each in swept] == [True]
    assert world.living() == [cluster_id]
    assert world.emr.clusters[cluster_id].active_steps() == []


def test_what_a_dead_run_left_written_down_is_forgotten_once_it_has_ended(world, clusters):
    submit(world)
    for _ in range(8):
        world.clock.sleep(100)
        world.emr.advance()
    assert clusters.sweep(nobody) == []
    assert world.intents() == []


def test_a_cluster_is_found_by_id_and_by_both_its_names(world, clusters):
    cluster_id = start(world, clusters)
    assert {clusters.find(name).view.id for name in (cluster_id, "shared", "dataworks-test-shared")} == {cluster_id}
    with pytest.raises(EngineError, match="no cluster 'other' of this deployment lives"):
        clusters.find("other")
