"""How a run records itself in its ledger, and what the catalog shows afterwards; shared by every system with a ledger."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import msgspec
from dagster import DagsterInstance, DagsterRun

from dataworks_assets.ledger.entries import Failing, Outcome, RunEntry, Tally
from dataworks_assets.ledger.judging import CollectionDay, Publication
from dataworks_assets.ledger.recorder import LedgerBook, Recorder
from dataworks_assets.ledger.rows import CollectionStatus
from dataworks_assets.ledger.scribe import Scribe
from dataworks_assets.systems.plan import Plan
from dataworks_assets.systems.platform import Platform
from dataworks_assets.systems.scope import Scope
from spark.contract import PartitionResult, PartitionState
from spark.errors import DataworksError
from spark.log_lines import time_taken
from spark.publish.state import published_states

_PUBLISH_CHECK = "publish"


@dataclass(frozen=True)
class CatalogTruth:
    """What the catalog shows of a system's collections.

    Args:
        platform: the deployment's clients.
        scope: the system.
        with_day: returns the names of the collections that have a day (ISO date).
        known: publications that need not be looked up.
    """

    platform: Platform
    scope: Scope
    with_day: Callable[[str], frozenset[str]]
    known: Mapping[CollectionDay, Publication] = field(default_factory=dict)

    def configured(self, date: str) -> frozenset[str]:
        """The names of the collections that have this day."""
        return self.with_day(date)

    def published(self, wanted: Collection[CollectionDay]) -> Mapping[CollectionDay, Publication]:
        """Returns which of the collections' days are published."""
        found = {pair: self.known[pair] for pair in wanted if pair in self.known}
        dates: dict[str, list[str]] = defaultdict(list)
        for name, day in sorted(set(wanted) - set(found)):
            if name in self.scope.collections:
                dates[name].append(day)
        jobs = [self.scope.collections[name].job for name in dates]
        days = sorted({day for days in dates.values() for day in days})
        states = published_states(self.platform.catalog, jobs, days) if jobs else {}
        for name, wanted_days in dates.items():
            for day in wanted_days:
                if (pointer := states[name][day]) is not None:
                    found[name, day] = Publication(pointer.published_utc, pointer.run_id)
        return found


@dataclass
class RunLedger:
    """Records the events of a run in its ledger; calls only enqueue, and do not wait for the write.

    `may_be_retried` says whether Dagster may retry the run by itself if it fails.
    """

    recorder: Recorder
    may_be_retried: bool = False
    failing: dict[CollectionDay, Failing] = field(default_factory=dict)
    known: dict[CollectionDay, Publication] = field(default_factory=dict)

    def correlation_id(self, name: str, day: str) -> str:
        """The correlation id of the status row that a collection's day belongs to; empty if it has none."""
        del name
        return self.recorder.entry.correlation_id(day)

    def planned(self, plan: Plan) -> None:
        """Called when the plan is made."""
        work: dict[str, list[str]] = defaultdict(list)
        for planned in plan.days:
            pair = (planned.collection.name, planned.day.isoformat())
            if planned.decision.needs_work:
                work[pair[1]].append(pair[0])
            elif planned.decision.is_published and planned.published is not None:
                self.known[pair] = Publication(planned.published.published_utc, planned.published.run_id)
            elif planned.decision.is_impossible:
                self.failed(*pair, planned.reason)
        self.recorder.planned({date: tuple(sorted(names)) for date, names in work.items()})

    def running_on(self, cluster_id: str) -> None:
        """Called when the application's cluster is known; until then rows name the run instead."""
        self.recorder.running_on(cluster_id)

    def publishing(self, name: str, day: str) -> None:
        """Called just before a collection's day is published."""
        self.recorder.publishing(name, day)

    def reported(self, item: PartitionResult, *, row_day: str = "") -> None:
        """Called when a collection's day was published, refused, or failed; `row_day` is its row's day if that differs."""
        pair = (item.collection, row_day or item.export_date)
        self.recorder.tally(item.collection, _tally(item))
        self.recorder.log_day(
            *(time_taken(item.collection, item.seconds), *pair),
            partition=item.export_date,
            seconds=item.seconds,
            rows=item.rows,
            state=str(item.state),
        )
        if item.state is PartitionState.PUBLISHED:
            now = self.recorder.book.clock().isoformat()
            self.known[pair] = Publication(now, self.recorder.entry.run_id)
            self.recorder.finished(*pair, CollectionStatus.COMPLETED)
            return
        wrong = [finding for finding in item.findings if not finding.passed]
        is_publishing = bool(wrong) and all(finding.check == _PUBLISH_CHECK for finding in wrong)
        self.failing[pair] = Failing(collection=pair[0], date=pair[1], is_publishing=is_publishing)
        status = CollectionStatus.FAILED_PUBLISHING if is_publishing else CollectionStatus.FAILED_PROCESSING
        self.recorder.finished(*pair, status)

    def failed(self, name: str, day: str, cause: str, *, partition: str = "") -> None:
        """Called when a collection's day is not published; `day` is that of its row, `partition` its own if that differs."""
        self.recorder.log_day("not published", name, day, level="ERROR", partition=partition or day, cause=cause)
        known = self.failing.get((name, day))
        self.failing[name, day] = Failing(
            collection=name, date=day, cause=cause, is_publishing=known is not None and known.is_publishing
        )

    def broken_by(self, error: DataworksError) -> None:
        """Called when an error ends the run early."""
        self.may_be_retried &= error.transient
        said = f"{error.what.splitlines()[0]}. {error.remedy}"  # what follows is the end of the application's log
        where = f"{error.where}: " if error.where else ""
        self.recorder.entry = msgspec.structs.replace(self.recorder.entry, error=f"{where}{said}".strip())

    def close(self, outcome: Outcome) -> list[str]:
        """Called at the end of the run; returns what could not be written."""
        truth = self.recorder.book.truth
        if isinstance(truth, CatalogTruth):
            self.recorder.book = replace(self.recorder.book, truth=replace(truth, known=self.known))
        return self.recorder.close(outcome, self.failing.values(), may_be_retried=self.may_be_retried)


