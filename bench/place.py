"""Where the bench runs: an embedded stack of its own, exports in it, Spark sessions over it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from dataworks_assets.engines.properties import JAVA_OPTIONS, PROJECT_FOLDER, common_properties, local_properties
from dataworks_assets.stack import lifecycle
from dataworks_assets.stack.sample.bench import BenchRequest, write_bench_export
from dataworks_assets.stack.sample.wire import Destination
from dataworks_assets.stack.state import INPUT_BUCKET, MANIFEST_BUCKET, OUTPUT_BUCKET, StackState, default_home
from spark.contract import CatalogSettings, DataFile, KeyServiceSettings, StoreSettings
from spark.sources.keys import KeyService
from spark.sources.listing import list_export
from spark.store import ObjectStore, shared_store

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

CORES = 2
OUTPUT_URI = f"s3://{OUTPUT_BUCKET}/bench"
_MEMORY = "2g"


@dataclass(frozen=True)
class Export:
    """An export as it lies in the store; sizes in bytes, `decoded_bytes` of its JSON text."""

    topic: str
    data_uri: str
    manifest_uri: str
    files: tuple[DataFile, ...]
    rows: int
    decoded_bytes: int

    def without_manifests(self) -> Export:
        """The same data files, with nothing to compare their ids to."""
        return replace(self, files=tuple(_without_manifest(file) for file in self.files))


def _without_manifest(file: DataFile) -> DataFile:
    return DataFile(source=file.source, slice_start=file.slice_start, slice_end=file.slice_end, batch=file.batch)


@dataclass(frozen=True)
class Place:
    """A running stack and how its services are reached."""

    state: StackState

    @property
    def store(self) -> ObjectStore:
        """The stack's object store."""
        return shared_store(self.store_settings)

    @property
    def store_settings(self) -> StoreSettings:
        """How jobs reach it."""
        return StoreSettings(endpoint_url=self.state.s3_endpoint, region=self.state.region)

    @property
    def catalog_settings(self) -> CatalogSettings:
        """How jobs reach the metastore."""
        return CatalogSettings(uri=self.state.metastore_uri)

    @property
    def key_service_settings(self) -> KeyServiceSettings:
        """How jobs reach the key service."""
        return KeyServiceSettings(
            url=self.state.key_service_url,
            ca_path=str(self.state.ca_path),
            certificate_path=str(self.state.client_certificate_path),
            private_key_path=str(self.state.client_key_path),
        )

    def key_service(self) -> KeyService:
        """A client of the key service that has asked for nothing yet."""
        return KeyService(self.key_service_settings, correlation_id="bench")

    def write(self, name: str, request: BenchRequest) -> Export:
        """Writes an export under a name of its own and returns it."""
        destination = Destination(self.store, f"s3://{INPUT_BUCKET}/bench/{name}", f"s3://{MANIFEST_BUCKET}/bench/{name}")
        summary = write_bench_export(destination, self.key_service().new_key(), request)
        listing = list_export(self.store, destination.data_uri, destination.manifest_uri, manifest_required=True)
        return Export(
            topic=request.topic,
            data_uri=destination.data_uri,
            manifest_uri=destination.manifest_uri,
            files=listing.files[request.topic],
            rows=summary.rows,
            decoded_bytes=summary.decoded_bytes,
        )

    def remove(self, prefix_uri: str) -> None:
        """Deletes every object below a prefix."""
        self.store.delete([listed.uri for listed in self.store.list(prefix_uri)])

    def remove_export(self, export: Export) -> None:
        """Deletes an export."""
        self.remove(export.data_uri)
        self.remove(export.manifest_uri)


@contextmanager
def open_place(home: Path) -> Iterator[Place]:
    """Starts a stack in a folder, empties its buckets, and ends it when the block does.

    This process and its children then have the stack's addresses and credentials in their environment.
    """
    jars = home / "jars"
    if not jars.exists():
        jars.symlink_to(default_home({}) / "jars")  # fetched once, by the set-up
    state = lifecycle.up(home)
    os.environ.update(state.environment())
    os.environ["PYTHONPATH"] = str(PROJECT_FOLDER)
    os.environ["PYSPARK_PYTHON"] = sys.executable
    try:
        place = Place(state)
        for bucket in (INPUT_BUCKET, MANIFEST_BUCKET, OUTPUT_BUCKET):
            place.remove(f"s3://{bucket}")
        yield place
    finally:
        lifecycle.down(home)


@contextmanager
def open_session(place: Place, *, of_baselines: bool = False) -> Iterator[SparkSession]:
    """Opens a session in `local[2]` with the properties of every production application, with workers of its own.

    Args:
        place: where its services are.
        of_baselines: leave out what makes production's JVM start quickly and work slowly: the baselines work in it.
    """
    from pyspark.sql import SparkSession

    work_folder = place.state.home / "work"
    work_folder.mkdir(exist_ok=True)
    settings: dict[str, bool | float | int | str | None] = {
        **common_properties(memory=_MEMORY),
        **local_properties(),
        **place.state.spark_conf(),
        "spark.local.dir": str(work_folder),
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
    }
    if of_baselines:
        settings.pop(JAVA_OPTIONS)
    session = SparkSession.builder.master(f"local[{CORES}]").appName("bench").config(map=settings).getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    try:
        yield session
    finally:
        session.stop()
