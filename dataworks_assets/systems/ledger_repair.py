"""Closes the ledger of dead runs, whether Dagster, the job or the machine died."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from dagster import DagsterInstance, DagsterRun, DagsterRunStatus

from dataworks_assets.ledger.entries import Outcome, RunEntry
from dataworks_assets.ledger.recorder import LedgerBook
from dataworks_assets.ledger.repair import repair
from spark.errors import ConfigurationError, LedgerError

_OUTCOMES = {
    DagsterRunStatus.SUCCESS: Outcome.SUCCEEDED,
    DagsterRunStatus.FAILURE: Outcome.FAILED,
    DagsterRunStatus.CANCELED: Outcome.CANCELLED,
}


WILL_RETRY_TAG = "dagster/will_retry"
_REMEMBERED = timedelta(days=400)
"""How long marks are kept: longer than a day may still be redone, so that downstream is told of each day once."""


@dataclass(frozen=True)
class Repaired:
    """What a tick did.

    Args:
        counts: number of runs by `repaired`, `waiting` (still running), `left` (their ledger cannot be written).
        problems: why a ledger cannot be written, and which entries are left for the release that wrote them.
        messages: number of messages to downstream by `sent`, `waiting` (for their window), `dropped`, `failed`.
    """

    counts: Counter[str]
    problems: tuple[str, ...] = ()
    messages: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        runs, messages = _said(self.counts), _said(self.messages)
        said = f"ledgers of runs: {runs}" if runs else "the ledger of every run is closed"
        return f"{said}; messages: {messages}" if messages else said


def together(ticks: Iterable[Repaired]) -> Repaired:
    """Returns the sum of what several ticks did."""
    each = list(ticks)
    return Repaired(
        counts=sum((one.counts for one in each), Counter()),
        problems=tuple(dict.fromkeys(problem for one in each for problem in one.problems)),
        messages=sum((one.messages for one in each), Counter()),
    )


@dataclass(frozen=True)
class LedgerRepair:
    """Repairs the ledger of one system's runs.

    Args:
        book: what is written, and where.
        system: the name of the system's assets: `adg_full`.
        longest_run: a run older than this that Dagster does not know is over.
    """

    book: LedgerBook
    system: str
    longest_run: timedelta

    def tick(self, instance: DagsterInstance, *, now: datetime) -> Repaired:
        """Closes the ledger of every run that is over; deletes marks of runs that were closed long ago.

        Raises:
            StoreError: the open entries cannot be read.
        """
        book = replace(self.book, clock=lambda: now)
        counts: Counter[str] = Counter()
        problems: list[str] = []

        def unread(error: ConfigurationError) -> None:
            problems.append(str(error))

        for entry in book.entries.open_entries(unread=unread):
            if entry.system != self.system:
                continue
            run = instance.get_run_by_id(entry.run_id)
            outcome = self._outcome(run, entry, now)
            if outcome is None:
                counts["waiting"] += 1
                continue
            will_retry = run is not None and run.tags.get(WILL_RETRY_TAG) == "true"
            found = repair(book, entry, outcome, will_retry=will_retry)
            problems += found
            counts["left" if found else "repaired"] += 1
        messages: Counter[str] = Counter()
        if book.announcer is not None:
            messages = book.announcer.runner.run(self.system, now=now, unread=unread)
            told = book.announcer.runner.errands
            told.forget(self.system, before_utc=now - _REMEMBERED)
        if book.metrics is not None:
            try:
                book.metrics.sweep(self.system, now=now)
            except (LedgerError, ConfigurationError) as error:
                problems.append(str(error))
        book.entries.forget(before_utc=now - timedelta(days=book.config.keep_days))
        return Repaired(counts, tuple(problems), messages)

    def _outcome(self, run: DagsterRun | None, entry: RunEntry, now: datetime) -> Outcome | None:
        """Returns how a run ended, None while it goes on. A run unknown to Dagster is over after `longest_run`."""
        if run is not None:
            return _OUTCOMES.get(run.status)
        return Outcome.FAILED if now - entry.started_utc > self.longest_run else None


def _said(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
