"""The tasks over partner files: determining their columns, then reading, casting and writing their rows.

Runs on the executors. Bad data becomes a finding of its file; the task goes on with the next file and never fails the stage.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pyarrow as pa

from spark.contract import DataFile, Finding, PartnerCollection
from spark.decode.lines import QuarantinedLine
from spark.decode.partner.batches import SourceField
from spark.decode.partner.kinds import Kind, merged
from spark.decode.partner.names import column_names
from spark.decode.partner.reading import OpenBody, infer_kinds, read_fields, read_rows
from spark.decode.partner.rows import Misfits, RowMaker
from spark.decode.stream import decrypt
from spark.errors import DataworksError
from spark.jobs.ahead import read_ahead
from spark.jobs.outcome import FileOutcome, ShardOutcome, failed
from spark.jobs.packing import Shard
from spark.jobs.unlock import finding_of
from spark.jobs.writers import ShardWriters, StageSettings
from spark.sources.keys import FileKey
from spark.store import ObjectStore

if TYPE_CHECKING:
    from typing_extensions import Buffer

_LOOK_BYTES = 64 * 1024


@dataclass(frozen=True)
class PartnerSettings:
    """How every task of an application reads and writes; `source` is the partner's store."""

    stage: StageSettings
    source: ObjectStore


@dataclass(frozen=True)
class LookTask:
    """A file whose columns are to be determined. Types of `known` columns need not be inferred; `key` None: not encrypted."""

    file: DataFile
    collection: PartnerCollection
    known: frozenset[str]
    key: FileKey | None = None


@dataclass(frozen=True)
class FileLook:
    """What a file holds: its fields, the column of each, the kinds of unknown columns; or why it cannot be read."""

    uri: str
    fields: tuple[SourceField, ...] = ()
    names: dict[str, str] = field(default_factory=dict)
    kinds: dict[str, Kind] = field(default_factory=dict)
    finding: Finding | None = None


@dataclass(frozen=True)
class PartnerTask:
    """A shard of readable files. The collection's table has the day's columns; `keys` are by file address."""

    shard: Shard
    collection: PartnerCollection
    attempt: str
    looks: dict[str, FileLook]
    keys: dict[str, FileKey]


def look_at_bin(settings: PartnerSettings, tasks: Sequence[LookTask]) -> list[FileLook]:
    """Inspects the files of one task, one after another."""
    return [look_at(settings, task) for task in tasks]


def look_at(settings: PartnerSettings, task: LookTask) -> FileLook:
    """Returns what a file holds; reads all of it only if a column is not known."""
    uri, style = task.file.source.uri, task.collection.format
    body = _opener(settings, task.file, task.key)
    try:
        fields = read_fields(_beginning(settings, task.file, task.key), style, uri=uri)
        names = column_names([each.name for each in fields], style=style, uri=uri)
        new = [source for source, column in names.items() if column not in task.known]
        kinds = infer_kinds(read_rows(body, style, fields, uri=uri), new) if new else {}
    except DataworksError as error:
        return FileLook(uri, finding=finding_of(error, object_uri=uri))
    return FileLook(uri, fields, names, {names[source]: kind for source, kind in kinds.items()}, _pii(task, fields))


def stage_partner_bin(settings: PartnerSettings, tasks: Sequence[PartnerTask]) -> list[ShardOutcome]:
    """Reads and writes the shards of one task, one after another."""
    return [stage_partner_shard(settings, task) for task in tasks]


def stage_partner_shard(settings: PartnerSettings, task: PartnerTask) -> ShardOutcome:
    """Reads a shard's files and writes rows and quarantined lines; a failed write becomes a finding of the day."""
    started = time.monotonic()
    try:
        outcome = _stage(settings, task)
    except DataworksError as error:
        outcome = ShardOutcome(
            collection=task.shard.collection,
            export_date=task.shard.export_date,
            number=task.shard.number,
            tables=((),),
            files=tuple(FileOutcome(uri=file.source.uri, input_bytes=0) for file in task.shard.files),
            findings=(finding_of(error, object_uri=error.where, check="write"),),
        )
    return replace(outcome, seconds=time.monotonic() - started)


