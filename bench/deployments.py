"""Deployments of the bench's own on its stack: as the packaged ones, with collections of its own."""

from __future__ import annotations

import io
import os
from dataclasses import replace
from datetime import date
from pathlib import Path

import yaml
from rich.console import Console

from bench.place import Place
from dataworks_assets.cli.workplace import Workplace
from dataworks_assets.config.files import PACKAGED
from dataworks_assets.config.naming import SnapshotType
from dataworks_assets.stack.sample.bench import BenchRequest, write_bench_export
from dataworks_assets.stack.sample.wire import Destination
from spark.publish.parallel import in_parallel

SMALL = BenchRequest(files=2, file_bytes=20_000)
"""What a day of one collection holds."""


def configure(folder: Path, name: str, *, first_day: date, like: str = "local") -> Workplace:
    """Writes a deployment on the embedded stack, makes it this process' own, and returns it, not opened yet.

    Args:
        folder: of configuration.
        name: the deployment's.
        first_day: the first that its exports may have.
        like: the packaged deployment that it is as.
    """
    deployment = yaml.safe_load((PACKAGED / "deployments" / f"{like}.yaml").read_text(encoding="utf-8"))
    deployment |= {"name": name, "collections": {"files": []}}
    deployment["exports"] |= {"first_day": first_day}
    _write(folder / "deployments" / f"{name}.yaml", deployment)
    os.environ["DATAWORKS_CONFIG"] = str(folder)
    os.environ["DATAWORKS_DEPLOYMENT"] = name
    return Workplace(name, notes=Console(file=io.StringIO()))


def add_collections(folder: Path, count: int, *, database: str = "bench") -> None:
    """Gives the deployments of a folder so many full collections, of one database of the source."""
    entries = {f"db.{database}.c{number:04d}": {"tags": {"pii": "true", "db": database}} for number in range(count)}
    content = {"defaults": {"snapshot_types": ["full"]}, "collections": entries}
    _write(folder / "collections" / "bench.yaml", content)


def write_day(place: Place, workplace: Workplace, day: date) -> None:
    """Writes one day of every collection, two small files each."""
    scope = workplace.scope(SnapshotType.FULL)
    key = place.key_service().new_key()

    def write(name: str) -> None:
        scoped = scope.collections[name]
        source = scope.place_of(scoped, day)
        destination = Destination(place.store, source.data_uri, source.manifest_uri or "")
        write_bench_export(destination, key, replace(SMALL, topic=scoped.job.topic))

    in_parallel(write, list(scope.collections))


def _write(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
