"""The Kickstart job's driver: inspects all files, derives each day's schema in order, runs one flat stage, publishes in order.

Runs in the application's driver process. Tasks are in `partner_stage`, what follows from them in `partner_days` and
`partner_audit`, the publication protocol in `spark.publish`; here they are combined and timed.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial

from spark.contract import (
    Column,
    Finding,
    JobParameters,
    JobResult,
    PartitionResult,
    PartitionState,
    PartnerCollection,
    PartnerFormat,
)
from spark.jobs.audit import state_of
from spark.jobs.cluster import Cluster
from spark.jobs.outcome import ShardOutcome
from spark.jobs.packing import bins_of, shards_of
from spark.jobs.partner_audit import audit_partner_day
from spark.jobs.partner_days import PartnerDay, known_columns, plan_schemas, retyped, waits_for
from spark.jobs.partner_stage import FileLook, LookTask, PartnerSettings, PartnerTask, look_at_bin, stage_partner_bin
from spark.jobs.progress import Reporter
from spark.jobs.publication import Audited, Publication
from spark.jobs.publishing import PublicationQueue
from spark.jobs.services import Services, open_publication, open_services, stage_settings
from spark.jobs.unlock import Unlocked, unlock
from spark.sources.keys import FileKey

Ready = Callable[[Audited], None]


def run(parameters: JobParameters, cluster: Cluster, reporter: Reporter, *, services: Services | None = None) -> JobResult:
    """Reads, audits and publishes every partition of the parameters; a failure of one is in its result.

    Args:
        parameters: which files of which collections and days, and under which attempts and leases.
        cluster: where the tasks run.
        reporter: receives progress and each day that ends.
        services: replaces those that the parameters name.

    Raises:
        EngineError: a task failed for good.
        StoreError, CatalogError, LeaseError: a service failed for all partitions.
    """
    return _Run(parameters, cluster, reporter, services or open_services(parameters)).execute()


@dataclass
class _Run:
    parameters: JobParameters
    cluster: Cluster
    reporter: Reporter
    services: Services
    _settings: PartnerSettings = field(init=False)
    _unlocked: Unlocked = field(init=False)
    _days: dict[tuple[str, str], PartnerDay] = field(init=False)
    _stage_seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    _results: list[PartitionResult] = field(default_factory=list)
    _left_behind: dict[str, Finding] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._settings = PartnerSettings(stage_settings(self.parameters, self.services), self.services.inputs)
        collections = self.parameters.collections
        self._days = {
            (work.collection, work.export_date): PartnerDay(work, collection)
            for work in sorted(self.parameters.partitions, key=lambda work: (work.export_date, work.collection))
            if isinstance(collection := collections[work.collection], PartnerCollection)
        }

    def execute(self) -> JobResult:
        started = time.monotonic()
        days = list(self._days.values())
        files = [file for day in days for file in day.work.files]
        self.reporter.begin(files=len(files), total_bytes=sum(file.source.size_bytes for file in files), partitions=len(days))
        with self._timed("keys"):
            encrypted = [day for day in days if day.collection.format is PartnerFormat.JSON]
            sources = [file.source for day in encrypted for file in day.work.files]
            self._unlocked = unlock(self.services.inputs, self.services.key_service, sources)
        with self._timed("look"):
            there = self._tables_as_they_stand()
            self._look(there)
            plan_schemas(days, there)
        with self._timed("read, audit and publish"):
            self._stage()
        return JobResult(
            run_id=self.parameters.run_id,
            partitions=tuple(self._results),
            seconds=time.monotonic() - started,
            stage_seconds=dict(self._stage_seconds),
            key_service_calls=self.services.key_service.calls,
        )

    def _tables_as_they_stand(self) -> dict[str, tuple[Column, ...]]:
        """The columns of each collection's table; none if it does not exist yet."""
        tables = {name: collection.tables[0] for name, collection in self.parameters.collections.items()}
        names: dict[str, list[str]] = defaultdict(list)
        for table in tables.values():
            names[table.database].append(table.name)
        found = {
            (database, name): definition
            for database, wanted in names.items()
            for name, definition in self.services.catalog.describe_many(database, wanted).items()
        }
        places = {name: (table.database, table.name) for name, table in tables.items()}
        return {
            name: tuple(Column(name=each.name, type=each.type, comment=each.comment) for each in found[place].columns)
            for name, place in places.items()
            if place in found
        }

    def _look(self, there: dict[str, tuple[Column, ...]]) -> None:
        """Determines the columns of every file, except of files without a key."""
        tasks: list[LookTask] = []
        for day in self._days.values():
            known = known_columns(day.collection, there.get(day.collection.name, ()))
            for file in day.work.files:
                uri = file.source.uri
                if uri in self._unlocked.locked:
                    day.looks[uri] = FileLook(uri, finding=self._unlocked.locked[uri])
                else:
                    tasks.append(LookTask(file, day.collection, known, self._unlocked.keys.get(uri)))
        owners = {file.source.uri: day for day in self._days.values() for file in day.work.files}
        count = max(1, min(len(tasks), self.cluster.cores * 4))
        bins = [tasks[number::count] for number in range(count)] if tasks else []
        for looks in self.cluster.run(partial(look_at_bin, self._settings), bins, name="look"):
            for look in looks:
                owners[look.uri].looks[look.uri] = look

    def _stage(self) -> None:
        """Runs the one stage; days of a collection are audited and queued for publication in their order."""
        readable = [day for day in self._days.values() if day.is_readable]
        shards = shards_of([day.work for day in readable], cores=self.cluster.cores)
        for shard in shards:
            self._days[shard.collection, shard.export_date].shards_expected += 1
        bins = [
            tuple(
                PartnerTask(shard, day.collection, day.work.attempt, day.looks, self._keys_of(day))
                for shard in packed
                for day in [self._days[shard.collection, shard.export_date]]
            )
            for packed in bins_of(shards, cores=self.cluster.cores)
        ]
        order = _Order(self._days.values())
        with (
            open_publication(self.parameters, self.services, self._settings.stage) as publication,
            PublicationQueue(partial(self._publish, publication)) as publications,
        ):
            order.advance(publications.put)
            for outcomes in self.cluster.run(partial(stage_partner_bin, self._settings), bins, name="read and stage"):
                for outcome in outcomes:
                    self._days[outcome.collection, outcome.export_date].outcomes.append(outcome)
                    self._count(outcome)
                order.advance(publications.put)

    def _keys_of(self, day: PartnerDay) -> dict[str, FileKey]:
        return {uri: self._unlocked.keys[uri] for uri in day.looks if uri in self._unlocked.keys}

    def _count(self, outcome: ShardOutcome) -> None:
        self._stage_seconds["tasks (task seconds)"] += outcome.seconds
        self.reporter.advance(files=len(outcome.files), read_bytes=sum(file.input_bytes for file in outcome.files))

    def _publish(self, publication: Publication, batch: Sequence[Audited]) -> None:
        started = time.monotonic()
        for result, day in zip(publication.publish([self._held_back(day) for day in batch]), batch, strict=True):
            self._results.append(result)
            self.reporter.finished(result)
            if result.state is not PartitionState.PUBLISHED and self._days[_key(day)].collection.evolves:
                self._left_behind.setdefault(result.collection, waits_for(day.work, result.state))
        self._stage_seconds["publish"] += time.monotonic() - started

    def _held_back(self, day: Audited) -> Audited:
        """Keeps a day from being published behind one whose publication failed."""
        left = self._left_behind.get(day.work.collection)
        passed = state_of(day.findings) is PartitionState.PUBLISHED
        return replace(day, findings=(left, *day.findings)) if left and passed else day

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        started = time.monotonic()
        yield
        self._stage_seconds[name] += time.monotonic() - started


def _key(day: Audited) -> tuple[str, str]:
    return day.work.collection, day.work.export_date


class _Order:
    """Lets the days of each collection proceed in order; days after a refused one are held back."""

    def __init__(self, days: Iterable[PartnerDay]) -> None:
        self._waiting: dict[str, list[PartnerDay]] = defaultdict(list)
        for day in days:
            self._waiting[day.work.collection].append(day)
        self._held_up: dict[str, Finding] = {}

    def advance(self, ready: Ready) -> None:
        """Audits every day whose turn it is and passes it on."""
        for name, days in self._waiting.items():
            while days and (not days[0].is_readable or days[0].is_read):
                self._judge(name, days.pop(0), ready)

    def _judge(self, name: str, day: PartnerDay, ready: Ready) -> None:
        held_up = None if not day.is_readable else self._held_up.get(name)
        findings = audit_partner_day(day, held_up=held_up)
        outcomes = tuple(sorted(day.outcomes, key=lambda outcome: outcome.number))
        changes = (*day.changes, *retyped(day))
        state = state_of(findings)
        if state is not PartitionState.PUBLISHED and day.collection.evolves:
            self._held_up.setdefault(name, waits_for(day.work, state))
        ready(Audited(day.work, day.collection, outcomes, findings, changes))
