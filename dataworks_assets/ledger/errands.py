"""Errands: messages still to be sent, stored as objects first, so that one that has to wait, or fails, is not lost."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

import msgspec

from dataworks_assets.ledger.entries import Unread, forget_older, pass_over, read_kept
from dataworks_assets.ledger.notices import Notice, NoticeType, Notifier
from spark.contract import Document, encode
from spark.errors import DataworksError, LedgerError
from spark.store import ObjectStore

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

_DIGEST_CHARACTERS = 16


class ErrandKind(StrEnum):
    """The kind of message."""

    COMPLETION = "completion"
    PDM = "pdm"

    @property
    def words(self) -> str:
        """Its name for operators."""
        return {ErrandKind.COMPLETION: "completion message", ErrandKind.PDM: "PDM trigger"}[self]


class Errand(Document, frozen=True):
    """One message that is still to be sent.

    Args:
        kind: the kind of message.
        system: the name of the system's assets.
        product: its data product.
        date: the day it is about.
        correlation_id: that day's.
        body: the message, JSON.
        not_before_utc: when it may be sent.
        not_after_utc: when it is too late; None: never.
        complained: whether an operator was told that it cannot be sent.
    """

    kind: ErrandKind
    system: str
    product: str
    date: str
    correlation_id: str
    body: str
    not_before_utc: datetime
    not_after_utc: datetime | None = None
    complained: bool = False

    @property
    def name(self) -> str:
        """Its name among the errands; the same each time it is stored."""
        digest = hashlib.sha256(self.correlation_id.encode()).hexdigest()[:_DIGEST_CHARACTERS]
        return f"{self.system}/{self.date}-{digest}-{self.kind}"


class Messenger(Protocol):
    """Sends messages to a topic."""

    def send(self, topic_arn: str, body: str) -> None:
        """Sends one.

        Raises:
            LedgerError: it was not accepted.
        """


@dataclass(frozen=True)
class SnsMessenger:
    """Sends messages by SNS."""

    client: Callable[[], SNSClient]

    def send(self, topic_arn: str, body: str) -> None:
        """Publishes a message."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            self.client().publish(TopicArn=topic_arn, Message=body)
        except (BotoCoreError, ClientError) as error:
            remedy = "See that the topic is there (`ledger` of the deployment) and that the role may publish to it"
            raise LedgerError(f"the message was not taken: {error}", where=topic_arn, remedy=remedy) from error


class ErrandStore:
    """The errands of one deployment, below its control prefix, and the marks of days already announced."""

    def __init__(self, store: ObjectStore, control_uri: str) -> None:
        self._store = store
        self._errands = f"{control_uri}/ledger/errands"
        self._told = f"{control_uri}/ledger/told"

    def keep(self, errand: Errand) -> None:
        """Stores an errand."""
        self._store.put(f"{self._errands}/{errand.name}.json", encode(errand))

    def done(self, errand: Errand) -> None:
        """Deletes an errand."""
        self._store.delete([f"{self._errands}/{errand.name}.json"])

    def was_told(self, errand: Errand) -> bool:
        """Whether it was accepted before, and so has been or will be sent."""
        return self._store.exists(f"{self._told}/{errand.name}")

    def mark_told(self, errand: Errand) -> None:
        """Records that it was accepted."""
        self._store.put(f"{self._told}/{errand.name}", b"")

    def all(self, system: str, *, unread: Unread = pass_over) -> list[Errand]:
        """Returns every errand of a system that can be decoded, by date; those of another release are left for it to send."""
        found = read_kept(self._store, f"{self._errands}/{system}", Errand, unread=unread)
        return sorted(found, key=lambda errand: (errand.date, errand.kind))

    def forget(self, system: str, *, before_utc: datetime) -> int:
        """Deletes marks of days that were announced before a time; returns how many."""
        return forget_older(self._store, f"{self._told}/{system}", before_utc)


@dataclass(frozen=True)
class ErrandRunner:
    """Sends what is due.

    Args:
        errands: what is to be sent.
        messenger: sends it.
        topics: returns the topic of a kind, None if there is none; called when something is sent.
        notifier: receives notices about what could not be sent, or is no longer sent.
    """

    errands: ErrandStore
    messenger: Messenger
    topics: Callable[[ErrandKind], str | None]
    notifier: Notifier

    def take_on(self, errands: list[Errand]) -> None:
        """Stores errands that were not accepted before.

        Raises:
            StoreError: they cannot be stored.
        """
        fresh = [errand for errand in errands if not self.errands.was_told(errand)]
        for errand in fresh:
            self.errands.keep(errand)
        for errand in fresh:
            self.errands.mark_told(errand)

    def run(self, system: str, *, now: datetime, unread: Unread = pass_over) -> Counter[str]:
        """Sends what is due; returns how many were `sent`, are `waiting` for their time, `dropped`, or `failed`.

        `unread` is called with errands that cannot be decoded.

        Raises:
            StoreError: they cannot be read.
        """
        return Counter(self._run(errand, now) for errand in self.errands.all(system, unread=unread))

    def _run(self, errand: Errand, now: datetime) -> str:
        if errand.not_after_utc is not None and now >= errand.not_after_utc:
            if not self._tell(
                NoticeType.WARNING, errand, _TOO_LATE.format(closed=f"{errand.not_after_utc:%Y-%m-%d %H:%M} UTC")
            ):
                return "failed"
            self.errands.done(errand)
            return "dropped"
        if now < errand.not_before_utc:
            return "waiting"
        try:
            topic_arn = self.topics(errand.kind)
            if topic_arn is not None:
                self.messenger.send(topic_arn, errand.body)
        except DataworksError as error:
            if not errand.complained and self._tell(NoticeType.ERROR, errand, str(error)):
                self.errands.keep(msgspec.structs.replace(errand, complained=True))
            return "failed"
        self.errands.done(errand)
        return "sent"

    def _tell(self, kind: NoticeType, errand: Errand, why: str) -> bool:
        elements = {
            "export_date": errand.date,
            "correlation_id": errand.correlation_id,
            "reason": why,
            "what to do": "It is sent once the cause is gone"
            if kind is NoticeType.ERROR
            else f"If it is wanted nevertheless: dataworks ledger resend --day {errand.date} --what {errand.kind}",
        }
        outcome = "could not be sent" if kind is NoticeType.ERROR else "was dropped"
        return self.notifier.send(
            Notice(kind, f"The {errand.kind.words} of {errand.product} {errand.date} {outcome}", elements)
        )


_TOO_LATE = "the window in which it may be sent was over at {closed}"
