"""What becomes of a message between the queue and the inbox; the queue is an emulated one."""

import pytest

from dataworks_assets.config.naming import SnapshotType
from dataworks_assets.systems.adg.automation.queue import Drained, QueueReader
from dataworks_assets_tests.systems.adg.automation.conftest import NOON, completion, enveloped
from spark.errors import StoreError


@pytest.fixture
def queue_url(sqs):
    return sqs.create_queue(QueueName="exports", Attributes={"VisibilityTimeout": "0"})["QueueUrl"]


@pytest.fixture
def reader(sqs, queue_url, inbox, scope, told):
    return QueueReader(sqs, queue_url, inbox, scope.settings, told)


def _left(sqs, queue_url):
    answer = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["ApproximateNumberOfMessages"])
    return int(answer["Attributes"]["ApproximateNumberOfMessages"])


def test_a_message_is_kept_and_leaves_the_queue(sqs, queue_url, reader, inbox):
    sqs.send_message(QueueUrl=queue_url, MessageBody=completion(correlation_id="c-9"))
    assert reader.drain(NOON) == Drained(kept=1)
    assert _left(sqs, queue_url) == 0
    assert [each.kept.message.correlation_id for each in inbox.waiting(SnapshotType.FULL, now=NOON)] == ["c-9"]


def test_an_enveloped_message_is_kept(sqs, queue_url, reader, inbox):
    sqs.send_message(QueueUrl=queue_url, MessageBody=enveloped(completion()))
    reader.drain(NOON)
    assert len(inbox.waiting(SnapshotType.FULL, now=NOON)) == 1


def test_more_messages_than_one_call_gives_are_all_taken(sqs, queue_url, reader):
    for index in range(23):
        sqs.send_message(QueueUrl=queue_url, MessageBody=completion(correlation_id=str(index)))
    assert reader.drain(NOON).kept == 23


def test_a_message_that_cannot_be_kept_stays_in_the_queue(sqs, queue_url, reader, store, monkeypatch):
    sqs.send_message(QueueUrl=queue_url, MessageBody=completion())

    def down(*_args, **_kwargs):
        raise StoreError("down")

    monkeypatch.setattr(store, "put", down)
    with pytest.raises(StoreError):
        reader.drain(NOON)
    assert _left(sqs, queue_url) == 1


def test_a_message_that_was_kept_but_not_deleted_is_kept_once(sqs, queue_url, reader, inbox, monkeypatch):
    sqs.send_message(QueueUrl=queue_url, MessageBody=completion())
    monkeypatch.setattr(reader.client, "delete_message_batch", lambda **_: {})
    reader.drain(NOON)
    monkeypatch.undo()
    reader.drain(NOON)
    assert len(inbox.waiting(SnapshotType.FULL, now=NOON)) == 1
    assert _left(sqs, queue_url) == 0


def test_a_malformed_message_is_put_aside_with_an_alert_and_blocks_no_other(sqs, queue_url, reader, inbox, told, store):
    for body in ("nonsense", completion()):
        sqs.send_message(QueueUrl=queue_url, MessageBody=body)
    assert reader.drain(NOON) == Drained(kept=1, put_aside=1)
    assert _left(sqs, queue_url) == 0
    assert len(inbox.waiting(SnapshotType.FULL, now=NOON)) == 1
    (refused,) = store.list(f"{inbox.control_uri}/inbox_refused")
    assert b"no JSON" in store.read(refused.uri)
    assert [notice.kind for notice in told.notices] == ["Error"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (completion(prefix="elsewhere"), "is not this deployment's"),
        (completion(kind="incremental"), "no collection is configured for incremental"),
        (completion("2026-10-31"), "before the first one"),
        (completion("2030-01-01"), "is a day to come"),
    ],
)
def test_a_message_that_is_not_the_deployments_is_put_aside_with_the_reason(sqs, queue_url, reader, told, body, said):
    sqs.send_message(QueueUrl=queue_url, MessageBody=body)
    assert reader.drain(NOON) == Drained(put_aside=1)
    assert said in told.notices[0].elements["reason"]


def test_one_that_comes_again_after_it_was_put_aside_alarms_once(sqs, queue_url, reader, told):
    for _ in range(2):
        sqs.send_message(QueueUrl=queue_url, MessageBody="nonsense")
        reader.drain(NOON)
    assert len(told.notices) == 1


def test_a_queue_that_is_not_there_is_one_error_with_its_address(sqs, reader, queue_url):
    sqs.delete_queue(QueueUrl=queue_url)
    with pytest.raises(StoreError, match="exports"):
        reader.drain(NOON)