def may_be_retried(instance: DagsterInstance, run: DagsterRun) -> bool:
    """Whether Dagster may retry a run by itself if it fails."""
    said = run.tags.get("dagster/max_retries", "")
    return int(said) > 0 if said.isdecimal() else instance.run_retries_max_retries > 0


@contextmanager
def recorded(
    book: LedgerBook,
    entry: RunEntry,
    log: logging.Logger,
    *,
    may_be_retried: bool = False,
    was_cancelled: Callable[[], bool] = lambda: False,
    in_background: bool = True,
) -> Iterator[RunLedger]:
    """Keeps a run's ledger while the block runs, and closes it however the block ends.

    Args:
        book: what is written, and where.
        entry: the run's ledger entry.
        log: the run's log, for what could not be written.
        may_be_retried: whether Dagster may retry the run by itself if it fails.
        was_cancelled: whether somebody asked for the run to end in a way that does not interrupt it: stopping its cluster
            ends the application, and then the run with an error.
        in_background: whether rows are written by a background thread.
    """
    ledger = RunLedger(Recorder(book, entry, scribe=Scribe(book.tables, in_background=in_background)), may_be_retried)
    ledger.recorder.open()
    outcome = Outcome.SUCCEEDED
    try:
        yield ledger
    except BaseException as error:
        outcome = Outcome.FAILED
        if _is_interruption(error) or was_cancelled():
            outcome = Outcome.CANCELLED
        elif isinstance(error, DataworksError):
            ledger.broken_by(error)
        raise
    finally:
        if ledger.failing and outcome is Outcome.SUCCEEDED:
            outcome = Outcome.FAILED
        for problem in ledger.close(outcome):
            log.warning("the ledger is not complete: %s", problem)


def _tally(item: PartitionResult) -> Tally:
    is_published = item.state is PartitionState.PUBLISHED
    return Tally(
        rows=item.rows if is_published else 0,
        input_bytes=item.input_bytes,
        output_bytes=item.output_bytes if is_published else 0,
        seconds=item.seconds,
        quarantined_rows=item.quarantined_rows,
    )


def _is_interruption(error: BaseException) -> bool:
    from dagster import DagsterExecutionInterruptedError

    return isinstance(error, DagsterExecutionInterruptedError | KeyboardInterrupt | SystemExit)
