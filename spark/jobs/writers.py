"""Writes a shard's rows: a Parquet writer for each of its collection's tables, and one for the quarantine."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

import pyarrow as pa
from obstore.exceptions import BaseError

from spark.contract import Collection, OutputTable, WrittenFile
from spark.decode.documents import schema_of
from spark.decode.lines import QuarantinedLine
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


class Rows(Protocol):
    """A decoder's output: a batch for each of the collection's tables, in their order, and quarantined lines."""

    @property
    def tables(self) -> tuple[pa.RecordBatch, ...]:
        """The batches."""

    @property
    def quarantined(self) -> list[QuarantinedLine]:
        """The lines that are no row."""


def table_location(settings: StageSettings, export_date: str, table: OutputTable, *, attempt: str, name: str = "") -> str:
    """Returns the folder of an attempt at a day of a table, or of the table `name` beside it.

    The catalog does not point at it before it is published.
    """
    day_uri = partition_uri(
        settings.output_uri, export_date, database=table.database, table=name or table.name, folder=table.folder
    )
    return f"{day_uri}/{attempt}"


class ShardWriters:
    """Writes a shard's chunks. File names are unique to each task, so a task that Spark repeats overwrites nothing.

    Attributes:
        preview: the first rows of the main table, if the collection's data may be shown.
        audit_uri: a folder beside the main table's files for data that only the audit reads.
    """

    def __init__(self, settings: StageSettings, collection: Collection, shard: Shard, *, attempt: str) -> None:
        self._settings = settings
        self._collection = collection
        self._shard = shard
        self._attempt = attempt
        self._stem = f"part-{shard.number:05d}-{uuid.uuid4().hex[:8]}"
        self._tables = [self._writer(table, schema_of(table)) for table in collection.tables]
        self._quarantine: TableWriter | None = None
        self.preview: tuple[dict[str, str | None], ...] = ()
        self.audit_uri = f"{table_location(settings, shard.export_date, collection.tables[0], attempt=attempt)}/_audit"

    def _writer(self, table: OutputTable, schema: pa.Schema, *, name: str = "") -> TableWriter:
        return TableWriter(
            self._settings.store,
            table_location(self._settings, self._shard.export_date, table, attempt=self._attempt, name=name),
            schema=schema,
            tags=table.tags,
            target_file_bytes=self._settings.target_file_bytes,
            timestamps=self._settings.timestamps,
            name_stem=self._stem,
        )

    def write(self, file_uri: str, chunk: Rows) -> None:
        """Adds a chunk's rows to each table, and its other lines to the quarantine."""
        for writer, batch in zip(self._tables, chunk.tables, strict=True):
            with _writing(writer):
                writer.write(batch)
        if self._collection.preview and not self.preview and chunk.tables[0].num_rows:
            self.preview = _preview(chunk.tables[0])
        if chunk.quarantined:
            self._write_quarantined(file_uri, chunk)

    def _write_quarantined(self, file_uri: str, chunk: Rows) -> None:
        if self._quarantine is None:
            main = self._collection.tables[0]
            self._quarantine = self._writer(main, QUARANTINE_SCHEMA, name=quarantine_name(main))
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

        A day's first shard writes a file even without rows, so that an empty day's partition has a file.
        """
        tables = tuple(_closed(writer, keep_empty=self._shard.number == 0) for writer in self._tables)
        return tables, _closed(self._quarantine) if self._quarantine else ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is not None:
            for writer in (*self._tables, *([self._quarantine] if self._quarantine else [])):
                with suppress(DataworksError):  # the rest of the attempt is left to the garbage collection
                    writer.abort()


@contextmanager
def _writing(writer: TableWriter) -> Iterator[None]:
    """Turns errors of a streaming writer, which come straight from the store's library, into the platform's."""
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
