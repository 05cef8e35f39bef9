"""A run's ledger entry: an object per run, created before its first row and kept until everything about the run is written.

It is the platform's own memory of what it still has to write; the tables that others read are never read back.
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
"""Called with an object that cannot be decoded, such as one of another release with other fields."""


def pass_over(_error: ConfigurationError) -> None:
    """Ignores an object that cannot be decoded."""


def read_kept(store: ObjectStore, prefix_uri: str, kind: type[KeptT], *, unread: Unread) -> list[KeptT]:
    """Returns the documents of a kind below a prefix.

    Args:
        store: holds the documents.
        prefix_uri: the prefix.
        kind: the type of the documents.
        unread: called with each document that cannot be decoded, which stays where it is.

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
    """Whether it was already read and audited."""


class Tally(Document, frozen=True):
    """What a run did for a collection, summed over its days; `seconds` is summed over tasks."""

    rows: int = 0
    input_bytes: int = 0
    output_bytes: int = 0
    seconds: float = 0.0
    quarantined_rows: int = 0


class DayEntry(Document, frozen=True):
    """One export date of a run, as in its row."""

    date: str
    correlation_id: str
    source_prefix: str = ""
    output_prefix: str = ""
    asked: tuple[str, ...] = ()
    """Names of the requested collections."""
    is_whole: bool = True
    """Whether these are all that are configured for the day."""
    tells: bool = False
    """Whether downstream is told when the day becomes complete."""


class RunEntry(Document, frozen=True):
    """One run of one system.

    Args:
        run_id: id of the Dagster run.
        system: the name of the system's assets, by which the repair finds the run's entry: `adg_full`.
        kind: snapshot type or module.
        product: its `DataProduct`.
        started_utc: when the ledger was opened.
        expires_epoch: `TimeToExist` of its rows, in seconds since 1970; identifies the start that a row belongs to.
        cluster_id: where it runs.
        days: its days.
        work: by date, the collections that the plan has work for; None before the plan is made.
        outcome: how it ended, if it could still record that.
        failing: what it did not publish.
        tallies: what it did, by collection.
        complained: whether an operator was told that its ledger cannot be written.
        is_told: whether operators were told how it ended.
        part: distinguishes the entries of a run that has several: a module.
        error: what ended it early, with the remedy; empty if nothing did, or it could not record that.
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
        """Unique name of the entry."""
        return f"{self.run_id}.{self.part}" if self.part else self.run_id

    def correlation_id(self, date: str) -> str:
        """Returns the correlation id of a day's row; empty if the run has no such day."""
        return next((day.correlation_id for day in self.days if day.date == date), "")


class EntryStore:
    """The entries of one deployment, below its control prefix: `ledger/open` until all is written, then `ledger/closed`."""

    def __init__(self, store: ObjectStore, control_uri: str) -> None:
        self._store = store
        self._open = f"{control_uri}/ledger/open"
        self._closed = f"{control_uri}/ledger/closed"

    def keep(self, entry: RunEntry) -> None:
        """Stores an entry, replacing its earlier version."""
        self._store.put(f"{self._open}/{entry.name}.json", encode(entry))

    def close(self, name: str) -> None:
        """Marks an entry as completely written: stores the mark first, then deletes the open entry."""
        self._store.put(f"{self._closed}/{name}", b"")
        self._store.delete([f"{self._open}/{name}.json"])

    def is_closed(self, name: str) -> bool:
        """Whether an entry is completely written."""
        return self._store.exists(f"{self._closed}/{name}")

    def is_open(self, name: str) -> bool:
        """Whether something of an entry is still to be written."""
        return self._store.exists(f"{self._open}/{name}.json")

    def open_entries(self, *, unread: Unread = pass_over) -> list[RunEntry]:
        """Returns every open entry that can be decoded, oldest first; those of another release are left for it to close."""
        found = read_kept(self._store, self._open, RunEntry, unread=unread)
        return sorted(found, key=lambda entry: (entry.started_utc, entry.run_id))

    def forget(self, *, before_utc: datetime) -> int:
        """Deletes the marks of runs that were closed before a time; returns how many."""
        return forget_older(self._store, self._closed, before_utc)


def expiry_epoch(now: datetime, keep_days: int) -> int:
    """Returns when a row that is written now expires, in seconds since 1970."""
    return int((now + timedelta(days=keep_days)).timestamp())


def forget_older(store: ObjectStore, prefix_uri: str, before_utc: datetime) -> int:
    """Deletes the objects below a prefix that were written before a time; returns how many."""
    old = [listed.uri for listed in store.list(prefix_uri) if listed.modified_utc < before_utc]
    store.delete(old)
    return len(old)
