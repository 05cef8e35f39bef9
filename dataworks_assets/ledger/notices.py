"""Notices to operators, as SNS messages on their way to Slack or e-mail.

The fields are a contract with their readers. Sending is best effort: a failing notice is logged and fails nothing else.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

import msgspec

from spark.errors import DataworksError

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

_LOG = logging.getLogger(__name__)
_SUBJECT_CHARACTERS = 100
_ELEMENT_CHARACTERS = 2000
TITLE = "notice_title"
"""The attribute of a notice's log record that holds only its title."""


class NoticeType(StrEnum):
    """The severity of a notice."""

    INFORMATION = "Information"
    WARNING = "Warning"
    ERROR = "Error"


_SEVERITIES = {NoticeType.INFORMATION: "Medium", NoticeType.WARNING: "High", NoticeType.ERROR: "Critical"}


@dataclass(frozen=True)
class Notice:
    """One thing an operator should know.

    Args:
        kind: Information, Warning or Error.
        title: one line.
        elements: what it concerns, by name, in order; long values are cut.
    """

    kind: NoticeType
    title: str
    elements: Mapping[str, str] = field(default_factory=dict)

    def body(self, *, sender: str) -> bytes:
        """Returns the message's JSON, in the shape its readers know."""
        document = {
            "severity": _SEVERITIES[self.kind],
            "notification_type": self.kind.value,
            "slack_username": sender,
            "title_text": self.title,
            "custom_elements": [{"key": key, "value": text[:_ELEMENT_CHARACTERS]} for key, text in self.elements.items()],
        }
        return msgspec.json.encode(document)


class Notifier(Protocol):
    """Where notices go."""

    def send(self, notice: Notice) -> bool:
        """Sends a notice; returns whether it was accepted. Never raises if sending fails."""


@dataclass(frozen=True)
class LogNotifier:
    """Only logs notices, for deployments without a topic."""

    def send(self, notice: Notice) -> bool:
        """Logs the notice."""
        log_notice(notice)
        return True


@dataclass(frozen=True)
class SnsNotifier:
    """Sends notices to a topic.

    Args:
        topic_arn: returns the topic, None if there is none; called for each notice, since the address may become known late.
        client: makes the client, on first use.
        environment: development, qa, integration, preprod or production; subscribers filter by it.
        channel: returns the Slack channel for a kind of notice, which the relay to Slack reads.
        sender: the name under which Slack shows the notices.
    """

    topic_arn: Callable[[], str | None]
    client: Callable[[], SNSClient]
    environment: str
    channel: Callable[[str], str] = lambda _kind: ""
    sender: str = "dataworks"

    def send(self, notice: Notice) -> bool:
        """Publishes the notice, and logs it."""
        from botocore.exceptions import BotoCoreError, ClientError

        log_notice(notice)
        try:
            topic_arn = self.topic_arn()
            if topic_arn is not None:
                self._publish(topic_arn, notice)
        except (BotoCoreError, ClientError, DataworksError) as error:
            _LOG.error("the notice %r was not sent: %s", notice.title, error)
            return False
        return True

    def _publish(self, topic_arn: str, notice: Notice) -> None:
        channel = self.channel(notice.kind.value)
        attributes = {"environment": self.environment, "notification_type": notice.kind.value}
        attributes |= {"channel": channel} if channel else {}
        self.client().publish(
            TopicArn=topic_arn,
            Subject=_subject(notice.title),
            Message=notice.body(sender=self.sender).decode(),
            MessageAttributes={name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()},
        )


def log_notice(notice: Notice) -> None:
    """Writes a notice to the log, at the level of its kind."""
    levels = {NoticeType.INFORMATION: logging.INFO, NoticeType.WARNING: logging.WARNING, NoticeType.ERROR: logging.ERROR}
    said = ", ".join(f"{key}: {text}" for key, text in notice.elements.items())
    _LOG.log(levels[notice.kind], "%s (%s)", notice.title, said, extra={TITLE: notice.title})


def _subject(title: str) -> str:
    """Returns the title as a valid SNS subject: one line of ASCII, at most 100 characters."""
    ascii_text = " ".join(title.encode("ascii", "replace").decode().split())
    return ascii_text[:_SUBJECT_CHARACTERS] or "notice"
