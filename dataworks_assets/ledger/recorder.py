"""The ledger of one run while it runs: events are passed to the scribe, which writes them. Nothing here raises."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

from dataworks_assets.config.ledger import LedgerConfig, ProductConfig
from dataworks_assets.ledger import tidings
from dataworks_assets.ledger.announcing import Announcer
from dataworks_assets.ledger.dynamo import StatusTables
from dataworks_assets.ledger.entries import EntryStore, Failing, Outcome, RunEntry, Tally
from dataworks_assets.ledger.judging import DayEnd, Truth, judge
from dataworks_assets.ledger.logs import Line, RunLogs
from dataworks_assets.ledger.metrics import Metrics, added
from dataworks_assets.ledger.notices import Notice, NoticeType, Notifier
from dataworks_assets.ledger.rows import CollectionStatus, RowChange, Rows, Step
from dataworks_assets.ledger.scribe import Scribe
from spark.errors import LedgerError
from spark.log_lines import LogValue, time_taken

_NAMED = 5


def utc_now() -> datetime:
    """Returns the present."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class LedgerBook:
    """What is written, and where, for one system in one deployment; shared by a run's recorder and the repair.

    Args:
        config: tables and times.
        product: the system's names.
        tables: the status tables.
        entries: the platform's own memory of runs whose ledger is open.
        notifier: where the ledger's own alarm goes.
        truth: what is configured and published.
        announcer: tells downstream of complete days; None if nobody is told.
        metrics: pushes metrics; None if none are pushed.
        logs: receives a run's log lines; None if they are not sent anywhere.
        run_url: returns the URL of a run in Dagster.
        reader_name: a collection's name as readers of the table of collections know it.
        clock: the present, UTC.
    """

    config: LedgerConfig
    product: ProductConfig
    tables: StatusTables
    entries: EntryStore
    notifier: Notifier
    truth: Truth
    announcer: Announcer | None = None
    metrics: Metrics | None = None
    logs: RunLogs | None = None
    run_url: Callable[[str], str] = str
    reader_name: Callable[[str], str] = str
    clock: Callable[[], datetime] = utc_now

    @property
    def rows(self) -> Rows:
        """Makes the changes of rows."""
        return Rows(self.config, self.product)

    def started(self, entry: RunEntry) -> list[RowChange]:
        """The rows of a run that starts."""
        return [change for day in entry.days for change in self.rows.started(entry, day)]

    def statuses(self, entry: RunEntry, work: Mapping[str, Iterable[str]], status: CollectionStatus) -> list[RowChange]:
        """The rows of collections by date that came to one status."""
        days = {day.date: day for day in entry.days}
        return [
            change
            for date, names in work.items()
            for name in names
            for change in self.rows.collection(days[date], self.reader_name(name), status)
        ]

    def ended(self, entry: RunEntry, ends: Iterable[DayEnd]) -> list[RowChange]:
        """The rows of a run that is over, and of its collections."""
        changes: list[RowChange] = []
        for end in ends:
            if not end.failing:
                changes += self.rows.moved_on(entry, end.day, Step.FLUSH)
            changes += self.rows.ended(entry, end.day, end.status)
            for name, status in end.collections.items():
                changes += self.rows.collection(end.day, self.reader_name(name), status)
        return changes

    def announce(self, entry: RunEntry, ends: Iterable[DayEnd]) -> None:
        """Tells downstream of the days that are complete now.

        Raises:
            StoreError: the messages cannot be stored.
        """
        if self.announcer is not None:
            self.announcer.announce(entry, ends, now=self.clock())

    def measure_start(self, entry: RunEntry) -> None:
        """Pushes that a run's days are running.

        Raises:
            StoreError, LedgerError: it cannot be pushed.
        """
        if self.metrics is not None:
            self.metrics.started(entry)

    def measure_end(self, entry: RunEntry, ends: Sequence[DayEnd]) -> None:
        """Pushes how a run's days ended, and what it did.

        Raises:
            StoreError, LedgerError: it cannot be pushed.
        """
        if self.metrics is not None:
            self.metrics.ended(entry, ends, now=self.clock())

    def log(self, entry: RunEntry, lines: Sequence[Line]) -> None:
        """Sends a run's lines.

        Raises:
            LedgerError: they were not taken.
        """
        if self.logs is not None and lines:
            self.logs.send(entry, lines)

    def tell_start(self, entry: RunEntry) -> None:
        """Tells operators that a run started; a failing notice fails nothing else."""
        self.notifier.send(tidings.started(entry, run_url=self.run_url(entry.run_id)))

    def tell_end(self, entry: RunEntry, ends: Sequence[DayEnd], *, will_retry: bool = False) -> None:
        """Tells operators how a run ended.

        Raises:
            LedgerError: the notice was not taken.
        """
        notice = tidings.ended(entry, ends, run_url=self.run_url(entry.run_id), will_retry=will_retry)
        if not self.notifier.send(notice):
            raise LedgerError(
                f"the notice {notice.title!r} was not taken", where="notices.topic", remedy="See the log of the notifier"
            )

    def complain(self, entry: RunEntry, problems: list[str]) -> bool:
        """Tells an operator that the ledger could not be written; returns whether the notice was accepted. Never raises."""
        more = [f"and {len(problems) - _NAMED} more"] if len(problems) > _NAMED else []
        elements = {
            "run": entry.run_id,
            "days": _days(entry),
            "not written": "; ".join([*problems[:_NAMED], *more]),
            "what to do": "See that tables, topics and role are right. Nothing that is published is touched by it; the"
            " sensor of the ledger writes what is missing once it can, or `dataworks ledger repair` does",
        }
        return self.notifier.send(Notice(NoticeType.ERROR, f"The ledger of {entry.product} could not be written", elements))


