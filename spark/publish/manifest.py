"""The manifest of an attempt: exactly which files make up a table's day, from which inputs. Immutable, beside the files.

Also where attempts lie and whether their files still exist. Only the catalog says what is published.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

import msgspec

from spark.contract import DAY_FOLDER, Document, SourceObject, TableResult, decode, encode
from spark.errors import ConflictError
from spark.publish.catalog import Pointer, TableColumn
from spark.publish.lease import TablePointer
from spark.publish.parallel import in_parallel
from spark.store import Listed, ObjectStore

MANIFEST_NAME = "_manifest.json"
_HIDDEN = re.compile(r"/[_.]")


class AttemptManifest(Document, frozen=True):
    """One table's day in one attempt. `pointers` are those of all tables that show the attempt together."""

    system: str
    collection: str
    snapshot_type: str
    export_date: str
    attempt: str
    epoch: int
    run_id: str
    fingerprint: str
    config_hash: str
    table: TableResult
    pointers: tuple[TablePointer, ...]
    inputs: tuple[SourceObject, ...]
    columns: tuple[TableColumn, ...]
    tags: dict[str, str]
    quarantine: TableResult | None = None
    written_utc: str = ""
    version: int = 1


def partition_uri(output_uri: str, export_date: str, *, database: str, table: str, folder: str = DAY_FOLDER) -> str:
    """Returns the folder of all attempts of a table's day; `folder` as `OutputTable.folder` has it."""
    return f"{output_uri}/{folder.format(date=export_date, database=database, table=table)}"


def manifest_uri(location: str) -> str:
    """Returns where the manifest of the attempt at this location lies."""
    return f"{location}/{MANIFEST_NAME}"


def tags_hash(*tables: dict[str, str]) -> str:
    """Returns a hash of the tags of a collection's tables."""
    return hashlib.sha256(msgspec.json.encode([sorted(tags.items()) for tags in tables])).hexdigest()[:16]


def write_manifest(store: ObjectStore, manifest: AttemptManifest) -> None:
    """Writes the manifest beside its files, with the table's tags; never overwrites one.

    Raises:
        ConflictError: the attempt already has a different manifest.
    """
    uri = manifest_uri(manifest.table.location)
    try:
        store.put(uri, encode(manifest), tags=manifest.tags, create=True)
    except ConflictError:
        there = read_manifest(store, manifest.table.location)
        if (there.attempt, there.fingerprint, there.table) != (manifest.attempt, manifest.fingerprint, manifest.table):
            raise


def read_manifest(store: ObjectStore, location: str) -> AttemptManifest:
    """Returns the manifest of the attempt at this location.

    Raises:
        NotFoundError: the attempt has none: it was never audited.
        ConfigurationError: it is not a manifest of this version.
    """
    uri = manifest_uri(location)
    return decode(store.read(uri), AttemptManifest, where=uri)


def list_attempts(store: ObjectStore, day_uri: str) -> list[AttemptManifest]:
    """Returns the attempts of a table's day that have a manifest, oldest first; `day_uri` as of `partition_uri`."""
    found = (item.uri for item in store.list(day_uri) if item.uri.endswith("/" + MANIFEST_NAME))
    manifests = [read_manifest(store, uri.rpartition("/")[0]) for uri in found]
    return sorted(manifests, key=lambda manifest: (manifest.written_utc, manifest.epoch, manifest.attempt))


def missing_files(store: ObjectStore, manifest: AttemptManifest) -> list[str]:
    """Returns the URIs of the manifest's files that are missing or were replaced."""
    there = {item.uri: item.size_bytes for item in store.list(manifest.table.location)}
    return [file.uri for file in manifest.table.files if there.get(file.uri) != file.size_bytes]


def intact_many(store: ObjectStore, pointers: Iterable[Pointer]) -> dict[str, bool]:
    """Returns, by location, whether all files that a pointer counts still exist; one listing each, reads no data."""
    wanted = {pointer.location: pointer for pointer in pointers}

    def intact(pointer: Pointer) -> bool:
        files = list(data_files(store.list(pointer.location)))
        return (len(files), sum(file.size_bytes for file in files)) == (pointer.files, pointer.size_bytes)

    return dict(zip(wanted, in_parallel(intact, list(wanted.values())), strict=True))


def data_files(listed: Iterable[Listed]) -> Iterable[Listed]:
    """Yields the objects that readers of the table see: no name or folder that begins with `_` or a dot."""
    return (item for item in listed if not _HIDDEN.search(item.uri.partition("://")[2]))
