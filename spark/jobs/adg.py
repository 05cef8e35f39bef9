"""The ADG job's driver: fetches keys, runs one flat stage over all files, and audits and publishes each day once it is read.

Runs in the application's driver process. The task is in `stage`, the audit in `audit`, the publication protocol in
`spark.publish`; here they are combined and timed.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial

from spark.contract import (
    ExportCollection,
    Finding,
    JobParameters,
    JobResult,
    PartitionResult,
    PartitionState,
    PartitionWork,
)
from spark.errors import StoreError
from spark.jobs.audit import audit, row_count, state_of
from spark.jobs.cluster import Cluster
from spark.jobs.identities import SliceIds, repeated_across
from spark.jobs.outcome import IdHashes, ShardOutcome
from spark.jobs.packing import Shard, bins_of, shards_of
from spark.jobs.progress import Reporter
from spark.jobs.publication import Audited, Publication
from spark.jobs.publishing import PublicationQueue
from spark.jobs.services import Services, open_publication, open_services, stage_settings
from spark.jobs.stage import ShardTask, stage_bin
from spark.jobs.succession import Succession
from spark.jobs.unlock import Unlocked, unlock

Day = tuple[str, str]
"""Collection and export date."""


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
class _Day:
    """One collection's day on its way through the stage."""

    work: PartitionWork
    collection: ExportCollection
    shards_expected: int
    outcomes: list[ShardOutcome] = field(default_factory=list)

    @property
    def is_read(self) -> bool:
        return len(self.outcomes) == self.shards_expected

    def spread_slices(self) -> list[SliceIds]:
        """The slices whose id hashes several tasks wrote in parts."""
        parts: dict[tuple[int, int], list[IdHashes]] = defaultdict(list)
        for outcome in self.outcomes:
            for ids in outcome.spread_ids:
                parts[ids.slice_start, ids.slice_end].append(ids)
        return [SliceIds(self.collection.topic, tuple(found)) for _, found in sorted(parts.items())]


@dataclass
class _Run:
    parameters: JobParameters
    cluster: Cluster
    reporter: Reporter
    services: Services
    _stage_seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    _results: list[PartitionResult] = field(default_factory=list)
    _collections: dict[str, ExportCollection] = field(init=False)
    _succession: Succession = field(init=False)

    def __post_init__(self) -> None:
        wanted = self.parameters.collections.items()
        self._collections = {name: collection for name, collection in wanted if isinstance(collection, ExportCollection)}
        self._succession = Succession(
            work for work in self.parameters.partitions if self._collections[work.collection].snapshot_type == "full"
        )

    def execute(self) -> JobResult:
        started = time.monotonic()
        works = self.parameters.partitions
        files = [file for work in works for file in work.files]
        self.reporter.begin(files=len(files), total_bytes=sum(file.source.size_bytes for file in files), partitions=len(works))
        with self._timed("keys"):
            unlocked = unlock(self.services.store, self.services.key_service, [file.source for file in files])
        shards = shards_of(works, cores=self.cluster.cores)
        with self._timed("read, audit and publish"):
            self._stage(self._days(shards), shards, unlocked)
        return JobResult(
            run_id=self.parameters.run_id,
            partitions=tuple(self._results),
            seconds=time.monotonic() - started,
            stage_seconds=dict(self._stage_seconds),
            key_service_calls=self.services.key_service.calls,
        )

    def _days(self, shards: Sequence[Shard]) -> dict[Day, _Day]:
        expected: dict[Day, int] = defaultdict(int)
        for shard in shards:
            expected[shard.collection, shard.export_date] += 1
        return {
            (work.collection, work.export_date): _Day(
                work, self._collections[work.collection], expected[work.collection, work.export_date]
            )
            for work in self.parameters.partitions
        }

    def _stage(self, days: dict[Day, _Day], shards: Sequence[Shard], unlocked: Unlocked) -> None:
        """Runs the one stage; each day is audited and queued for publication when its last shard is in."""
        settings = stage_settings(self.parameters, self.services)
        bins = [tuple(_task(shard, days, unlocked) for shard in packed) for packed in bins_of(shards, cores=self.cluster.cores)]
        with (
            open_publication(self.parameters, self.services, settings) as publication,
            PublicationQueue(partial(self._publish, publication)) as publications,
            ThreadPoolExecutor(1, "ids") as checks,
        ):
            waiting: list[Future[None]] = []
            for outcomes in self.cluster.run(partial(stage_bin, settings), bins, name="read and stage"):
                for outcome in outcomes:
                    day = days[outcome.collection, outcome.export_date]
                    day.outcomes.append(outcome)
                    self._count(outcome)
                    if day.is_read and day.spread_slices():
                        waiting.append(checks.submit(self._check_spread, day, publications.put))
                    elif day.is_read:
                        self._audit(day, (), publications.put)
            for check in waiting:
                check.result()

    def _check_spread(self, day: _Day, ready: Callable[[Audited], None]) -> None:
        """Looks for ids that occur in several tasks' parts of a slice. Runs as tasks again: no id ever reaches the driver."""
        check = partial(repeated_across, self.services.store)
        slices = day.spread_slices()
        findings = [finding for found in self.cluster.run(check, slices, name="ids") for finding in found]
        self._audit(day, findings, ready)
        with suppress(StoreError):  # what cannot be deleted belongs to the attempt, and is collected with it
            self.services.store.delete([uri for each in slices for uri in each.uris])

    def _count(self, outcome: ShardOutcome) -> None:
        self._stage_seconds["ids (task seconds)"] += outcome.ids_seconds
        self._stage_seconds["tasks (task seconds)"] += outcome.seconds
        self.reporter.advance(files=len(outcome.files), read_bytes=sum(file.input_bytes for file in outcome.files))

    def _audit(self, day: _Day, extra: Sequence[Finding], ready: Callable[[Audited], None]) -> None:
        outcomes = tuple(sorted(day.outcomes, key=lambda outcome: outcome.number))

        def judge(work: PartitionWork) -> int | None:
            findings = audit(work, day.collection, outcomes, extra=extra)
            ready(Audited(work, day.collection, outcomes, findings))
            return row_count(outcomes) if state_of(findings) is PartitionState.PUBLISHED else None

        self._succession.judge(day.work, judge)

    def _publish(self, publication: Publication, batch: Sequence[Audited]) -> None:
        started = time.monotonic()
        for day in batch:
            if state_of(day.findings) is PartitionState.PUBLISHED:
                self.reporter.publishing(day.work.collection, day.work.export_date)
        for result in publication.publish(batch):
            self._results.append(result)
            self.reporter.finished(result)
        self._stage_seconds["publish"] += time.monotonic() - started

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        started = time.monotonic()
        yield
        self._stage_seconds[name] += time.monotonic() - started


def _task(shard: Shard, days: dict[Day, _Day], unlocked: Unlocked) -> ShardTask:
    day = days[shard.collection, shard.export_date]
    uris = [file.source.uri for file in shard.files]
    return ShardTask(
        shard=shard,
        collection=day.collection,
        attempt=day.work.attempt,
        keys={uri: unlocked.keys[uri] for uri in uris if uri in unlocked.keys},
        locked={uri: unlocked.locked[uri] for uri in uris if uri in unlocked.locked},
    )
