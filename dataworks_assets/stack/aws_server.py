"""The other AWS APIs (SNS, SQS, DynamoDB, Secrets Manager, STS, EMR, Glue ...): moto's server.

It keeps everything in memory; `provision` recreates the required resources after every start.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

import boto3
import requests
from botocore.config import Config

from dataworks_assets.infrastructure.names import EXPIRY_ATTRIBUTE, MOST_RECEIVES, STATUS_TABLE, TABLE_KEYS
from dataworks_assets.stack import state
from dataworks_assets.stack.service import HOST, Service, Surroundings, python_path

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_sns.client import SNSClient
    from mypy_boto3_sqs.client import SQSClient

NAME = "aws"
COMPLETION_TOPICS = {"full": "adg-full-export", "incremental": "adg-incremental-export"}
"""Topics of the export's completion messages, by snapshot type."""
NOTICE_TOPIC = state.NAMES.notice_topic
LEDGER_TOPICS = {"completion": state.NAMES.completion_topic, "pdm": state.NAMES.pdm_topic}
"""Topics by which downstream is told of a complete day."""
DOWNSTREAM_QUEUE = "downstream-messages"
"""Stands for the recipients: subscribed to notices and to messages about complete days."""
MESSAGE_QUEUE = state.NAMES.message_queue
DEAD_LETTER_QUEUE = state.NAMES.dead_letter_queue


class Provisioned(NamedTuple):
    """The resources in the emulated APIs, and which of them had to be created."""

    completion_topic_arns: dict[str, str]
    notice_topic_arn: str
    ledger_topic_arns: dict[str, str]
    message_queue_url: str
    made: tuple[str, ...]


def _url(around: Surroundings) -> str:
    return f"http://{HOST}:{around.port(NAME)}"


def _command(around: Surroundings) -> list[str]:
    return [python_path(), "-m", "moto.server", "-H", HOST, "-p", str(around.port(NAME))]


def _check_ready(around: Surroundings) -> None:
    """Requests moto's settings: listing all that it holds takes ever longer, and may fail."""
    requests.get(f"{_url(around)}/moto-api/config", timeout=5).raise_for_status()


def provision(endpoint: str) -> Provisioned:
    """Creates the topics, the queue of the export's messages with dead-letter queue and subscriptions, and the tables.

    Idempotent; existing resources stay.
    """
    sns, sqs, dynamodb = _connect_sns(endpoint), _connect_sqs(endpoint), _connect_dynamodb(endpoint)
    topics = {
        topic["TopicArn"].rpartition(":")[2] for page in sns.get_paginator("list_topics").paginate() for topic in page["Topics"]
    }
    queues = {url.rpartition("/")[2] for url in sqs.list_queues().get("QueueUrls", [])}
    wanted_topics, wanted_queues = (
        (*COMPLETION_TOPICS.values(), NOTICE_TOPIC, *LEDGER_TOPICS.values()),
        (
            MESSAGE_QUEUE,
            DEAD_LETTER_QUEUE,
            DOWNSTREAM_QUEUE,
        ),
    )
    made = [f"topic {name}" for name in wanted_topics if name not in topics]
    made += [f"queue {name}" for name in wanted_queues if name not in queues]
    made += [f"table {name}" for name in make_tables(dynamodb)]
    arns = {name: sns.create_topic(Name=name)["TopicArn"] for name in wanted_topics}
    queue_url = _make_queue(sqs)
    queue_arn = _queue_arn(sqs, queue_url)
    for name in COMPLETION_TOPICS.values():
        sns.subscribe(TopicArn=arns[name], Protocol="sqs", Endpoint=queue_arn)
    downstream_arn = _queue_arn(sqs, sqs.create_queue(QueueName=DOWNSTREAM_QUEUE)["QueueUrl"])
    for name in (NOTICE_TOPIC, *LEDGER_TOPICS.values()):
        sns.subscribe(TopicArn=arns[name], Protocol="sqs", Endpoint=downstream_arn)
    completion = {snapshot_type: arns[name] for snapshot_type, name in COMPLETION_TOPICS.items()}
    ledger = {name: arns[topic] for name, topic in LEDGER_TOPICS.items()}
    return Provisioned(completion, arns[NOTICE_TOPIC], ledger, queue_url, tuple(made))


def _make_queue(sqs: SQSClient) -> str:
    dead = sqs.create_queue(QueueName=DEAD_LETTER_QUEUE)["QueueUrl"]
    redrive = {"deadLetterTargetArn": _queue_arn(sqs, dead), "maxReceiveCount": MOST_RECEIVES}
    url = sqs.create_queue(QueueName=MESSAGE_QUEUE)["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": json.dumps(redrive)})
    return url


def make_tables(dynamodb: DynamoDBClient) -> list[str]:
    """Creates missing tables, and returns their names."""
    there = {name for page in dynamodb.get_paginator("list_tables").paginate() for name in page["TableNames"]}
    missing = [name for name in TABLE_KEYS if name not in there]
    for name in missing:
        first, second = TABLE_KEYS[name]
        dynamodb.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": first, "KeyType": "HASH"}, {"AttributeName": second, "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": each, "AttributeType": "S"} for each in (first, second)],
            BillingMode="PAY_PER_REQUEST",
        )
    if STATUS_TABLE in missing:
        dynamodb.update_time_to_live(
            TableName=STATUS_TABLE, TimeToLiveSpecification={"Enabled": True, "AttributeName": EXPIRY_ATTRIBUTE}
        )
    return missing


def _queue_arn(sqs: SQSClient, url: str) -> str:
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


_CONFIG = Config(retries={"total_max_attempts": 3}, connect_timeout=5, read_timeout=30)


def _connect_sns(endpoint: str) -> SNSClient:
    return boto3.client(
        "sns",
        endpoint_url=endpoint,
        aws_access_key_id=state.ACCESS_KEY,
        aws_secret_access_key=state.SECRET_KEY,
        region_name=state.REGION,
        config=_CONFIG,
    )


def _connect_dynamodb(endpoint: str) -> DynamoDBClient:
    return boto3.client(
        "dynamodb",
        endpoint_url=endpoint,
        aws_access_key_id=state.ACCESS_KEY,
        aws_secret_access_key=state.SECRET_KEY,
        region_name=state.REGION,
        config=_CONFIG,
    )


def _connect_sqs(endpoint: str) -> SQSClient:
    return boto3.client(
        "sqs",
        endpoint_url=endpoint,
        aws_access_key_id=state.ACCESS_KEY,
        aws_secret_access_key=state.SECRET_KEY,
        region_name=state.REGION,
        config=_CONFIG,
    )


SERVICE = Service(
    name=NAME,
    title="AWS APIs (moto)",
    port_names=("main",),
    prepare=lambda _: None,
    command=_command,
    check_ready=_check_ready,
    not_ready=(requests.RequestException,),
    url=_url,
)
