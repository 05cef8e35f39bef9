"""The producer's message that an export is complete: its text, and sending it."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING

from spark.store import split_uri

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient


def completion_message(*, export_date: date, snapshot_type: str, s3_prefix: str, correlation_id: str) -> str:
    """Returns the message's JSON; its arguments are a list of names and values, as a command line has them.

    Args:
        export_date: the partition that is complete.
        snapshot_type: full or incremental.
        s3_prefix: key prefix of the day's data files, without the bucket.
        correlation_id: of the export.
    """
    arguments = {
        "--correlation_id": correlation_id,
        "--s3_prefix": s3_prefix,
        "--snapshot_type": snapshot_type,
        "--export_date": export_date.isoformat(),
    }
    return json.dumps({"additional_step_args": {"submit-job": [part for pair in arguments.items() for part in pair]}})


def announce(topics: SNSClient, topic_arn: str, *, data_uri: str, export_date: date, snapshot_type: str) -> str:
    """Publishes that a day's export is complete and returns the correlation id it was given.

    Args:
        topics: the notification service.
        topic_arn: the producer's topic for this snapshot type.
        data_uri: where the day's data files lie.
        export_date: the day.
        snapshot_type: full or incremental.
    """
    correlation_id = f"sample-{snapshot_type}-{export_date.isoformat()}"
    message = completion_message(
        export_date=export_date, snapshot_type=snapshot_type, s3_prefix=split_uri(data_uri)[1], correlation_id=correlation_id
    )
    topics.publish(TopicArn=topic_arn, Message=message)
    return correlation_id
