"""Where a shard's rows go: a Parquet writer for each of its collection's tables, and one for what was no row."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import pyarrow as pa
from obstore.exceptions import BaseError

from spark.contract import Collection, WrittenFile
from spark.decode.documents import DecodedChunk, schema_of
from spark.errors import DataworksError, StoreError
from spark.jobs.packing import Shard
from spark.publish.manifest import partition_uri
from spark.publish.parquet import TableWriter
from spark.publish.tables import quarantine_name
from spark.store import ObjectStore

QUARANTINE_SCHEMA = pa.schema([("file", pa.string()), ("line", pa.int64()), ("reason", pa.string()), ("raw", pa.binary())])
_PREVIEW_ROWS = 5
_PREVIEW_CHARACTERS = 120


@dataclass(frozen=True)
class StageSettings:
    """How every task of an application writes."""

    store: ObjectStore
    output_uri: str
    target_file_bytes: int
    timestamps: str


def table_location(settings: StageSettings, shard: Shard, *, database: str, table: str, attempt: str) -> str:
    """Returns the folder of one table's attempt at a day; no table points at it before it is published."""
    return f"{partition_uri(settings.output_uri, shard.export_date, database=database, table=table)}/{attempt}"


class ShardWriters:
    """Writes a shard's chunks. Every task has file names of its own, so a task that Spark repeats overwrites nothing.

    Attributes:
        preview: the first rows of the main table, where the collection may be shown.
        audit_uri: a folder beside the main table's files for what only the audit reads.
    """

    def __init__(self, settings: StageSettings, collection: Collection, shard: Shard, *, attempt: str) -> None:
        self._settings = settings
        self._collection = collection
        self._shard = shard
        self._attempt = attempt
        self._stem = f"part-{shard.number:05d}-{uuid.uuid4().hex[:8]}"
        self._tables = [self._writer(table.database, table.name, schema_of(table), table.tags) for table in collection.tables]
        self._quarantine: TableWriter | None = None
        self.preview: tuple[dict[str, str | None], ...] = ()
        main = collection.tables[0]
        location = table_location(settings, shard, database=main.database, table=main.name, attempt=attempt)
        self.audit_uri = f"{location}/_audit"

    def _writer(self, database: str, table: str, schema: pa.Schema, tags: dict[str, str]) -> TableWriter:
        return TableWriter(
            self._settings.store,
            table_location(self._settings, self._shard, database=database, table=table, attempt=self._attempt),
            schema=schema,
            tags=tags,
            target_file_bytes=self._settings.target_file_bytes,
            timestamps=self._settings.timestamps,
            name_stem=self._stem,
        )

    def write(self, file_uri: str, chunk: DecodedChunk) -> None:
        """Adds a chunk's rows to each table, and its lines that are none to the quarantine."""
        for writer, batch in zip(self._tables, chunk.tables, strict=True):
            with _writing(writer):
                writer.write(batch)
        if self._collection.preview and not self.preview and chunk.tables[0].num_rows:
            self.preview = _preview(chunk.tables[0])
        if chunk.quarantined:
            self._write_quarantined(file_uri, chunk)

    def _write_quarantined(self, file_uri: str, chunk: DecodedChunk) -> None:
        if self._quarantine is None:
            main = self._collection.tables[0]
            self._quarantine = self._writer(main.database, quarantine_name(main), QUARANTINE_SCHEMA, main.tags)
        lines = chunk.quarantined
        columns = [
            pa.array([file_uri] * len(lines), pa.string()),
            pa.array([line.line_number for line in lines], pa.int64()),
            pa.array([line.reason for line in lines], pa.string()),
            pa.array([line.raw for line in lines], pa.binary()),
        ]
        with _writing(self._quarantine):
            self._quarantine.write(pa.RecordBatch.from_arrays(columns, schema=QUARANTINE_SCHEMA))

    def close(self) -> tuple[tuple[tuple[WrittenFile, ...], ...], tuple[WrittenFile, ...]]:
        """Returns the files of each table, in the collection's order, and those of the quarantine.

        A day's first shard keeps a file even without rows, so that an empty day has a partition with a file in it.
        """
        tables = tuple(_closed(writer, keep_empty=self._shard.number == 0) for writer in self._tables)
        return tables, _closed(self._quarantine) if self._quarantine else ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is not None:
            for writer in (*self._tables, *([self._quarantine] if self._quarantine else [])):
                with suppress(DataworksError):  # what is left of the attempt is garbage, and collected as such
                    writer.abort()


@contextmanager
def _writing(writer: TableWriter) -> Iterator[None]:
    """Turns what a streaming writer raises into the platform's error: it comes from the store's library as it is."""
    try:
        yield
    except (BaseError, OSError) as error:
        what = f"the table's files cannot be written: {str(error).strip().splitlines()[0].rstrip('.')}"
        remedy = "Look at the object store and at this role's right to write and tag there, then run again"
        raise StoreError(what, where=writer.prefix_uri, remedy=remedy) from error


def _closed(writer: TableWriter, *, keep_empty: bool = False) -> tuple[WrittenFile, ...]:
    with _writing(writer):
        return writer.close(keep_empty=keep_empty)


def _preview(batch: pa.RecordBatch) -> tuple[dict[str, str | None], ...]:
    rows = batch.slice(0, _PREVIEW_ROWS).to_pylist()
    return tuple({name: _shown(value) for name, value in row.items()} for row in rows)


def _shown(value: object) -> str | None:
    text = None if value is None else str(value)
    return text if text is None or len(text) <= _PREVIEW_CHARACTERS else f"{text[:_PREVIEW_CHARACTERS]}…"
