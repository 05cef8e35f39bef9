import json
import logging

import boto3
import pytest
from moto import mock_aws

from dataworks_assets.config.services import ChannelsConfig
from dataworks_assets.ledger.notices import LogNotifier, Notice, NoticeType, SnsNotifier
from spark.errors import StackError

NOTICE = Notice(NoticeType.ERROR, "An export is overdue", {"export_date": "2026-11-20"})
CHANNELS = {"Error": "#alerts"}.__getitem__
REGION = "eu-west-2"


@pytest.fixture
def clients():
    with mock_aws(), pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SQS", "AWS_ENDPOINT_URL_SNS"):
            patch.delenv(name, raising=False)
        yield tuple(
            boto3.client(name, region_name=REGION, aws_access_key_id="x", aws_secret_access_key="x") for name in ("sns", "sqs")
        )


def test_a_notice_has_the_fields_its_readers_know():
    assert json.loads(NOTICE.body(sender="ADG")) == {
        "severity": "Critical",
        "notification_type": "Error",
        "slack_username": "ADG",
        "title_text": "An export is overdue",
        "custom_elements": [{"key": "export_date", "value": "2026-11-20"}],
    }


def test_a_notice_arrives_at_the_topics_subscribers_with_what_routes_it(clients):
    sns, sqs = clients
    topic = sns.create_topic(Name="notices")["TopicArn"]
    queue = sqs.create_queue(QueueName="reader")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    assert SnsNotifier(lambda: topic, lambda: sns, "production", CHANNELS).send(NOTICE)
    envelope = json.loads(sqs.receive_message(QueueUrl=queue)["Messages"][0]["Body"])
    assert json.loads(envelope["Message"])["title_text"] == "An export is overdue"
    attributes = {name: each["Value"] for name, each in envelope["MessageAttributes"].items()}
    assert attributes == {"environment": "production", "notification_type": "Error", "channel": "#alerts"}


def test_a_notice_that_fails_is_logged_and_fails_nothing(clients, caplog):
    sns, _ = clients
    missing = f"arn:aws:sns:{REGION}:123456789012:none"
    assert not SnsNotifier(lambda: missing, lambda: sns, "qa").send(NOTICE)
    assert "was not sent" in caplog.text


def test_a_topic_that_is_not_known_fails_nothing(caplog):
    def down():
        raise StackError("the stack is down")

    assert not SnsNotifier(down, lambda: None, "qa").send(NOTICE)
    assert "the stack is down" in caplog.text


def test_without_a_topic_the_log_alone_is_told(caplog):
    assert SnsNotifier(lambda: None, lambda: None, "qa").send(NOTICE)
    assert "An export is overdue" in caplog.text


@pytest.mark.parametrize(("kind", "level"), [(NoticeType.INFORMATION, "INFO"), (NoticeType.WARNING, "WARNING")])
def test_a_notice_is_logged_at_the_level_of_its_kind(caplog, kind, level):
    with caplog.at_level(logging.INFO):
        LogNotifier().send(Notice(kind, "said"))
    assert caplog.records[0].levelname == level


def test_a_long_title_of_any_letters_fits_a_subject(clients):
    sns, _ = clients
    topic = sns.create_topic(Name="notices")["TopicArn"]
    assert SnsNotifier(lambda: topic, lambda: sns, "qa").send(Notice(NoticeType.ERROR, "é\n" * 200, {"k": "v" * 5000}))


@pytest.mark.parametrize(
    ("environment", "kind", "channel"),
    [
        ("production", "Information", "#dataworks-aws-production-notifications"),
        ("production", "Warning", "#dataworks-aws-production-notifications"),
        ("production", "Error", "#dataworks-aws-critical-alerts"),
        ("preprod", "Error", "#dataworks-aws-service-notifications"),
        ("development", "Information", "#dataworks-aws-service-notifications"),
    ],
)
def test_notices_are_routed_by_environment_and_kind(environment, kind, channel):
    assert ChannelsConfig().of(environment, kind) == channel
    assert ChannelsConfig(error="#mine", warning="#mine", information="#mine").of(environment, kind) == "#mine"
