"""Writing a sample export: days and snapshot types, each collection's files, and the truth about them.

A day that lies there already as the same request made it is left alone, so that nothing downstream sees changed inputs;
one that another request made is replaced; one that no sample wrote is never touched.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import msgspec

from dataworks_assets.stack.sample.bad_input import BAD_INPUTS, BadInput
from dataworks_assets.stack.sample.benefits import thing
from dataworks_assets.stack.sample.plans import BOTH, FULL, PLANS, UNLISTED, CollectionPlan, Generated, Scope
from dataworks_assets.stack.sample.slicing import divide
from dataworks_assets.stack.sample.spoiling import Batches
from dataworks_assets.stack.sample.truth import VERSION, ExportTruth, TopicTruth, describe
from dataworks_assets.stack.sample.wire import Destination, EncodedFile, Record, encode_file, store_file
from spark.contract import KeyServiceSettings
from spark.errors import ConfigurationError
from spark.sources.keys import DataKey, KeyService
from spark.sources.names import ObjectName
from spark.store import ObjectStore

FOREIGN_NAME = "note-from-the-producer.txt"
_FOREIGN = b"Not a data file: a reader reports it and leaves it alone.\n"
_IN_PARALLEL = 4
_BROKEN_ROWS = 600
_BROKEN_FILES = 3


@dataclass(frozen=True)
class SampleRequest:
    """What to write, and where.

    Attributes:
        data_uri, manifest_uri: prefixes, with `{export_date}` and `{snapshot_type}` in them.
        truth_uri: prefix of the truths: `<truth_uri>/<export_date>/<snapshot_type>.json`; outside of the other two.
        days: export dates.
        snapshot_types: full, incremental or both.
        topics: only these; all when empty. Without a foreign object then.
        scale: how many times the usual number of documents (about 60,000 in a full).
        seed: the same seed gives the same documents.
        bad: whether one collection of each kind of bad input, and of what only looks so, is in the fulls.
        batch_bytes: uncompressed size of a data file before the next is begun.
    """

    data_uri: str
    manifest_uri: str
    truth_uri: str
    days: tuple[date, ...]
    snapshot_types: tuple[str, ...] = BOTH
    topics: tuple[str, ...] = ()
    scale: float = 1.0
    seed: int = 1
    bad: bool = False
    batch_bytes: int = 2 << 20

    def __post_init__(self) -> None:
        known = {plan.topic for plan in PLANS} | {bad.topic for bad in BAD_INPUTS}
        for topic in self.topics:
            if topic not in known:
                raise ConfigurationError(
                    "the sample has no such topic", where=topic, remedy=f"It has {', '.join(sorted(known))}"
                )

    def identity(self, day: date) -> dict[str, Any]:
        """What decides which documents a day holds."""
        return ({"second_day": self.is_second(day)} if self.has_bad else {}) | {
            "version": VERSION,
            "topics": sorted(self.topics),
            "scale": self.scale,
            "seed": self.seed,
            "bad": self.bad,
            "batch_bytes": self.batch_bytes,
        }

    def is_answered_by(self, identity: dict[str, Any], day: date) -> bool:
        """Whether a day of this identity holds all that is asked for; bad input may be there besides."""
        return identity in (self.identity(day), replace(self, bad=True).identity(day))

    @property
    def has_bad(self) -> bool:
        """Whether any collection of bad input is asked for."""
        return self.bad or any(bad.topic in self.topics for bad in BAD_INPUTS)

    def is_second(self, day: date) -> bool:
        """Whether it is the second, fourth... of days in a row."""
        days, first = set(self.days), day
        while first - timedelta(days=1) in days:
            first -= timedelta(days=1)
        return (day - first).days % 2 == 1

    def wants(self, topic: str) -> bool:
        """Whether a topic is asked for."""
        return not self.topics or topic in self.topics


@dataclass(frozen=True)
class WrittenExport:
    """One day's export of one snapshot type; `is_new` false where it lay there already."""

    truth: ExportTruth
    is_new: bool


@dataclass(frozen=True)
class SampleSummary:
    """What a sample consists of, in order of day and snapshot type."""

    exports: tuple[WrittenExport, ...]
    seconds: float

    @property
    def rows(self) -> int:
        """Documents of all days."""
        return sum(export.truth.rows for export in self.exports)


