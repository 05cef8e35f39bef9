"""A run's lines in the log group of its product: what queries can read of them."""

import json
import re
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import boto3
import pytest
import yaml
from moto import mock_aws

from dataworks_assets.config.environment import Environment
from dataworks_assets.config.loader import load_settings
from dataworks_assets.infrastructure.names import CLUSTER_LOG_GROUP
from dataworks_assets.ledger.logs import CloudWatchLogs, Line, RunLogs
from dataworks_assets.ledger.recorder import Recorder
from dataworks_assets.stack.prometheus import RULES
from dataworks_assets_tests.ledger.test_dynamo import ENTRY
from dataworks_assets_tests.systems.adg.whole_path import DAY, World, bare, documents
from spark.errors import LedgerError

NOW = datetime.now(UTC)
QUERIES = yaml.safe_load((RULES.parent / "insights.yml").read_text())
OF_INSIGHTS = {"@timestamp", "@logStream", "@message", "timed", "timetaken"}


@pytest.fixture(scope="module")
def client():
    with mock_aws(), pytest.MonkeyPatch.context() as patch:
        patch.delenv("AWS_ENDPOINT_URL", raising=False)
        yield boto3.client("logs", region_name="eu-west-2", aws_access_key_id="x", aws_secret_access_key="x")


def lines_of(client, stream):
    found = client.get_log_events(logGroupName="/app/ADG-full/", logStreamName=stream, startFromHead=True)["events"]
    return [json.loads(each["message"]) for each in found]


class MemoryGroups:
    def __init__(self):
        self.lines = {}

    def send(self, group, stream, lines):
        del stream
        self.lines.setdefault(group, []).extend(json.loads(line) for _, line in lines)


@pytest.fixture(scope="module")
def said():
    """The lines of a run of which one collection fails."""
    world = World(groups=MemoryGroups(), deployment_fields={"ledger": {"log_group": "/app/{product}/"}})
    world.write("db.core.statement", DAY, documents(2))
    world.write("db.core.claimant", DAY, [bare(b"no json")])
    world.run_recorded(correlation_id="c-1")
    return world.groups.lines["/app/ADG-full/"]


def test_each_collection_and_all_say_how_long_they_took(said):
    timed = {line["message"].partition(":")[0]: line for line in said if line["message"].startswith("time taken for ")}
    assert set(timed) == {"time taken for core/statement", "time taken for core/claimant", "time taken for all"}
    one = timed["time taken for core/statement"]
    assert re.fullmatch(r"time taken for core/statement: \d+\.\d{3}", one["message"])
    assert (one["collection"], one["partition"], one["correlation_id"]) == ("core/statement", "2026-11-20", "c-1")
    assert (one["product"], one["rows"], one["state"], one["log_level"]) == ("ADG-full", 2, "published", "INFO")
    assert timed["time taken for all"]["outcome"] == "failed"


def test_every_line_has_time_level_message_product_and_run(said):
    for line in said:
        assert list(line)[:3] == ["timestamp", "log_level", "message"]
        assert datetime.fromisoformat(line["timestamp"]).tzinfo is not None
        assert line["product"] == "ADG-full"
        assert line["run"].startswith("run-")


def test_what_was_not_published_is_an_error_with_its_cause(said):
    [error] = [line for line in said if line["log_level"] == "ERROR"]
    assert error["collection"] == "core/claimant"
    assert "could not be decoded" in error["cause"]


@pytest.mark.parametrize("query", QUERIES, ids=[each["name"] for each in QUERIES])
def test_saved_queries_ask_for_fields_that_lines_have(query, said):
    fields = {name for line in said for name in line} | OF_INSIGHTS
    text = query["query"]
    asked = {name.strip() for listed in re.findall(r"(?:fields|display) ([^\n|]+)", text) for name in listed.split(",")}
    asked |= {*re.findall(r"(?:ispresent|max|avg|sum)\((\w+)\)", text), *re.findall(r"filter (\w+)", text)}
    assert asked - {"ispresent"} <= fields


def test_the_groups_of_saved_queries_are_those_that_are_written(tmp_path):
    ledger = load_settings("local", environment=Environment(home=tmp_path)).deployment.ledger
    groups = {ledger.log_group.format(product=ledger.adg.product(kind)) for kind in ("full", "incremental")}
    assert {group for query in QUERIES for group in query["groups"]} == groups | {CLUSTER_LOG_GROUP}


def test_lines_arrive_in_their_order_in_a_stream_of_the_run(client):
    logs = RunLogs(CloudWatchLogs(lambda: client), "/app/{product}/")
    lines = [Line(NOW + timedelta(milliseconds=n), "INFO", f"line {n}", {"n": n}) for n in range(2_500)]
    logs.send(ENTRY, lines[:1])
    logs.send(ENTRY, lines[1:])
    pages, token = [], None
    while True:
        more = {"nextToken": token} if token else {}
        answer = client.get_log_events(
            logGroupName="/app/ADG-full/", logStreamName="run-1", startFromHead=True, limit=1000, **more
        )
        if token == answer["nextForwardToken"]:
            break
        pages += answer["events"]
        token = answer["nextForwardToken"]
    assert [json.loads(each["message"])["n"] for each in pages] == list(range(2_500))


def test_a_line_that_is_too_long_is_cut(client):
    RunLogs(CloudWatchLogs(lambda: client), "/long/").send(ENTRY, [Line(NOW, "INFO", "ä" * 300_000, {})])
    [event] = client.get_log_events(logGroupName="/long/", logStreamName="run-1")["events"]
    assert len(event["message"].encode()) <= 200_000


def test_a_group_that_takes_nothing_is_an_error_that_names_it(client):
    with pytest.raises(LedgerError, match="log_group"):
        RunLogs(CloudWatchLogs(lambda: client), "x" * 600).send(ENTRY, [Line(NOW, "INFO", "said", {})])


def test_a_run_whose_lines_are_not_taken_tells_so_once_and_goes_on():
    class Refusing:
        calls = 0

        def send(self, *_):
            self.calls += 1
            raise LedgerError("no", transient=False)

    fields = {"ledger": {"log_group": "/app/{product}/", "status_table": "rows", "patience_seconds": 0}}
    world = World(groups=Refusing(), deployment_fields=fields)
    world.write("db.core.statement", DAY, documents(2))
    outcome = world.run_recorded("core/statement", correlation_id="c-1")
    assert (outcome.failures, world.groups.calls) == ((), 1)
    assert world.tables.row("rows", "c-1", "ADG-full")["CurrentStep"] == "flush-pushgateway"
    assert world.notices[-1].title == "The ledger of ADG-full could not be written"


class Waiting:
    """A scribe that does nothing yet."""

    def __init__(self):
        self.deeds = []

    def do_aside(self, deed):
        self.deeds.append(deed)


def test_lines_that_wait_are_sent_together_beside_the_rows():
    sent, scribe = [], Waiting()
    book = SimpleNamespace(clock=lambda: NOW, log=lambda _entry, lines: sent.append([line.message for line in lines]))
    recorder = Recorder(book, ENTRY, scribe=scribe)
    for message in ("a", "b", "c"):
        recorder.log(message)
    (deed,) = scribe.deeds
    deed()
    recorder.log("d")
    scribe.deeds[-1]()
    assert sent == [["a", "b", "c"], ["d"]]