@dataclass
class Recorder:
    """Writes one run's ledger.

    Args:
        book: what is written, and where.
        entry: the run.
        scribe: writes, in the background or at once.
    """

    book: LedgerBook
    entry: RunEntry
    scribe: Scribe = field(kw_only=True)
    _reported: set[tuple[str, str]] = field(default_factory=set)
    _tallies: dict[str, Tally] = field(default_factory=dict)
    _lines: list[Line] = field(default_factory=list)
    _lines_change: threading.Lock = field(default_factory=threading.Lock)
    _logs_fail: bool = False

    def open(self) -> None:
        """Called when the run starts: stores its entry, then makes its rows."""
        self._keep()
        self.scribe.write(self.book.started(self.entry))
        entry = self.entry
        self.scribe.do(lambda: self.book.tell_start(entry))
        self.scribe.do(lambda: self.book.measure_start(entry))
        self.log("the run started", days=len(entry.days))

    def planned(self, work: Mapping[str, tuple[str, ...]]) -> None:
        """Called when the plan is made, with the collections that there is work for, by date."""
        self.entry = msgspec.structs.replace(self.entry, work=dict(work))
        self._keep()
        self.scribe.write(
            [*self.book.rows.placed(self.entry), *self.book.statuses(self.entry, work, CollectionStatus.PROCESSING)]
        )
        self.log("the run is planned", work=sum(len(names) for names in work.values()))

    def running_on(self, cluster_id: str) -> None:
        """Called when the application's cluster is known."""
        self.entry = msgspec.structs.replace(self.entry, cluster_id=cluster_id)
        self._keep()
        entry = self.entry
        self.scribe.write(self.book.rows.placed(entry))
        self.scribe.do(lambda: self.book.measure_start(entry))

    def publishing(self, name: str, date: str) -> None:
        """Called when a collection's day is read and audited, and is about to be published."""
        if (name, date) not in self._reported:
            self.scribe.write(self.book.statuses(self.entry, {date: (name,)}, CollectionStatus.PUBLISHING))

    def finished(self, name: str, date: str, status: CollectionStatus) -> None:
        """Called when a collection's day has ended."""
        self._reported.add((name, date))
        self.scribe.write(self.book.statuses(self.entry, {date: (name,)}, status))

    def log(self, message: str, *, level: str = "INFO", **fields: LogValue) -> None:
        """Queues one line of the run's log; fields say what it is about."""
        line = Line(self.book.clock(), level, message, fields)
        with self._lines_change:
            self._lines.append(line)
            is_first = len(self._lines) == 1
        if is_first:  # the others are sent with it
            self.scribe.do_aside(self._send_lines)

    def log_day(self, message: str, name: str, date: str, *, level: str = "INFO", **fields: LogValue) -> None:
        """Queues one line about a collection's day; `date` is that of its row, unless a field names another partition."""
        about = {"correlation_id": self.entry.correlation_id(date), "collection": name, "partition": date}
        self.log(message, level=level, **about | fields)

    def _send_lines(self) -> None:
        """Sends all queued lines, often more than the one that requested it.

        If lines are not accepted, the run sends no more, so that rows do not wait for them.
        """
        with self._lines_change:
            lines, self._lines = self._lines, []
        if self._logs_fail:
            return
        self._logs_fail = True
        self.book.log(self.entry, lines)
        self._logs_fail = False

    def tally(self, name: str, tally: Tally) -> None:
        """Adds to the counts of a collection."""
        self._tallies[name] = added(self._tallies.get(name), tally)

    def close(self, outcome: Outcome, failing: Iterable[Failing], *, may_be_retried: bool = False) -> list[str]:
        """Called at the end of the run. Waits for pending writes, for at most the configured time.

        Args:
            outcome: how it ended.
            failing: what it did not publish.
            may_be_retried: whether Dagster may retry it by itself: then the repair sensor reports how it ended, once that
                is decided.

        Returns:
            What could not be written; an operator was told, and the repair sensor writes it.
        """
        self.entry = msgspec.structs.replace(self.entry, outcome=outcome, failing=tuple(failing), tallies=dict(self._tallies))
        seconds = (self.book.clock() - self.entry.started_utc).total_seconds()
        self.log(time_taken("all", seconds), seconds=seconds, outcome=str(outcome), failed=len(self.entry.failing))
        is_decided = outcome is not Outcome.FAILED or not may_be_retried
        self._keep()
        self.scribe.do(lambda: self._end(tells=is_decided))
        problems = self.scribe.settle(self.book.config.patience_seconds)
        if problems:
            if self.book.complain(self.entry, problems):
                self.entry = msgspec.structs.replace(self.entry, complained=True)
                self._keep()
        elif is_decided:
            self.scribe.do(lambda: self.book.entries.close(self.entry.name))
            self.scribe.settle(self.book.config.patience_seconds)
        self.scribe.end()
        return problems

    def _end(self, *, tells: bool) -> None:
        ends = judge(self.entry, self.book.truth)
        for end in ends:
            if not end.failing:
                self.scribe.write(self.book.rows.moved_on(self.entry, end.day, Step.NOTIFY))
        self.scribe.do(lambda: self.book.announce(self.entry, ends))
        self.scribe.do(lambda: self.book.measure_end(self.entry, ends))
        self.scribe.write(self.book.ended(self.entry, ends))
        if tells:
            self.scribe.do(lambda: self._tell(ends))

    def _tell(self, ends: Sequence[DayEnd]) -> None:
        self.book.tell_end(self.entry, ends)
        self.entry = msgspec.structs.replace(self.entry, is_told=True)

    def _keep(self) -> None:
        entry = self.entry
        self.scribe.do(lambda: self.book.entries.keep(entry))


def _days(entry: RunEntry) -> str:
    dates = [day.date for day in entry.days] or ["of no day"]
    return dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]} ({len(dates)})"
