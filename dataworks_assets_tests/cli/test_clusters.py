"""`dataworks clusters` and `dataworks deploy`: what they show, ask, and do."""

from __future__ import annotations

from datetime import timedelta

import pytest
from typer.testing import CliRunner

from dataworks_assets.cli.main import app
from dataworks_assets.engines.emr.calls import EmrCalls
from dataworks_assets.engines.emr.clusters import Clusters
from dataworks_assets.engines.emr.requests import Place
from dataworks_assets.systems import clusters as systems_clusters
from dataworks_assets.systems.acts import read_acts
from dataworks_assets.systems.platform import Platform
from dataworks_assets_tests.engines.emr.world import EmrWorld, emr_config
from dataworks_assets_tests.stack.emr.memory import Clock, MemoryClient
from spark.errors import ConfigurationError
from spark.store import ObjectStore


@pytest.fixture
def clusters(monkeypatch):
    """The deployment's clusters, over an emulated EMR in memory."""
    world = EmrWorld(Clock(), ObjectStore.in_memory(), monkeypatch)
    calls = EmrCalls(lambda: MemoryClient(world.emr), sleep=world.clock.sleep)
    place = Place("local", emr_config(), "s3://logs/emr", "1g", {})
    made = Clusters(place, calls, world.store, f"{world.prefix_uri}/artefacts", f"{world.prefix_uri}/control", now=world.now)
    monkeypatch.setattr(systems_clusters, "clusters_of", lambda _: made)
    monkeypatch.setattr(Platform, "caller_identity", lambda _: "arn:aws:iam::1:role/operator")
    return made


@pytest.fixture
def started(clusters):
    return clusters.start("shared", size="small", keep_until=clusters.now() + timedelta(hours=1))


def living(clusters):
    return [each.view.id for each in clusters.living()]


def test_clusters_are_listed(bench, started):
    assert started in bench("clusters", "list")
    assert [(each["id"], each["kind"], each["runs"]) for each in bench.json("clusters", "list")] == [(started, "manual", [])]


def test_no_cluster_is_said_to_live(bench, clusters):
    assert "No cluster" in bench("clusters", "list")


def test_a_cluster_is_started(bench, clusters):
    shown = bench("clusters", "start", "shared", "--size", "small", "--hours", "2")
    assert living(clusters)[0] in shown
    [act] = read_acts(clusters.store, clusters.control_uri)
    assert (act.what, act.about["name"], act.about["size"]) == ("start cluster", "shared", "small")


def test_a_dry_run_starts_nothing_and_says_what_it_would(bench, clusters):
    shown = bench("clusters", "start", "x", "--size", "small", "--hours", "2", "--dry-run")
    assert "A cluster of the size small would be started: 1 primary" in shown
    assert "It is called dataworks-local-x, ends when it is idle for" in shown
    assert "A dry run: nothing was done" in shown
    assert living(clusters) == []


@pytest.mark.parametrize("hours", ["nan", "inf", "1e12"])
def test_a_cluster_is_not_kept_for_any_time(bench, clusters, hours):
    with pytest.raises(ConfigurationError, match=r"cannot be kept for .* hours.*8,760 at most"):
        bench("clusters", "start", "shared", "--size", "small", "--hours", hours)
    assert living(clusters) == []


@pytest.mark.parametrize("name", ["", "a b", "a<b>", "x" * 101])
def test_what_is_no_name_of_a_cluster_is_refused(bench, clusters, name):
    with pytest.raises(ConfigurationError, match="is no name of a cluster"):
        bench("clusters", "start", name, "--size", "small", "--dry-run")
    assert living(clusters) == []


@pytest.mark.parametrize("arguments", [("stop", "shared"), ("stop-all",), ("stop-all", "--kind", "manual")])
def test_nothing_is_stopped_without_a_yes(bench, workplace, clusters, started, arguments):
    refused = CliRunner().invoke(app, ["clusters", *arguments], obj=workplace, input="n\n")
    assert (refused.exit_code, living(clusters)) == (1, [started])
    bench("clusters", *arguments, "--dry-run")
    assert living(clusters) == [started]
    bench("clusters", *arguments, "--yes")
    assert living(clusters) == []
    stopped = read_acts(clusters.store, clusters.control_uri)[0]
    assert (stopped.what, stopped.about, stopped.via) == ("stop clusters", {"clusters": started}, "command line")


def test_clusters_of_another_kind_go_on(bench, clusters, started):
    with pytest.raises(ConfigurationError, match=r"no cluster of the kind backfill lives.*those of manual"):
        bench("clusters", "stop-all", "--kind", "backfill", "--yes")
    assert living(clusters) == [started]


def test_a_dry_run_refuses_a_size_that_is_none(bench, clusters):
    with pytest.raises(ConfigurationError, match="no size 'huge'"):
        bench("clusters", "start", "x", "--size", "huge", "--dry-run")


@pytest.mark.parametrize("further", [(), ("--dry-run",)])
def test_a_name_that_a_living_cluster_has_is_not_given_twice(bench, clusters, started, further):
    with pytest.raises(ConfigurationError, match=f"{started} is called 'dataworks-local-shared' already"):
        bench("clusters", "start", "shared", "--size", "small", *further)
    assert living(clusters) == [started]


def test_of_two_clusters_of_one_name_the_one_to_stop_is_named_by_its_id(bench, clusters, started, monkeypatch):
    monkeypatch.setattr(Clusters, "refuse_taken", lambda *_: None)  # as other tools start one
    other = clusters.start("shared", size="small", keep_until=clusters.now() + timedelta(hours=1))
    with pytest.raises(ConfigurationError, match="2 clusters are called 'shared'"):
        bench("clusters", "stop", "shared", "--yes")
    bench("clusters", "stop", other, "--yes")
    assert living(clusters) == [started]


def test_a_sweep_leaves_what_is_to_be_kept(bench, clusters, started):
    assert "Nothing to end" in bench("clusters", "sweep", "--dry-run")


def test_a_sweep_says_what_it_ends_asks_and_is_recorded(bench, workplace, clusters):
    gone = clusters.start("gone", size="small", keep_until=clusters.now() - timedelta(hours=1))
    assert f"End {gone}" in bench("clusters", "sweep", "--dry-run")
    refused = CliRunner().invoke(app, ["clusters", "sweep"], obj=workplace, input="n\n")
    assert (refused.exit_code, living(clusters), read_acts(clusters.store, clusters.control_uri)) == (1, [gone], [])
    assert f"Ended {gone}" in bench("clusters", "sweep", "--yes")
    [act] = read_acts(clusters.store, clusters.control_uri)
    assert (living(clusters), act.what, act.about) == ([], "sweep clusters", {"ended": gone})


@pytest.mark.parametrize("arguments", [("clusters", "list"), ("deploy", "artefacts")])
def test_a_deployment_that_does_not_run_on_emr_says_so(bench, arguments):
    with pytest.raises(ConfigurationError, match="do not run on EMR"):
        bench(*arguments)
