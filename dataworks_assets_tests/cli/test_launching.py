"""A backfill that is handed to a running Dagster, whose GraphQL client is a fake here."""

from __future__ import annotations

import dagster_graphql
import pytest

from dataworks_assets.cli.webserver import webserver_url
from spark.errors import StackError

DAY = "2026-11-20"


@pytest.fixture
def submitted(monkeypatch):
    """What Dagster was given."""
    calls = []

    class Client:
        def __init__(self, hostname, **options):
            self.address = (hostname, options["port_number"])

        def submit_job_execution(self, job, **request):
            calls.append((self.address, job, request))
            return "run-7"

    monkeypatch.setattr(dagster_graphql, "DagsterGraphQLClient", Client)
    return calls


def test_each_range_is_one_run(bench, submitted):
    for day in ("2026-11-10", DAY):
        bench.export("core/toDo", day)
    shown = bench("backfill", "-D", f"2026-11-10,{DAY}", "-c", "core/toDo", "--launch", "--url", "http://127.0.0.1:3001")
    assert "http://127.0.0.1:3001/runs/run-7" in shown
    assert [request["tags"]["dagster/asset_partition_range_start"] for *_, request in submitted] == ["2026-11-10", DAY]


def test_the_run_is_of_the_assets_and_options_that_were_asked_for(bench, submitted):
    bench.export("core/toDo")
    bench("backfill", "-D", DAY, "-c", "core/toDo", "--force", "--launch", "--url", "http://127.0.0.1:3001")
    ((address, _, request),) = submitted
    assert address == ("127.0.0.1", 3001)
    assert request["asset_selection"] == [["adg_full", "core", "toDo"]]
    assert request["run_config"]["ops"]["adg_full"]["config"] == {"force": True}


def test_a_run_that_dagster_refuses_says_what_to_do(bench, monkeypatch):
    class Refuses:
        def __init__(self, *_, **__):
            raise dagster_graphql.DagsterGraphQLClientError("nobody there")

    monkeypatch.setattr(dagster_graphql, "DagsterGraphQLClient", Refuses)
    bench.export("core/toDo")
    with pytest.raises(StackError, match="nobody there"):
        bench("backfill", "-D", DAY, "-c", "core/toDo", "--launch", "--url", "http://127.0.0.1:3001")


@pytest.mark.parametrize("url", ["notaurl", "ftp://host", "http://", "http://host:port"])
def test_what_is_no_address_is_told(bench, submitted, url):
    bench.export("core/toDo")
    with pytest.raises(StackError, match=r"is no address of Dagster's UI.*http://127"):
        bench("backfill", "-D", DAY, "-c", "core/toDo", "--launch", "--url", url)
    assert submitted == []


def test_a_refusal_is_told_with_its_cause_and_without_the_query(bench, monkeypatch):
    class Refuses:
        def __init__(self, *_, **__):
            failed = dagster_graphql.DagsterGraphQLClientError("It failed \n\nmutation {\n  query\n}")
            raise failed from OSError("connection refused")

    monkeypatch.setattr(dagster_graphql, "DagsterGraphQLClient", Refuses)
    bench.export("core/toDo")
    with pytest.raises(StackError) as told:
        bench("backfill", "-D", DAY, "-c", "core/toDo", "--launch", "--url", "http://127.0.0.1:3001")
    assert told.value.what == "Dagster did not take the run: It failed: connection refused"


def test_without_an_address_the_running_one_is_meant(tmp_path):
    with pytest.raises(StackError, match="dataworks dev"):
        webserver_url(tmp_path, None)
