"""Downstream is told of a complete day: the parameters file, the completion message, the PDM trigger in its window."""

import json
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from moto import mock_aws

from dataworks_assets.config.ledger import WindowConfig
from dataworks_assets.config.naming import SnapshotType
from dataworks_assets.ledger.errands import SnsMessenger
from dataworks_assets.systems.adg.recording import ledger_repair
from dataworks_assets_tests.systems.adg.automation.test_ledger_repair import DiedError, DyingStore, Life, Runs
from dataworks_assets_tests.systems.adg.whole_path import DAY, DAY_BEFORE, World, bare, configured, documents
from spark.errors import LedgerError
from spark.store import ObjectStore

MORNING = datetime(2026, 11, 20, 9, tzinfo=UTC)
AFTERNOON = datetime(2026, 11, 20, 14, tzinfo=UTC)
CSV = "memory://output/analytical-dataset/full/adg_output/adg_params.csv"
SAID = {
    "correlation_id": "c-1",
    "s3_prefix": "analytical-dataset/full/2026-11-20",
    "snapshot_type": "full",
    "export_date": "2026-11-20",
}


def made(*, skips=False, window=None, **fields):
    ledger = {"status_table": "rows", "completion_topic": "arn:completion", "pdm": {"topic": "arn:pdm", "window": window}}
    world = World(
        [configured("db.core.statement", snapshot_types=list(SnapshotType))],
        deployment_fields={"ledger": ledger, "output": {"skip_pdm_trigger": skips}},
        **fields,
    )
    for day in (DAY_BEFORE, DAY):
        world.write("db.core.statement", day, documents(1))
    return world


@pytest.fixture
def world():
    return made()


def topics(world):
    return [topic for topic, _ in world.sent]


def run(world, *, now=MORNING, has_message=True, correlation_id="c-1", **said):
    return world.run_recorded(now=now, has_message=has_message, correlation_id=correlation_id, **said)


def tick(world, now):
    return ledger_repair(world.platform, world.scope, world).tick(Runs(), now=now)


def test_a_complete_full_of_a_message_is_told_once(world):
    run(world)
    assert world.sent == [("arn:completion", SAID), ("arn:pdm", SAID)]
    run(world, force=True, now=MORNING + timedelta(hours=1))
    assert len(world.sent) == 2


def test_the_parameters_file_is_as_its_reader_knows_it(world):
    run(world)
    assert world.store.read(CSV).decode() == (
        "correlation_id,s3_prefix,snapshot_type,export_date\nc-1,analytical-dataset/full/2026-11-20,full,2026-11-20\n"
    )


def test_the_parameters_file_never_goes_back(world):
    run(world)
    run(world, days=[DAY_BEFORE], correlation_id="c-0")
    assert b"c-1" in world.store.read(CSV)
    run(world, correlation_id="c-2", force=True, now=MORNING + timedelta(hours=1))
    assert b"c-2" in world.store.read(CSV)


@pytest.mark.parametrize(
    ("skips", "asked", "has_message", "is_told"),
    [
        (False, None, True, True),
        (True, None, True, False),
        (False, None, False, False),
        (True, True, True, True),
        (True, True, False, True),
        (False, False, True, False),
    ],
)
def test_who_is_told_is_the_runs_word_then_the_deployments_for_messages_alone(skips, asked, has_message, is_told):
    world = made(skips=skips)
    run(world, has_message=has_message, tells=asked)
    assert bool(world.sent) is is_told


def test_an_incremental_tells_nobody_whatever_is_asked():
    world = made(snapshot_type=SnapshotType.INCREMENTAL)
    world.write("db.core.statement", DAY, documents(1))
    run(world, tells=True)
    assert world.sent == []
    assert world.store.exists(CSV.replace("full", "incremental"))


def test_a_day_that_is_not_complete_is_not_told(world):
    world.write("db.core.statement", DAY, [bare(b"no json")])
    run(world)
    assert (world.sent, world.store.exists(CSV)) == ([], False)


