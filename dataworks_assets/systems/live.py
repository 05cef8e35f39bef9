"""Passes a running application's messages on to Dagster: progress lines, and results as they come. Decides nothing."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from spark.contract import JobResult, decode
from spark.errors import StoreError
from spark.jobs.progress import Message, Placed, Progress, Publishing
from spark.store import ObjectStore

_INTERIM_SECONDS = 5.0
_PROGRESS_SECONDS = 5.0
"""Least time between two progress lines: each is an event that costs Dagster a few hundredths of a second."""


@dataclass
class Live:
    """Logs an application's progress at intervals, and passes on the results that it has written so far.

    Args:
        log: the run's log in Dagster.
        store: holds the result document.
        result_uri: the result document, which grows while the application runs.
        report: called with the current result document.
        publishing: called with collection and export date just before they are published.
        placed: called with where the application runs and writes its log.
        clock: seconds from any start, never going back.
    """

    log: logging.Logger
    store: ObjectStore
    result_uri: str
    report: Callable[[JobResult], None]
    publishing: Callable[[str, str], None] = lambda _name, _day: None
    placed: Callable[[Placed], None] = lambda _placed: None
    clock: Callable[[], float] = time.monotonic
    _read_seconds: float = float("-inf")
    _said_seconds: float = float("-inf")

    def take(self, message: Message) -> None:
        """Handles one message of the job."""
        now = self.clock()
        if isinstance(message, Progress):
            if now - self._said_seconds >= _PROGRESS_SECONDS or message.partitions == message.partitions_total:
                self._said_seconds = now
                self._say(message)
        elif isinstance(message, Placed):
            self.placed(message)
        elif isinstance(message, Publishing):
            self.publishing(message.collection, message.export_date)
        elif now - self._read_seconds >= _INTERIM_SECONDS:
            self._read_seconds = now
            self._read()

    def _say(self, message: Progress) -> None:
        self.log.info(
            "%d of %d files, %.1f of %.1f MB, %d of %d days",
            *(message.files, message.files_total, message.read_bytes / 1e6, message.total_bytes / 1e6),
            *(message.partitions, message.partitions_total),
        )

    def _read(self) -> None:
        try:
            body = self.store.read(self.result_uri)
        except StoreError:  # nothing is there yet; and a store that fails here must not end an application that works
            return
        self.report(decode(body, JobResult, where=self.result_uri))
