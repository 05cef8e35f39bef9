"""The whole way of ADG in one process without any service: an export in memory, a plan, the job on threads, tables in memory.

    world = World()
    world.write("db.core.statement", DAY, documents(3))
    outcome = world.run("core/statement", days=[DAY])
    assert world.ids("core/statement", DAY) == ["s0", "s1", "s2"]

Store, catalog and keys can be given, so that tests can put their faults into them.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from dataworks_assets.config.collections import CollectionConfig
from dataworks_assets.config.deployment import Deployment
from dataworks_assets.config.environment import Environment
from dataworks_assets.config.naming import SnapshotType
from dataworks_assets.config.settings import Settings
from dataworks_assets.engines.base import Engine, JobError
from dataworks_assets.ledger.logs import LogGroups
from dataworks_assets.ledger.notices import Notice
from dataworks_assets.stack.sample.wire import (
    FIXED_KEY,
    Destination,
    EncodedFile,
    Record,
    encode_file,
    make_record,
    store_file,
)
from dataworks_assets.systems.adg.planner import Planner
from dataworks_assets.systems.adg.recording import ledger_book, run_entry
from dataworks_assets.systems.adg.scope import AdgScope
from dataworks_assets.systems.execution import Execution
from dataworks_assets.systems.plan import Plan, Request
from dataworks_assets.systems.platform import Platform
from dataworks_assets.systems.recording import recorded
from dataworks_assets_tests.ledger.memory_gateway import MemoryGateway
from dataworks_assets_tests.ledger.memory_tables import MemoryTables
from dataworks_assets_tests.spark.jobs.thread_cluster import ThreadCluster
from dataworks_assets_tests.spark.publish.memory_catalog import InMemoryCatalog
from dataworks_assets_tests.spark.sources.memory_keys import Keys
from dataworks_assets_tests.systems.adg.seen import DAY, Events, Outcome, Readers
from spark.contract import JobParameters, JobResult, decode, encode
from spark.errors import DataworksError, LedgerError
from spark.jobs import adg
from spark.jobs.progress import Message, Reporter
from spark.sources.keys import KeyService
from spark.sources.names import ObjectName
from spark.store import ObjectStore

DAY_BEFORE = DAY - timedelta(days=1)
DAY_AFTER = DAY + timedelta(days=1)

_MODIFIED_MS = 1_562_225_255_104
_numbers = itertools.count(1)


def documents(count: int, *, first: int = 0, **fields: object) -> list[Record]:
    """Documents with the ids `s<first>`, `s<first + 1>`... as they are exported."""
    return [document(f"s{number}", **fields) for number in range(first, first + count)]


def document(identifier: object, **fields: object) -> Record:
    """One document as it is exported."""
    body = {"_id": identifier, "_lastModifiedDateTime": {"$date": "2019-07-04T07:27:35.104Z"}, **fields}
    return make_record(body, timestamp_ms=_MODIFIED_MS, id_holder=body)


def bare(line: bytes, identifier: str = "x") -> Record:
    """A line as it is, with what the manifest says of it."""
    return Record(line, b'{"$oid":"%s"}' % identifier.encode(), _MODIFIED_MS)


def configured(topic: str, **fields: object) -> CollectionConfig:
    """A collection as an operator would configure it."""
    return CollectionConfig(**{"topic": topic, "tags": {"pii": "true", "db": "core"}, **fields})


@dataclass
class ThreadEngine(Engine):
    """Runs the job's driver in this thread and its tasks in others. Documents travel as text, as they always do."""

    world: World

    def submit(self, submission, arguments, emit):
        raise AssertionError("never called: `run` is all of it")

    def job(self, parameters, cluster, reporter):
        services = adg.Services(self.world.store, self.world.catalog, self.world.keys, pause=lambda _: None)
        return adg.run(parameters, cluster, reporter, services=services)

    def run(self, submission, *, on_message, channel=None):
        del channel
        self.world.on_message = on_message
        self.world.submissions.append(submission.parameters)
        parameters = decode(encode(submission.parameters), JobParameters, where=submission.parameters_uri)
        reporter = Reporter(on_message)
        try:
            result = self.job(parameters, ThreadCluster(self.world.cores), reporter)
        except DataworksError as error:
            finished = JobResult(
                run_id=parameters.run_id, partitions=reporter.finished_partitions, seconds=reporter.seconds, complete=False
            )
            raise JobError(error.what, remedy=error.remedy, transient=error.transient, result=finished) from error
        self.world.results.append(decode(encode(result), JobResult, where=parameters.result_uri))
        return self.world.results[-1]


@dataclass
class _Messenger:
    world: World

    def send(self, topic_arn: str, body: str) -> None:
        if self.world.is_mute:
            raise LedgerError("the topic takes nothing", where=topic_arn)
        self.world.sent.append((topic_arn, json.loads(body)))


