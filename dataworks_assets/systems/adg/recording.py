"""ADG's side of the ledger: which rows a run has, what it tells while it runs, and what the catalog says afterwards."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from dataworks_assets.config.naming import SnapshotType
from dataworks_assets.config.prefixes import fill
from dataworks_assets.ledger.announcing import Announcer, ParametersFile
from dataworks_assets.ledger.entries import DayEntry, EntryStore, Failing, Outcome, RunEntry, expiry_epoch
from dataworks_assets.ledger.errands import ErrandKind, ErrandRunner, ErrandStore
from dataworks_assets.ledger.judging import CollectionDay, Publication
from dataworks_assets.ledger.notices import Notifier
from dataworks_assets.ledger.recorder import LedgerBook, Recorder
from dataworks_assets.ledger.rows import CollectionStatus
from dataworks_assets.ledger.scribe import Scribe
from dataworks_assets.systems.adg.scope import AdgScope
from dataworks_assets.systems.plan import Plan, Request
from dataworks_assets.systems.platform import Platform
from spark.contract import PartitionResult, PartitionState
from spark.publish.state import published_states

_PUBLISH_CHECK = "publish"


@dataclass(frozen=True)
class CatalogTruth:
    """What the catalog shows of a snapshot type's collections. What is `known` already is not asked for."""

    platform: Platform
    scope: AdgScope
    known: Mapping[CollectionDay, Publication] = field(default_factory=dict)

    def configured(self, date: str) -> frozenset[str]:
        """The names of the collections that have this day."""
        return configured(self.scope, _day(date))

    def published(self, wanted: Collection[CollectionDay]) -> Mapping[CollectionDay, Publication]:
        """Those of the collections' days that are published."""
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


def configured(scope: AdgScope, day: date) -> frozenset[str]:
    """Returns the names of the collections that have a day at all."""
    return frozenset(name for name, scoped in scope.collections.items() if scoped.has_day(day))


def ledger_book(platform: Platform, scope: AdgScope, notifier: Notifier) -> LedgerBook:
    """Returns what ADG's ledger of one snapshot type is written with."""
    config = scope.settings.deployment.ledger
    return LedgerBook(
        config=config,
        product=config.adg,
        tables=platform.status_tables,
        entries=EntryStore(platform.store, scope.control_uri),
        notifier=notifier,
        truth=CatalogTruth(platform, scope),
        announcer=_announcer(platform, scope, notifier),
        reader_name=lambda name: scope.collections[name].job.topic if name in scope.collections else name,
    )


def _announcer(platform: Platform, scope: AdgScope, notifier: Notifier) -> Announcer:
    def topic_of(kind: ErrandKind) -> str | None:
        ledger = platform.running.deployment.ledger
        return ledger.pdm.topic_arn() if kind is ErrandKind.PDM else ledger.completion_topic_arn()

    errands = ErrandStore(platform.store, scope.control_uri)
    return Announcer(
        parameters=ParametersFile(platform.store, f"{scope.output_uri}/adg_output/adg_params.csv"),
        runner=ErrandRunner(errands, platform.messenger, topic_of, notifier),
        window=scope.settings.deployment.ledger.pdm.window,
    )


def run_entry(scope: AdgScope, request: Request, *, run_id: str, has_message: bool, now: datetime) -> RunEntry:
    """Returns what the ledger keeps of a run; its days are those that any of the collections has.

    Args:
        scope: the snapshot type.
        request: what the run was asked for.
        run_id: Dagster's.
        has_message: whether an export's message started it.
        now: the present.
    """
    config = scope.settings.deployment.ledger
    kind = str(scope.snapshot_type)
    names = request.collections or tuple(scope.collections)
    days = [_day_entry(scope, request, day, names, has_message=has_message) for day in sorted(set(request.days))]
    return RunEntry(
        run_id=run_id,
        system=scope.name,
        kind=kind,
        product=config.adg.product(kind),
        started_utc=now,
        expires_epoch=expiry_epoch(now, config.keep_days),
        cluster_id=run_id,
        days=tuple(day for day in days if day.asked),
    )


