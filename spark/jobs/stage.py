"""The task of the flat stage: fetch, decrypt, inflate, decode, write Parquet, for shards of any collections and days.

Runs on the executors. Bad data becomes a finding of its file; the task goes on with the next one and never fails the
stage. What a whole day's evidence amounts to is judged in `audit`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from spark.contract import Collection, DataFile, Finding
from spark.decode.documents import decode_file
from spark.errors import DataworksError
from spark.jobs.identities import FileIds, SliceLog, reconcile_file
from spark.jobs.outcome import FileOutcome, ShardOutcome
from spark.jobs.packing import Shard
from spark.jobs.unlock import finding_of
from spark.jobs.writers import ShardWriters, StageSettings
from spark.sources.keys import FileKey


@dataclass(frozen=True)
class ShardTask:
    """A shard with all that its task needs: the collection, the attempt and the files' keys by address.

    `locked` are the files whose key could not be had, with why.
    """

    shard: Shard
    collection: Collection
    attempt: str
    keys: dict[str, FileKey]
    locked: dict[str, Finding] = field(default_factory=dict)


def stage_bin(settings: StageSettings, tasks: Sequence[ShardTask]) -> list[ShardOutcome]:
    """Reads and writes the shards of one task, one after another."""
    return [stage_shard(settings, task) for task in tasks]


def stage_shard(settings: StageSettings, task: ShardTask) -> ShardOutcome:
    """Reads a shard's files and writes the rows of each of its collection's tables, and what was no row."""
    started = time.monotonic()
    shard = task.shard
    slices = SliceLog(task.collection, shard.spread)
    with ShardWriters(settings, task.collection, shard, attempt=task.attempt) as writers:
        files = tuple(_read_file(settings, task, file, writers, slices) for file in shard.files)
        tables, quarantine = writers.close()
    findings = slices.repeated()
    spread = slices.leave_spread(settings.store, writers.audit_uri)
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
        seconds=time.monotonic() - started,
        ids_seconds=slices.seconds,
    )


def _read_file(
    settings: StageSettings, task: ShardTask, file: DataFile, writers: ShardWriters, slices: SliceLog
) -> FileOutcome:
    source = file.source
    if source.uri in task.locked:
        return FileOutcome(uri=source.uri, input_bytes=0, findings=(task.locked[source.uri],))
    read = FileIds(source.uri)
    secret = task.keys[source.uri]
    findings: tuple[Finding, ...] = ()
    try:
        body = settings.store.stream(source.uri, etag=source.etag)
        for chunk in decode_file(body, key=secret.key, iv=secret.iv, collection=task.collection, uri=source.uri):
            read.add(chunk)
            writers.write(source.uri, chunk)
    except DataworksError as error:
        findings = (finding_of(error, object_uri=source.uri),)
    else:
        with slices.timed():
            findings = reconcile_file(settings.store, file, read, has_ids=task.collection.id_path is not None)
            slices.add(file, read)
    return FileOutcome(
        uri=source.uri,
        input_bytes=source.size_bytes,
        decoded_bytes=read.decoded_bytes,
        lines=read.documents,
        quarantined=read.quarantined,
        manifest_lines=read.manifest_lines,
        ids_compared=len(read.log.hashes) if file.manifest and task.collection.id_path is not None else 0,
        notes=tuple(read.notes),
        findings=findings,
    )