@dataclass
class World(Readers):
    """A deployment in memory. Attributes may be replaced between runs; each run builds its platform afresh."""

    collections: Sequence[CollectionConfig] = (configured("db.core.statement"), configured("db.core.claimant"))
    store: ObjectStore = field(default_factory=ObjectStore.in_memory)
    catalog: InMemoryCatalog = field(default_factory=InMemoryCatalog)
    keys: Keys | KeyService = field(default_factory=Keys)
    snapshot_type: SnapshotType = SnapshotType.FULL
    cores: int = 2
    first_day: date = date(2026, 11, 1)
    deployment_fields: dict[str, object] = field(default_factory=dict)
    submissions: list[JobParameters] = field(default_factory=list)
    """The parameters of every job that was started."""
    results: list[JobResult] = field(default_factory=list)
    """The result of every job that ended well."""
    retagged: dict[str, dict[str, str]] = field(default_factory=dict)
    """The tags that published objects were given later, by address."""
    tables: MemoryTables = field(default_factory=MemoryTables)
    """The status tables."""
    gateway: MemoryGateway | None = None
    """Where metrics are pushed."""
    groups: LogGroups | None = None
    """Where lines of logs go."""
    notices: list[Notice] = field(default_factory=list)
    """What operators were told."""
    sent: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    """Topic and body of each message that downstream was sent."""
    is_mute: bool = False
    """Whether topics take no message."""
    is_deaf: bool = False
    """Whether no notice is taken."""
    on_message: Callable[[Message], None] = lambda _message: None
    """Takes what the job that was started last says of itself."""
    now: datetime | None = None
    """The present, as the ledger knows it; the clock's where it is None."""

    @property
    def settings(self) -> Settings:
        """The configuration."""
        said = {
            "name": "memory",
            "environment": "development",
            "store": {"scheme": "memory"},
            "buckets": {"input": "input", "manifests": "manifests", "output": "output", "logs": "logs"},
            "key_service": {"url": "https://key-service.example"},
            "catalog": {"uri": "thrift://metastore.example:9083"},
            "exports": {"first_day": self.first_day},
            **self.deployment_fields,
        }
        return Settings(Deployment.model_validate(said), tuple(self.collections), Environment())

    @property
    def scope(self) -> AdgScope:
        """The snapshot type's collections."""
        return AdgScope(self.settings, self.snapshot_type)

    @property
    def platform(self) -> Platform:
        """The clients, all of this world."""
        platform = Platform(self.settings)
        platform.store, platform.catalog, platform.engine = self.store, self.catalog, ThreadEngine(self)
        platform.put_tags = self.retagged.__setitem__
        platform.status_tables = self.tables
        platform.notifier = self
        platform.messenger = _Messenger(self)
        platform.gateway = self.gateway
        platform.log_groups = self.groups
        return platform

    def send(self, notice: Notice) -> bool:
        """Takes a notice, as a topic would."""
        if not self.is_deaf:
            self.notices.append(notice)
        return not self.is_deaf

    # What goes in

    def destination(self, day: date = DAY) -> Destination:
        """Where a day's export lies."""
        place = self.scope.place_of(next(iter(self.scope.collections.values())), day)
        return Destination(self.store, place.data_uri, str(place.manifest_uri))

    def write(
        self, topic: str, day: date, records: Sequence[Record], *, part: tuple[int, int] = (0, 256), batch: int = 1
    ) -> EncodedFile:
        """Puts a data file and its manifest; `part` is the slice."""
        file = encoded(topic, records, part=part, batch=batch)
        self.put(file, day)
        return file

    def put(self, file: EncodedFile, day: date = DAY) -> None:
        """Puts what a file has: body, metadata, manifest."""
        store_file(self.destination(day), file)

    def data_uri(self, file: EncodedFile, day: date = DAY) -> str:
        """Where a data file lies."""
        return f"{self.destination(day).data_uri}/{file.name.stem}.txt.gz.enc"

    def manifest_uri(self, file: EncodedFile, day: date = DAY) -> str:
        """Where a manifest lies."""
        return f"{self.destination(day).manifest_uri}/{file.name.stem}.csv"

    # What is done

    def plan(self, *names: str, days: Sequence[date] = (DAY,), **request: object) -> Plan:
        """What a run would do."""
        return Planner(self.platform, self.scope).plan(Request(names, tuple(days), **request))

    def run(self, *names: str, days: Sequence[date] = (DAY,), **request: object) -> Outcome:
        """Runs the collections (all, where none is named) over the days; an error of the platform is in the outcome."""
        events = Events(f"run-{next(_numbers)}")
        platform, scope = self.platform, self.scope
        return self._carried_out(
            Execution(platform, scope, Planner(platform, scope), events), Request(names, tuple(days), **request)
        )

    def run_recorded(
        self,
        *names: str,
        days: Sequence[date] = (DAY,),
        now: datetime | None = None,
        has_message: bool = False,
        may_be_retried: bool = False,
        **said: object,
    ) -> Outcome:
        """Runs as an asset does, with its ledger, which is written at once."""
        events = Events(f"run-{next(_numbers)}")
        platform, request = self.platform, Request(names, tuple(days), **said)
        book = ledger_book(platform, self.scope, platform.notifier)
        began = now or self.now or book.clock()
        book = replace(book, clock=lambda: began)
        entry = run_entry(self.scope, request, run_id=events.run_id, has_message=has_message, now=began)
        with recorded(book, entry, events.log, may_be_retried=may_be_retried, in_background=False) as told:
            plans = Planner(platform, self.scope)
            return self._carried_out(Execution(platform, self.scope, plans, events, told=told), request)

    def _carried_out(self, execution: Execution, request: Request) -> Outcome:
        assert isinstance(execution.context, Events)
        try:
            plan = execution.run(request)
        except DataworksError as error:
            return Outcome(execution.context, failures=tuple(execution.failures), error=error)
        return Outcome(execution.context, plan, tuple(execution.failures))


def encoded(topic: str, records: Sequence[Record], *, part: tuple[int, int] = (0, 256), batch: int = 1) -> EncodedFile:
    """A data file and its manifest, to be spoiled before they are put."""
    return encode_file(ObjectName(topic, *part, batch), records, FIXED_KEY)


def with_body(file: EncodedFile, body: bytes | None) -> EncodedFile:
    """The same file with another body."""
    return replace(file, body=body)


def before_the_job(monkeypatch, engine, act):
    """Something happens after a run was planned, and before its job does anything."""
    work = engine.job

    def job(self, parameters, cluster, reporter):
        act()
        return work(self, parameters, cluster, reporter)

    monkeypatch.setattr(engine, "job", job)