def _day_entry(scope: AdgScope, request: Request, day: date, names: Sequence[str], *, has_message: bool) -> DayEntry:
    deployment = scope.settings.deployment
    there = configured(scope, day)
    asked = tuple(sorted(there & set(names)))
    correlation_id = request.correlation_id_of(day)
    return DayEntry(
        date=day.isoformat(),
        correlation_id=correlation_id or deployment.ledger.adg.default_correlation_id(str(scope.snapshot_type), day),
        source_prefix=request.s3_prefix or fill(deployment.prefixes.data, export_date=day, snapshot_type=scope.snapshot_type),
        output_prefix=f"{deployment.prefixes.output}/{scope.snapshot_type}/{day.isoformat()}",
        asked=asked,
        is_whole=set(asked) == there,
        tells=_tells(scope, request, has_message=has_message),
    )


def _tells(scope: AdgScope, request: Request, *, has_message: bool) -> bool:
    """Whether downstream is told of a full: an operator's word, else as the deployment says, for an export's message alone."""
    if scope.snapshot_type is not SnapshotType.FULL:
        return False
    if request.tells is not None:
        return request.tells
    return has_message and not scope.settings.deployment.output.skip_pdm_trigger


@dataclass
class RunLedger:
    """What a run of ADG tells its ledger; every call only hands over."""

    recorder: Recorder
    failing: dict[CollectionDay, Failing] = field(default_factory=dict)
    known: dict[CollectionDay, Publication] = field(default_factory=dict)

    def planned(self, plan: Plan) -> None:
        """The plan is made."""
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
        """The cluster is known that the run's application runs on; until then rows name the run itself."""
        self.recorder.running_on(cluster_id)

    def publishing(self, name: str, day: str) -> None:
        """A collection's day is about to be published."""
        self.recorder.publishing(name, day)

    def reported(self, item: PartitionResult) -> None:
        """A collection's day was published, refused, or failed."""
        pair = (item.collection, item.export_date)
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

    def failed(self, name: str, day: str, cause: str) -> None:
        """A collection's day is not published, for this cause."""
        known = self.failing.get((name, day))
        self.failing[name, day] = Failing(
            collection=name, date=day, cause=cause, is_publishing=known is not None and known.is_publishing
        )

    def close(self, outcome: Outcome) -> list[str]:
        """The run is over; returns what could not be written."""
        truth = self.recorder.book.truth
        if isinstance(truth, CatalogTruth):
            self.recorder.book = replace(self.recorder.book, truth=replace(truth, known=self.known))
        return self.recorder.close(outcome, self.failing.values())


@contextmanager
def recorded(book: LedgerBook, entry: RunEntry, log: logging.Logger, *, in_background: bool = True) -> Iterator[RunLedger]:
    """Keeps the ledger of a run while the block runs, however it ends.

    Args:
        book: what is written where.
        entry: the run.
        log: the run's, where it is said what could not be written.
        in_background: whether rows are written behind the run's back.
    """
    ledger = RunLedger(Recorder(book, entry, scribe=Scribe(book.tables, in_background=in_background)))
    ledger.recorder.open()
    outcome = Outcome.SUCCEEDED
    try:
        yield ledger
    except BaseException as error:
        outcome = Outcome.CANCELLED if _is_interruption(error) else Outcome.FAILED
        raise
    finally:
        if ledger.failing and outcome is Outcome.SUCCEEDED:
            outcome = Outcome.FAILED
        for problem in ledger.close(outcome):
            log.warning("the ledger is not complete: %s", problem)


def _is_interruption(error: BaseException) -> bool:
    from dagster import DagsterExecutionInterruptedError

    return isinstance(error, DagsterExecutionInterruptedError | KeyboardInterrupt | SystemExit)


def _day(text: str) -> date:
    return date.fromisoformat(text)
