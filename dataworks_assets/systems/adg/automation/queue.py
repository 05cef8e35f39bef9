"""From the queue to the inbox: a message is deleted from the queue only once it is stored, or put aside, as an object."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dataworks_assets.config.settings import Settings
from dataworks_assets.ledger.notices import Notice, NoticeType, Notifier
from dataworks_assets.systems.adg.automation.inbox import Inbox, KeptMessage
from dataworks_assets.systems.adg.automation.messages import ExportMessage, parse_message, refuse_foreign
from spark.errors import InputError, StoreError

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

_BATCH = 10
_MOST_BATCHES = 50


@dataclass(frozen=True)
class Drained:
    """How many messages were taken from the queue."""

    kept: int = 0
    put_aside: int = 0


@dataclass(frozen=True)
class QueueReader:
    """Takes the export's messages from one queue, which may carry both snapshot types."""

    client: SQSClient
    queue_url: str
    inbox: Inbox
    settings: Settings
    notifier: Notifier

    def drain(self, now: datetime) -> Drained:
        """Takes what is in the queue, at most 500 messages.

        Raises:
            StoreError: the queue cannot be read, or a message cannot be stored; that one stays in the queue.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        kept = put_aside = 0
        try:
            for _ in range(_MOST_BATCHES):
                answer = self.client.receive_message(QueueUrl=self.queue_url, MaxNumberOfMessages=_BATCH, WaitTimeSeconds=0)
                messages = answer.get("Messages", [])
                if not messages:
                    break
                taken = [self._take(message, now) for message in messages]
                kept += sum(taken)
                put_aside += len(taken) - sum(taken)
                self._delete(messages)
        except (BotoCoreError, ClientError) as error:
            raise StoreError(
                f"the queue of the export's messages cannot be read: {error}",
                where=self.queue_url,
                remedy="Its messages stay in it until it can be; look at `exports.queue` and the role's rights",
            ) from error
        return Drained(kept, put_aside)

    def _take(self, message: MessageTypeDef, now: datetime) -> bool:
        """Stores a message, or puts it aside; returns which it did."""
        body = message.get("Body", "")
        try:
            said = self._understood(body, now)
        except InputError as error:
            self._put_aside(body, error, now)
            return False
        self.inbox.keep(KeptMessage(message=said, kept_utc=now, message_id=message.get("MessageId", "")))
        return True

    def _understood(self, body: str, now: datetime) -> ExportMessage:
        said = parse_message(body)
        refuse_foreign(said, self.settings.deployment)
        if not self.settings.of(said.snapshot_type):
            raise InputError(
                f"no collection is configured for {said.snapshot_type} exports",
                remedy="Configure one, or do not subscribe the queue to that topic",
            )
        first_day = self.settings.deployment.exports.first_day
        if said.export_date < first_day:
            raise InputError(
                f"the export date {said.export_date} is before the first one, {first_day}",
                remedy="Set `exports.first_day` of the deployment to an earlier day, and have the message sent again",
            )
        if said.export_date > (today := now.astimezone(UTC).date()):
            raise InputError(
                f"the export date {said.export_date} is a day to come",
                remedy=f"Have the producer send the message of an export up to today, which is {today} (UTC)",
            )
        return said

    def _put_aside(self, body: str, error: InputError, now: datetime) -> None:
        if self.inbox.is_put_aside(body):
            return
        elements = {"reason": error.what, "what to do": error.remedy, "queue": self.queue_url}
        self.notifier.send(Notice(NoticeType.ERROR, "A message of an export was put aside", elements))
        self.inbox.put_aside(body, error, now=now)

    def _delete(self, messages: list[MessageTypeDef]) -> None:
        """Deletes stored messages from the queue; one that is not deleted comes again, and replaces its stored copy."""
        entries = [{"Id": str(index), "ReceiptHandle": each["ReceiptHandle"]} for index, each in enumerate(messages)]
        self.client.delete_message_batch(QueueUrl=self.queue_url, Entries=entries)  # type: ignore[arg-type]
