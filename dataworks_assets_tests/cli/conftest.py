"""A workplace in memory for commands: a store and a catalog of its own, an export that is only names, runs that publish."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from dataworks_assets.cli.main import app
from dataworks_assets.cli.workplace import Workplace
from dataworks_assets.config.environment import Environment
from dataworks_assets.config.loader import load_settings
from dataworks_assets.config.naming import SnapshotType
from dataworks_assets.config.services import CatalogConfig, KeyServiceConfig, StoreConfig
from dataworks_assets.systems.platform import Platform
from dataworks_assets.systems.refusals import record_refusal
from dataworks_assets_tests.spark.publish.world import Lake
from spark.contract import Finding, PartitionResult, PartitionState

DAY = "2026-11-20"


@dataclass
class Bench:
    """Runs commands on a workplace and shows what they wrote."""

    workplace: Workplace
    lake: Lake

    def __call__(self, *arguments: str, exit_code: int = 0) -> str:
        result = CliRunner().invoke(app, arguments, obj=self.workplace, catch_exceptions=exit_code == 2)
        assert result.exit_code == exit_code, result.output
        return result.output

    def json(self, *arguments: str):
        result = CliRunner().invoke(app, [*arguments, "--json"], obj=self.workplace, catch_exceptions=False)
        return json.loads(result.stdout)

    def scope(self, snapshot_type: str = "full"):
        return self.workplace.scope(SnapshotType(snapshot_type))

    def collection(self, name: str, snapshot_type: str = "full"):
        return self.scope(snapshot_type).collections[name]

    def export(self, name: str, day: str = DAY, *, snapshot_type: str = "full", batches: int = 1) -> None:
        """Puts files of a collection's export; nobody opens them."""
        topic = self.collection(name, snapshot_type).job.topic
        for batch in range(1, batches + 1):
            base = f"{topic}-000-256-{batch:06d}"
            for bucket, folder, ending in (("input", "ucdata", "txt.gz.enc"), ("manifests", "manifests", "csv")):
                uri = f"memory://dataworks-{bucket}/businessdata/mongo/{folder}/{day}/{snapshot_type}/{base}.{ending}"
                self.lake.store.put(uri, b"x" * 1000)

    def publish(self, name: str, *days: str, snapshot_type: str = "full", rows: int = 2, inputs: str = "f1"):
        """Publishes days of a collection and returns the attempt of the first."""
        run = self.lake.run("run-0001-of-the-tests")
        job = self.collection(name, snapshot_type).job
        return run.publish(job, *days, rows=rows, inputs=inputs)[0].pointers[0].pointer.attempt

    def refuse(self, name: str, day: str = DAY, *, cause: str = "one record too many", fingerprint: str = "f1") -> None:
        """Keeps that a day was refused."""
        finding = Finding(check="manifest", passed=False, object="s3://in/a", cause=cause, remedy="Export it again")
        result = PartitionResult(
            collection=name,
            export_date=day,
            attempt="a",
            state=PartitionState.REFUSED,
            fingerprint=fingerprint,
            config_hash="c",
            findings=(finding,),
        )
        record_refusal(self.lake.store, self.scope(), result, run_id="run-refused", at_utc=datetime.now(UTC).isoformat())


@pytest.fixture
def settings(tmp_path):
    """The local deployment, in memory."""
    loaded = load_settings("local", environment=Environment(home=tmp_path))
    deployment = loaded.deployment.model_copy(
        update={
            "store": StoreConfig(scheme="memory"),
            "catalog": CatalogConfig(uri="thrift://nowhere:1"),
            "key_service": KeyServiceConfig(url="https://nowhere:1"),
            # No service here could write it down, so no run waits for that.
            "ledger": loaded.deployment.ledger.model_copy(update={"patience_seconds": 0.0}),
        }
    )
    return type(loaded)(deployment, loaded.collections, loaded.environment, loaded.files)


@pytest.fixture
def lake():
    return Lake(root_uri="memory://dataworks-output")


@pytest.fixture
def workplace(settings, lake, tmp_path, monkeypatch):
    monkeypatch.setenv("DATAWORKS_HOME", str(tmp_path))
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.setattr(Platform, "caller_identity", lambda _: "arn:aws:iam::1:role/operator")
    made = Workplace()
    made.settings = settings
    made.platform = Platform(settings)
    made.platform.store = lake.store
    made.platform.catalog = lake.catalog
    return made


@pytest.fixture
def bench(workplace, lake):
    return Bench(workplace, lake)
