"""A deployment in memory: store, catalog, queue and Dagster instance, and the runs that a test pretends were started."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

import boto3
import pytest
from dagster import AssetKey, DagsterInstance, DagsterRun, DagsterRunStatus, RunRequest
from moto import mock_aws

from dataworks_assets.config.environment import Environment
from dataworks_assets.config.loader import load_settings
from dataworks_assets.config.naming import SnapshotType
from dataworks_assets.ledger.notices import Notice
from dataworks_assets.systems.adg.automation.inbox import Inbox
from dataworks_assets.systems.adg.scope import AdgScope
from dataworks_assets.systems.platform import Platform
from dataworks_assets_tests.spark.publish.memory_catalog import InMemoryCatalog
from spark.store import ObjectStore

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
"""The present of most tests; the newest export date is the same day's."""
REGION = "eu-west-2"
_DEPLOYMENT = """\
name: here
environment: qa
store: {{scheme: memory}}
buckets: {{input: input, manifests: manifests, output: output, logs: logs}}
prefixes: {{data: "ucdata/{{export_date}}/{{snapshot_type}}", manifests: "manifests/{{export_date}}/{{snapshot_type}}"}}
key_service: {{url: "https://localhost:1"}}
catalog: {{uri: "thrift://localhost:1"}}
exports:
  first_day: 2026-11-01
  settle_minutes: 30
  queue: {queue}
  full: {full}
  incremental: {full}
limits: {{catch_up_days: 3, backfill_days_per_run: 5}}
"""
_COLLECTIONS = """\
defaults: {snapshot_types: [full]}
collections:
  db.core.statement: {}
  db.core.account: {}
  db.core.late: {first_day: 2026-11-18}
"""
BOTH = frozenset({"core/account", "core/statement"})
ALL = BOTH | {"core/late"}


@dataclass
class Told:
    """A notifier that keeps what it is told; `fails` makes it refuse."""

    notices: list[Notice] = field(default_factory=list)
    fails: bool = False

    def send(self, notice: Notice) -> bool:
        if not self.fails:
            self.notices.append(notice)
        return not self.fails


@pytest.fixture
def scoped(tmp_path: Path) -> Callable[..., AdgScope]:
    """Makes a scope of the full exports; with or without messages, a schedule, a time by which an export is due."""

    def made(*, messages: bool = True, queue: str = "https://queue.example/1", extra: str = "") -> AdgScope:
        for name in ("deployments", "collections"):
            (tmp_path / name).mkdir(exist_ok=True)
        topic = "topic: 'arn:aws:sns:eu-west-2:1:full'" if messages else ""
        full = f"{{{', '.join(filter(None, (topic, extra)))}}}"
        text = _DEPLOYMENT.format(queue=queue if messages else "null", full=full)
        (tmp_path / "deployments" / "here.yaml").write_text(text)
        (tmp_path / "collections" / "mine.yaml").write_text(_COLLECTIONS)
        return AdgScope(load_settings("here", environment=Environment(config_folder=tmp_path)), SnapshotType.FULL)

    return made


@pytest.fixture
def scope(scoped: Callable[..., AdgScope]) -> AdgScope:
    """The full exports of a deployment with messages."""
    return scoped()


@pytest.fixture
def quiet_scope(scoped: Callable[..., AdgScope]) -> AdgScope:
    """The full exports of a deployment without messages."""
    return scoped(messages=False)


@pytest.fixture
def store() -> ObjectStore:
    return ObjectStore.in_memory()


@pytest.fixture
def catalog() -> InMemoryCatalog:
    return InMemoryCatalog()


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def platform(scope: AdgScope, store: ObjectStore, catalog: InMemoryCatalog) -> Platform:
    return in_memory_platform(scope, store, catalog)


def in_memory_platform(scope: AdgScope, store: ObjectStore, catalog: InMemoryCatalog) -> Platform:
    made = Platform(scope.settings)
    made.__dict__.update(store=store, catalog=catalog)
    return made


@pytest.fixture
def inbox(store: ObjectStore, scope: AdgScope) -> Inbox:
    return Inbox(store, scope.control_uri)