def _stage(settings: PartnerSettings, task: PartnerTask) -> ShardOutcome:
    shard = task.shard
    misfits: dict[str, Misfits] = {}
    with ShardWriters(settings.stage, task.collection, shard, attempt=task.attempt) as writers:
        files = tuple(_read_file(settings, task, file, writers, misfits) for file in shard.files)
        tables, quarantine = writers.close()
    return ShardOutcome(
        collection=shard.collection,
        export_date=shard.export_date,
        number=shard.number,
        tables=tables,
        quarantine=quarantine,
        files=files,
        misfits=misfits,
        preview=writers.preview,
    )


@dataclass(frozen=True)
class _Chunk:
    tables: tuple[pa.RecordBatch, ...]
    quarantined: list[QuarantinedLine]


def _read_file(
    settings: PartnerSettings, task: PartnerTask, file: DataFile, writers: ShardWriters, misfits: dict[str, Misfits]
) -> FileOutcome:
    """Reads one file; input errors end up in the outcome, write errors are raised."""
    uri = file.source.uri
    look = task.looks[uri]
    make = RowMaker(task.collection.tables[0].columns, look.names)
    counts: Counter[str] = Counter()
    first_quarantined = 0
    findings: tuple[Finding, ...] = ()
    batches = read_rows(_opener(settings, file, task.keys.get(uri)), task.collection.format, look.fields, uri=uri)
    while True:
        try:
            batch = next(batches, None)
        except DataworksError as error:
            findings = (finding_of(error, object_uri=uri),)
            break
        if batch is None:
            break
        rows, wrong = make.rows(batch)
        writers.write(uri, _Chunk((rows,), batch.quarantined))
        add_misfits(misfits, wrong)
        counts.update(rows=batch.rows, quarantined=len(batch.quarantined), decoded=batch.decoded_bytes)
        first_quarantined = first_quarantined or (batch.quarantined[0].line_number if batch.quarantined else 0)
    return FileOutcome(
        uri=uri,
        input_bytes=file.source.size_bytes,
        decoded_bytes=counts["decoded"],
        lines=counts["rows"] + counts["quarantined"],
        quarantined=counts["quarantined"],
        first_quarantined=first_quarantined,
        findings=findings,
    )


def add_misfits(known: dict[str, Misfits], more: dict[str, Misfits]) -> None:
    """Adds the counts of values that did not cast, column by column."""
    for name, misfit in more.items():
        before = known.get(name, Misfits(0, 0, Kind.NOTHING))
        kind = merged((before.kind, misfit.kind))
        known[name] = Misfits(before.count + misfit.count, before.values + misfit.values, kind)


def _opener(settings: PartnerSettings, file: DataFile, key: FileKey | None) -> OpenBody:
    return lambda: _text(read_ahead(settings.source.stream(file.source.uri, etag=file.source.etag)), file, key)


def _beginning(settings: PartnerSettings, file: DataFile, key: FileKey | None) -> OpenBody:
    """Opens an object of which only the beginning will be read: in small pieces, without read-ahead."""
    return lambda: _text(settings.source.stream(file.source.uri, etag=file.source.etag, chunk_bytes=_LOOK_BYTES), file, key)


def _text(body: Iterable[Buffer], file: DataFile, key: FileKey | None) -> Iterable[Buffer]:
    return body if key is None else decrypt(body, key=key.key, iv=key.iv, uri=file.source.uri)


def _pii(task: LookTask, fields: Iterable[SourceField]) -> Finding | None:
    """A field marked PII in a collection not configured as PII: people without the right to it could read its data."""
    marked = [each.name for each in fields if each.pii]
    if not marked or task.collection.pii:
        return None
    return failed(
        "pii",
        object_uri=task.file.source.uri,
        place=f"field {marked[0]}",
        cause=f"{len(marked)} fields are marked PII, but the collection is configured as holding none",
        remedy=f"Configure {task.collection.name} with `pii: true`; its table then moves to the PII folder",
    )