def test_the_pdm_trigger_waits_for_its_window():
    world = made(window={"opens_utc": "14:00", "closes_utc": "02:00"})
    run(world)
    assert topics(world) == ["arn:completion"]
    assert tick(world, AFTERNOON - timedelta(seconds=1)).messages == {"waiting": 1}
    assert tick(world, AFTERNOON).messages == {"sent": 1}
    assert topics(world) == ["arn:completion", "arn:pdm"]
    assert tick(world, AFTERNOON).messages == {}


def test_a_pdm_trigger_is_dropped_with_a_notice_when_its_window_is_over():
    world = made(window={})
    run(world)
    assert tick(world, AFTERNOON + timedelta(hours=12)).messages == {"dropped": 1}
    assert topics(world) == ["arn:completion"]
    notice = world.notices[-1]
    assert notice.title == "The PDM trigger of ADG-full 2026-11-20 was dropped"
    assert "2026-11-21 02:00 UTC" in notice.elements["reason"]


@pytest.mark.parametrize(
    ("opens", "closes", "ends"), [("14:00", "02:00", "2026-11-21T02"), ("14:00", "20:00", "2026-11-20T20")]
)
def test_a_window_may_go_over_midnight(opens, closes, ends):
    found = WindowConfig.model_validate({"opens_utc": opens, "closes_utc": closes}).of(DAY)
    assert (found[0], found[1].isoformat()[:13]) == (AFTERNOON, ends)


def test_a_message_that_is_not_taken_is_told_once_and_sent_later(world):
    world.is_mute = True
    run(world)
    assert [notice.title for notice in world.notices[1:]] == [
        "The completion message of ADG-full 2026-11-20 could not be sent",
        "The PDM trigger of ADG-full 2026-11-20 could not be sent",
        "ADG-full 2026-11-20 completed",
    ]
    assert world.tables.row("rows", "c-1", "ADG-full")["Status"] == "COMPLETED"
    assert tick(world, AFTERNOON).messages == {"failed": 2}
    assert len(world.notices) == 4
    world.is_mute = False
    tick(world, AFTERNOON)
    assert world.sent == [("arn:completion", SAID), ("arn:pdm", SAID)]


def test_without_topics_nothing_is_sent_and_nothing_waits():
    world = made()
    world.deployment_fields["ledger"] = {"status_table": "rows"}
    run(world)
    assert (world.sent, tick(world, AFTERNOON).messages) == ([], {})


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
def test_a_run_that_dies_at_any_call_of_its_ledger_tells_of_a_complete_day(done):
    for calls in range(1, 40):
        store = ObjectStore.in_memory()
        world = made(store=store)
        world.store = DyingStore(store, Life(calls, done))
        try:
            run(world)
            died = False
        except DiedError:
            died = True
        world.store = store
        was_remembered = bool(list(store.list("memory://output/_dataworks/ledger")))
        tick(world, MORNING)
        is_published = world.pointer("core/statement") is not None
        assert len(world.sent) >= 2 if is_published and was_remembered else not world.sent
        assert tick(world, MORNING).messages == {}
        if not died:
            assert len(world.sent) == 2
            return
    raise AssertionError("no run was clean")


def test_messages_go_to_their_topic():
    with mock_aws(), pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SQS", "AWS_ENDPOINT_URL_SNS"):
            patch.delenv(name, raising=False)
        sns, sqs = (
            boto3.client(each, region_name="eu-west-2", aws_access_key_id="x", aws_secret_access_key="x")
            for each in ("sns", "sqs")
        )
        topic, queue = sns.create_topic(Name="completion")["TopicArn"], sqs.create_queue(QueueName="reader")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        messenger = SnsMessenger(lambda: sns)
        messenger.send(topic, json.dumps(SAID))
        envelope = json.loads(sqs.receive_message(QueueUrl=queue)["Messages"][0]["Body"])
        assert json.loads(envelope["Message"]) == SAID
        with pytest.raises(LedgerError, match="was not taken"):
            messenger.send(f"{topic}-not", "{}")
