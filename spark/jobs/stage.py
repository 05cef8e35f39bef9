"""The task of the flat stage: fetch, decrypt, inflate, decode, write Parquet, for shards of any collections and days.

Runs on the executors. Bad data becomes a finding of its file; the task goes on with the next file and never fails the
stage. A day's findings as a whole are judged in `audit`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from spark.contract import DataFile, ExportCollection, Finding, SourceObject
from spark.decode.documents import DecodedChunk, decode_file
from spark.errors import DataworksError
from spark.jobs.ahead import read_ahead
from spark.jobs.identities import FileIds, SliceLog, reconcile_file
from spark.jobs.outcome import FileOutcome, ShardOutcome
from spark.jobs.packing import Shard
from spark.jobs.unlock import finding_of
from spark.jobs.writers import ShardWriters, StageSettings
from spark.sources.keys import FileKey


@dataclass(frozen=True)
class ShardTask:
    """A shard with all that its task needs: the collection, the attempt and the files' keys by address.

    `locked` are the files whose key could not be obtained, with the reason.
    """

    shard: Shard
    collection: ExportCollection
    attempt: str
    keys: dict[str, FileKey]
    locked: dict[str, Finding] = field(default_factory=dict)


def stage_bin(settings: StageSettings, tasks: Sequence[ShardTask]) -> list[ShardOutcome]:
    """Reads and writes the shards of one task, one after another."""
    return [stage_shard(settings, task) for task in tasks]


def stage_shard(settings: StageSettings, task: ShardTask) -> ShardOutcome:
    """Reads a shard's files and writes the rows of each of its collection's tables, and quarantined lines.

    A failed write becomes a finding of the collection's day; other days go on, including those of this task.
    """
    started = time.monotonic()
    try:
        outcome = _stage(settings, task)
    except DataworksError as error:
        outcome = ShardOutcome(
            collection=task.shard.collection,
            export_date=task.shard.export_date,
            number=task.shard.number,
            tables=tuple(() for _ in task.collection.tables),
            files=tuple(FileOutcome(uri=file.source.uri, input_bytes=0) for file in task.shard.files),
            findings=(finding_of(error, object_uri=error.where, check="write"),),
        )
    return replace(outcome, seconds=time.monotonic() - started)


def _stage(settings: StageSettings, task: ShardTask) -> ShardOutcome:
    shard = task.shard
    slices = SliceLog(task.collection, shard.spread)
    with ShardWriters(settings, task.collection, shard, attempt=task.attempt) as writers:
        files = tuple(_read_file(settings, task, file, writers, slices) for file in shard.files)
        findings = slices.repeated()
        spread = slices.leave_spread(settings.store, writers.audit_uri)
        tables, quarantine = writers.close()
    return ShardOutcome(
        collection=shard.collection,
        export_date=shard.export_date,
        number=shard.number,
        tables=tables,
        quarantine=quarantine,
        files=files,
        findings=findings,
        spread_ids=spread,
        preview=writers.preview,
        ids_seconds=slices.seconds,
    )


def _read_file(
    settings: StageSettings, task: ShardTask, file: DataFile, writers: ShardWriters, slices: SliceLog
) -> FileOutcome:
    """Reads one file; input errors end up in the outcome, write errors are raised."""
    source = file.source
    if source.uri in task.locked:
        return FileOutcome(uri=source.uri, input_bytes=0, findings=(task.locked[source.uri],))
    read = FileIds(source.uri)
    findings: tuple[Finding, ...] = ()
    chunks = _chunks(settings, task, source)
    while True:
        try:
            chunk = next(chunks, None)
        except DataworksError as error:
            findings = (finding_of(error, object_uri=source.uri),)
            break
        if chunk is None:
            with slices.timed():
                findings = reconcile_file(settings.store, file, read, has_ids=task.collection.id_path is not None)
                slices.add(file, read)
            break
        read.add(chunk)
        writers.write(source.uri, chunk)
    return FileOutcome(
        uri=source.uri,
        input_bytes=source.size_bytes,
        decoded_bytes=read.decoded_bytes,
        lines=read.documents,
        quarantined=read.quarantined,
        first_quarantined=read.first_quarantined,
        first_cause=read.first_cause,
        manifest_lines=read.manifest_lines,
        ids_compared=len(read.log.hashes) if file.manifest and task.collection.id_path is not None else 0,
        notes=tuple(read.notes),
        findings=findings,
    )


def _chunks(settings: StageSettings, task: ShardTask, source: SourceObject) -> Iterator[DecodedChunk]:
    secret = task.keys[source.uri]
    body = read_ahead(settings.store.stream(source.uri, etag=source.etag))
    return decode_file(body, key=secret.key, iv=secret.iv, collection=task.collection, uri=source.uri)
