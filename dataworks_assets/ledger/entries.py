"""A run as the ledger keeps it until everything about it is written: an object a run, made before the first row is.

It is the platform's own memory of what it still has to tell; the tables that others read are never read back.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from spark.contract import Document, decode, encode
from spark.errors import ConfigurationError
from spark.store import ObjectStore

KeptT = TypeVar("KeptT", bound=Document)
Unread = Callable[[ConfigurationError], None]
"""Is told of an object that does not read, as one of another release: a field more or less."""


def pass_over(_error: ConfigurationError) -> None:
    """Does nothing about an object that does not read."""


def read_kept(store: ObjectStore, prefix_uri: str, kind: type[KeptT], *, unread: Unread) -> list[KeptT]:
    """Returns the documents of a kind below a prefix.

    Args:
        store: where they lie.
        prefix_uri: below which.
        kind: of all of them.
        unread: is told of each that does not read; it stays where it is.

    Raises:
        StoreError: they cannot be listed, or read from the store.
    """
    uris = [listed.uri for listed in store.list(prefix_uri)]
    found: list[KeptT] = []
    for uri, body in zip(uris, store.read_many(uris), strict=True):
        try:
            found += [] if body is None else [decode(body, kind, where=uri)]
        except ConfigurationError as error:
            unread(error)
    return found


class Outcome(StrEnum):
    """How a run ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Failing(Document, frozen=True):
    """A collection's day that a run did not publish, and why."""

    collection: str
    date: str
    cause: str = ""
    is_publishing: bool = False
    """Whether it was read and audited already."""


class Tally(Document, frozen=True):
    """What a run did of a collection, all of its days together; `seconds` are those of tasks, added."""

    rows: int = 0
    input_bytes: int = 0
    output_bytes: int = 0
    seconds: float = 0.0
    quarantined_rows: int = 0


class DayEntry(Document, frozen=True):
    """One export date of a run, as its row tells it."""

    date: str
    correlation_id: str
    source_prefix: str = ""
    output_prefix: str = ""
    asked: tuple[str, ...] = ()
    """Names of the collections that were asked for."""
    is_whole: bool = True
    """Whether these are all that are configured for the day."""
    tells: bool = False
    """Whether downstream is told when the day becomes complete."""


class RunEntry(Document, frozen=True):
    """One run of one system.

    Args:
        run_id: Dagster's.
        system: the name of the system's assets, by which whoever repairs finds the run's rows: `adg_full`.
        kind: snapshot type or module.
        product: its `DataProduct`.
        started_utc: when the ledger was opened.
        expires_epoch: `TimeToExist` of its rows, in seconds since 1970: which start a row belongs to.
        cluster_id: where it runs.
        days: its days.
        work: by date, the collections that the plan has work for; None while nothing is planned.
        outcome: how it ended, as far as it could say so itself.
        failing: what it did not publish.
        tallies: what it did, by collection.
        complained: whether an operator was told that its ledger cannot be written.
        is_told: whether operators were told how it ended.
        part: tells the entries of one run apart, where it has several: a module.
        error: what ended it before it had done all, with the remedy; empty where nothing did, or it could not say so.
    """

    run_id: str
    system: str
    kind: str
    product: str
    started_utc: datetime
    expires_epoch: int
    cluster_id: str
    days: tuple[DayEntry, ...]
    work: dict[str, tuple[str, ...]] | None = None
    outcome: Outcome | None = None
    failing: tuple[Failing, ...] = ()
    tallies: dict[str, Tally] = {}  # noqa: RUF012 - msgspec copies it
    complained: bool = False
    is_told: bool = False
    part: str = ""
    error: str = ""

    @property
    def name(self) -> str:
        """Tells it from every other entry."""
        return f"{self.run_id}.{self.part}" if self.part else self.run_id

    def correlation_id(self, date: str) -> str:
        """Returns the correlation id of a day's row; empty where the run has no such day."""
        return next((day.correlation_id for day in self.days if day.date == date), "")


class EntryStore:
    """The entries of one deployment, below its control prefix: `ledger/open` until all is written, then `ledger/closed`."""

    def __init__(self, store: ObjectStore, control_uri: str) -> None:
        self._store = store
        self._open = f"{control_uri}/ledger/open"
        self._closed = f"{control_uri}/ledger/closed"

    def keep(self, entry: RunEntry) -> None:
        """Keeps an entry, over what was kept of it before."""
        self._store.put(f"{self._open}/{entry.name}.json", encode(entry))

    def close(self, name: str) -> None:
        """Remembers that everything of an entry is written. Its end is kept before it is taken away."""
        self._store.put(f"{self._closed}/{name}", b"")
        self._store.delete([f"{self._open}/{name}.json"])

    def is_closed(self, name: str) -> bool:
        """Whether everything of an entry is written."""
        return self._store.exists(f"{self._closed}/{name}")

    def is_open(self, name: str) -> bool:
        """Whether something of an entry is still to be written."""
        return self._store.exists(f"{self._open}/{name}.json")

    def open_entries(self, *, unread: Unread = pass_over) -> list[RunEntry]:
        """Returns every open entry that reads, the oldest first; one of another release stays for that one to close."""
        found = read_kept(self._store, self._open, RunEntry, unread=unread)
        return sorted(found, key=lambda entry: (entry.started_utc, entry.run_id))

    def forget(self, *, before_utc: datetime) -> int:
        """Drops the marks of runs that were closed before a time; returns how many."""
        return forget_older(self._store, self._closed, before_utc)


def expiry_epoch(now: datetime, keep_days: int) -> int:
    """Returns when a row that is written now expires, in seconds since 1970."""
    return int((now + timedelta(days=keep_days)).timestamp())


def forget_older(store: ObjectStore, prefix_uri: str, before_utc: datetime) -> int:
    """Deletes the objects below a prefix that were written before a time; returns how many."""
    old = [listed.uri for listed in store.list(prefix_uri) if listed.modified_utc < before_utc]
    store.delete(old)
    return len(old)