@pytest.fixture
def instance() -> Iterator[DagsterInstance]:
    with DagsterInstance.ephemeral() as made:
        yield made


@pytest.fixture
def sqs() -> Iterator[object]:
    """A client of an emulated SQS in this process."""
    with mock_aws(), pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SQS"):
            patch.delenv(name, raising=False)
        yield boto3.client("sqs", region_name=REGION, aws_access_key_id="x", aws_secret_access_key="x")


def completion(day: str = "2026-11-20", *, correlation_id: str = "c-1", prefix: str | None = None, kind: str = "full") -> str:
    """The body of an export's completion message."""
    where = f"ucdata/{day}/{kind}" if prefix is None else prefix
    arguments = ["--correlation_id", correlation_id, "--s3_prefix", where, "--snapshot_type", kind, "--export_date", day]
    return json.dumps({"additional_step_args": {"submit-job": arguments}})


def enveloped(body: str) -> str:
    """The same as SNS puts it on a queue, where raw delivery is off."""
    return json.dumps({"Type": "Notification", "MessageId": str(uuid.uuid4()), "TopicArn": "arn:aws:sns:x", "Message": body})


def start(instance: DagsterInstance, asked: RunRequest, status: DagsterRunStatus = DagsterRunStatus.STARTED) -> DagsterRun:
    """Pretends that Dagster started a run that was asked for, and how far it is."""
    tags = dict(asked.tags) | ({"dagster/partition": asked.partition_key} if asked.partition_key else {})
    return started(instance, asked.asset_selection or (), tags, status)


def started(
    instance: DagsterInstance,
    keys: Iterable[AssetKey],
    tags: dict[str, str],
    status: DagsterRunStatus = DagsterRunStatus.STARTED,
) -> DagsterRun:
    from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin

    repository = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("here"), "__repository__")
    run = DagsterRun(
        job_name="__ASSET_JOB",
        run_id=str(uuid.uuid4()),
        tags=tags,
        asset_selection=frozenset(keys),
        status=status if status is DagsterRunStatus.QUEUED else DagsterRunStatus.NOT_STARTED,
        remote_job_origin=RemoteJobOrigin(repository, "__ASSET_JOB"),
    )
    instance.add_run(run)
    move(instance, run, status)
    return run


def move(instance: DagsterInstance, run: DagsterRun, status: DagsterRunStatus) -> None:
    """Pretends that a run came to a status."""
    from dagster._core.events import DagsterEvent, DagsterEventType

    events = {
        DagsterRunStatus.STARTED: DagsterEventType.RUN_START,
        DagsterRunStatus.SUCCESS: DagsterEventType.RUN_SUCCESS,
        DagsterRunStatus.FAILURE: DagsterEventType.RUN_FAILURE,
        DagsterRunStatus.CANCELED: DagsterEventType.RUN_CANCELED,
    }
    if status in events:
        event = DagsterEvent(event_type_value=events[status].value, job_name=run.job_name, message="")
        instance.report_dagster_event(event, run_id=run.run_id)


def put_export(
    store: ObjectStore, day: str, *, kind: str = "full", topic: str = "db.core.statement", body: bytes = b"x"
) -> None:
    """Writes one data file and its manifest."""
    store.put(f"memory://input/ucdata/{day}/{kind}/{topic}-000-000-000001.txt.gz.enc", body)
    store.put(f"memory://manifests/manifests/{day}/{kind}/{topic}-000-000-000001.csv", b"")


def key(name: str) -> AssetKey:
    """The asset key of a collection of the full exports."""
    return AssetKey(["adg_full", *name.split("/")])


def names(asked: RunRequest) -> frozenset[str]:
    """The collections of a run that was asked for."""
    return frozenset("/".join(each.path[1:]) for each in asked.asset_selection or ())


def days(asked: RunRequest) -> tuple[str, str]:
    """The first and last day of a run that was asked for."""
    if asked.partition_key:
        return asked.partition_key, asked.partition_key
    return asked.tags["dagster/asset_partition_range_start"], asked.tags["dagster/asset_partition_range_end"]


def on(day: str) -> date:
    return date.fromisoformat(day)