@dataclass
class SampleWriter:
    """Writes exports to a store; the data key is asked for once, before the first file.

    Args:
        store: where exports and truths go.
        make_key: returns the producer's data key.
        progress: called with each topic that was written.
    """

    store: ObjectStore
    make_key: Callable[[], DataKey]
    progress: Callable[[date, str, TopicTruth], None] = field(default=lambda *_: None)

    @cached_property
    def key(self) -> DataKey:
        """The data key of every file."""
        return self.make_key()

    def write(self, request: SampleRequest) -> SampleSummary:
        """Writes every day and snapshot type that is not there yet.

        Raises:
            ConfigurationError: there is an export which no sample wrote.
            KeyServiceError, StoreError, AccessError
        """
        begun = time.monotonic()
        wanted = [(day, snapshot_type) for day in request.days for snapshot_type in request.snapshot_types]
        exports = tuple(self._export(request, day, snapshot_type) for day, snapshot_type in wanted)
        return SampleSummary(exports, time.monotonic() - begun)

    def _export(self, request: SampleRequest, day: date, snapshot_type: str) -> WrittenExport:
        filled = {"export_date": day.isoformat(), "snapshot_type": snapshot_type}
        destination = Destination(self.store, request.data_uri.format(**filled), request.manifest_uri.format(**filled))
        truth_uri = f"{request.truth_uri}/{day.isoformat()}/{snapshot_type}.json"
        there = [listed.uri for uri in (destination.data_uri, destination.manifest_uri) for listed in self.store.list(uri)]
        (said,) = self.store.read_many([truth_uri])
        known = msgspec.json.decode(said, type=ExportTruth) if said else None
        if known and known.objects == len(there) and request.is_answered_by(known.request, day):
            return WrittenExport(known, is_new=False)
        if there and not known:
            raise ConfigurationError(
                "there is an export already, and no sample wrote it",
                where=destination.data_uri,
                remedy="Choose other days, or remove it",
            )
        # Said before anything is written, so that what an interrupted call leaves is known to be a sample.
        self._say(truth_uri, request, day, snapshot_type)
        kept = _without_bad(known, request, day, objects=len(there))
        if not kept:
            self.store.delete(there)
        scope = Scope(day, snapshot_type, request.scale, request.seed)
        with ThreadPoolExecutor(_IN_PARALLEL) as pool:
            topics = tuple(self._topics(request, scope, destination, pool, kept=kept))
        if not request.topics and not kept:
            self.store.put(f"{destination.data_uri}/{FOREIGN_NAME}", _FOREIGN)
        objects = sum(1 for uri in (destination.data_uri, destination.manifest_uri) for _ in self.store.list(uri))
        truth = self._say(truth_uri, request, day, snapshot_type, topics=topics, objects=objects)
        return WrittenExport(truth, is_new=len(topics) > len(kept))

    def _say(
        self,
        uri: str,
        request: SampleRequest,
        day: date,
        snapshot_type: str,
        *,
        topics: tuple[TopicTruth, ...] = (),
        objects: int = -1,
    ) -> ExportTruth:
        truth = ExportTruth(
            export_date=day.isoformat(),
            snapshot_type=snapshot_type,
            request=request.identity(day),
            topics=topics,
            objects=objects,
        )
        self.store.put(uri, msgspec.json.format(msgspec.json.encode(truth)))
        return truth

    def _topics(
        self,
        request: SampleRequest,
        scope: Scope,
        destination: Destination,
        pool: ThreadPoolExecutor,
        *,
        kept: Mapping[str, TopicTruth],
    ) -> Iterator[TopicTruth]:
        for plan in PLANS:
            if request.wants(plan.topic) and scope.snapshot_type in plan.snapshot_types:
                yield kept.get(plan.topic) or self._well(plan, request, scope, destination, pool)
        for bad in BAD_INPUTS:
            if scope.snapshot_type == FULL and (request.bad or bad.topic in request.topics) and request.wants(bad.topic):
                yield self._broken(bad, scope, destination, second_day=request.is_second(scope.day))

    def _well(
        self,
        plan: CollectionPlan,
        request: SampleRequest,
        scope: Scope,
        destination: Destination,
        pool: ThreadPoolExecutor,
    ) -> TopicTruth:
        records = list(plan.records(scope))
        divided = divide(plan.topic, records, slices=plan.slices, batch_bytes=request.batch_bytes)
        stored = [pool.submit(self._store, destination, scope, name, batch) for name, batch in divided]
        truth = describe(plan.topic, records, has_ids=plan.has_ids, sums=plan.sums)
        truth = _with_files(truth, [future.result() for future in stored], configured=plan.topic != UNLISTED)
        self.progress(scope.day, scope.snapshot_type, truth)
        return truth

    def _broken(self, bad: BadInput, scope: Scope, destination: Destination, *, second_day: bool) -> TopicTruth:
        records = list(Generated(bad.topic, _BROKEN_ROWS, thing)(scope))
        third = -(-len(records) // _BROKEN_FILES)
        divided = [records[start : start + third] for start in range(0, len(records), third)]
        written = bad.write(Batches(bad.topic, divided, self.key, scope.snapshot_type), second_day=second_day)
        for file in written.files:
            store_file(destination, file)
        truth = _with_files(describe(bad.topic, written.records, has_ids=True), written.files, refused=written.refused)
        self.progress(scope.day, scope.snapshot_type, truth)
        return truth

    def _store(self, destination: Destination, scope: Scope, name: ObjectName, batch: Sequence[Record]) -> EncodedFile:
        operation = "MONGO_INSERT" if scope.snapshot_type == FULL else "MONGO_UPDATE"
        file = encode_file(name, batch, self.key, snapshot_type=scope.snapshot_type, operation=operation)
        store_file(destination, file)
        return file


def _without_bad(known: ExportTruth | None, request: SampleRequest, day: date, *, objects: int) -> dict[str, TopicTruth]:
    """Returns the topics of a whole export, by name, that lacks nothing of the request but the bad ones; none of any other."""
    if known is None or known.objects != objects or known.request != replace(request, bad=False).identity(day):
        return {}
    return {topic.topic: topic for topic in known.topics}


def _with_files(truth: TopicTruth, files: Sequence[EncodedFile], **more: Any) -> TopicTruth:
    present = [file for file in files if file.body is not None]
    return msgspec.structs.replace(
        truth,
        files=len(present),
        input_bytes=sum(len(file.body or b"") for file in present),
        decoded_bytes=sum(file.decoded_bytes for file in present),
        **more,
    )


def write_sample(
    store: ObjectStore,
    key_service: KeyServiceSettings,
    request: SampleRequest,
    *,
    progress: Callable[[date, str, TopicTruth], None] = lambda *_: None,
) -> SampleSummary:
    """Writes a sample export with a data key of the key service.

    Args:
        store: where it goes.
        key_service: gives the data key; not asked where nothing is to be written.
        request: what to write.
        progress: called with day, snapshot type and truth of each topic that was written.

    Raises:
        ConfigurationError, KeyServiceError, StoreError, AccessError
    """
    service = KeyService(key_service, correlation_id="sample-export")
    return SampleWriter(store, service.new_key, progress).write(request)
