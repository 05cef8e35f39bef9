"""A running job's progress: its messages, and the reporter that counts and throttles them.

Messages are for live display only and may be lost; what is recorded comes from the result document. How messages travel is
up to the given `emit`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import msgspec

from spark.contract import Document, PartitionResult
from spark.errors import ConfigurationError, EngineError


class Progress(Document, frozen=True, kw_only=True, tag="progress"):
    """How far a job has got, counted from its start; totals are 0 until they are known."""

    files: int = 0
    files_total: int = 0
    read_bytes: int = 0
    total_bytes: int = 0
    partitions: int = 0
    """Number of collections' days that ended, in any state."""
    partitions_total: int = 0
    seconds: float = 0.0


class Finished(Document, frozen=True, kw_only=True, tag="finished"):
    """One collection's day ended."""

    collection: str
    export_date: str
    state: str
    rows: int = 0
    quarantined_rows: int = 0
    seconds: float = 0.0
    """Task seconds spent on it, summed over all tasks."""
    cause: str = ""
    """The first failed finding's cause; empty if none failed."""
    where: str = ""
    """The object that this finding names, and the place in it."""


class Publishing(Document, frozen=True, kw_only=True, tag="publishing"):
    """One collection's day is read and audited, and is about to be published."""

    collection: str
    export_date: str


class Placed(Document, frozen=True, kw_only=True, tag="placed"):
    """Where the application runs, as its engine reports it. Fields are empty without a cluster, or a known log address."""

    cluster_id: str = ""
    log_address: str = ""


Message = Progress | Placed | Publishing | Finished


def read_message(payload: Any) -> Message:
    """Returns the message that `payload_of` turned into plain values.

    Raises:
        ConfigurationError: it is none of this release.
    """
    try:
        message: Message = msgspec.convert(payload, Message)
    except msgspec.ValidationError as error:
        raise ConfigurationError(
            f"not a progress message: {error}", remedy="Deploy the job and the code location from the same release"
        ) from error
    return message


def payload_of(message: Message) -> Any:
    """Returns the message as plain JSON values."""
    return msgspec.to_builtins(message)


def message_text(message: Message) -> str:
    """Returns the message as a line for a log."""
    if isinstance(message, Finished):
        where = f": {message.where}" if message.where else ""
        cause = f"{where}: {message.cause}" if message.cause else f", {message.rows:,} rows"
        return f"{message.collection} {message.export_date} {message.state}{cause}"
    if isinstance(message, Placed):
        return f"running on {message.cluster_id or 'this machine'}"
    if isinstance(message, Publishing):
        return f"{message.collection} {message.export_date} is about to be published"
    return (
        f"{message.files:,} of {message.files_total:,} files, {message.read_bytes / 1e6:,.1f} of"
        f" {message.total_bytes / 1e6:,.1f} MB, {message.partitions:,} of {message.partitions_total:,} days"
    )


class Reporter:
    """Counts and reports what a job has done: at most one progress message per interval, and one message per finished day.

    Thread-safe. A cancelled job learns of it here: every call then raises.

    Args:
        emit: sends a message.
        on_finished: called with all results so far, whenever a collection's day has ended.
        interval_seconds: least time between two progress messages.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        emit: Callable[[Message], None],
        *,
        on_finished: Callable[[tuple[PartitionResult, ...]], None] | None = None,
        interval_seconds: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._emit = emit
        self._on_finished = on_finished
        self._interval_seconds = interval_seconds
        self._clock = clock
        self._started_seconds = clock()
        self._emitted_seconds = float("-inf")
        self._progress = Progress()
        self._finished: list[PartitionResult] = []
        self._cancelled = False
        self._lock = threading.RLock()

    @property
    def finished_partitions(self) -> tuple[PartitionResult, ...]:
        """The results given to `finished` so far."""
        with self._lock:
            return tuple(self._finished)

    @property
    def seconds(self) -> float:
        """Seconds since the reporter was made."""
        return self._clock() - self._started_seconds

    def begin(self, *, files: int = 0, total_bytes: int = 0, partitions: int = 0) -> None:
        """Sets the totals, and reports them at once."""
        with self._lock:
            self._advance(files_total=files, total_bytes=total_bytes, partitions_total=partitions)
            self._say()

    def advance(self, *, files: int = 0, read_bytes: int = 0) -> None:
        """Adds files and bytes that are done."""
        with self._lock:
            self._advance(
                files=self._progress.files + files,
                read_bytes=self._progress.read_bytes + read_bytes,
            )
            if self._clock() - self._emitted_seconds >= self._interval_seconds:
                self._say()

    def publishing(self, collection: str, export_date: str) -> None:
        """Reports that a collection's day is about to be published."""
        with self._lock:
            self._advance()
            self._emit(Publishing(collection=collection, export_date=export_date))

    def finished(self, result: PartitionResult) -> None:
        """Adds a collection's day that ended, and reports it."""
        with self._lock:
            self._advance(partitions=self._progress.partitions + 1)
            self._finished.append(result)
            self._emit(_finished_message(result))
            if self._on_finished is not None:
                self._on_finished(tuple(self._finished))

    def end(self) -> None:
        """Reports the final progress, regardless of throttling."""
        with self._lock:
            self._say()

    def cancel(self) -> None:
        """Makes every further call raise, so that a job in this process ends."""
        self._cancelled = True

    def _advance(self, **counts: int) -> None:
        if self._cancelled:
            raise EngineError("the job was cancelled", remedy="Run it again: what was published stays and is not redone")
        self._progress = msgspec.structs.replace(self._progress, **counts, seconds=self.seconds)

    def _say(self) -> None:
        self._emitted_seconds = self._clock()
        self._emit(self._progress)


def _finished_message(result: PartitionResult) -> Finished:
    failed = next((finding for finding in result.findings if not finding.passed), None)
    return Finished(
        collection=result.collection,
        export_date=result.export_date,
        state=result.state.value,
        rows=result.rows,
        quarantined_rows=result.quarantined_rows,
        seconds=result.seconds,
        cause=failed.cause if failed else "",
        where=", ".join(filter(None, (failed.object, failed.place))) if failed else "",
    )
