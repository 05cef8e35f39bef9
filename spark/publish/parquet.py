"""Parquet files of one table, streamed to the object store; a new file is begun at a target size.

Each object is created and tagged in the same request, under a prefix that no reader uses yet. Which files make up a
partition, and who may read them, is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from spark.contract import WrittenFile
from spark.errors import ConfigurationError
from spark.store import ObjectStore

if TYPE_CHECKING:
    from obstore import WritableFile
    from typing_extensions import Buffer

ROW_GROUP_BYTES = 64 << 20
"""Arrow bytes in a row group, which is what a writer holds in memory and a reader decodes at once."""

_SAMPLE = 4_096
_LEAST_STRINGS = 256
_DICTIONARY_SHARE = 0.25
"""Strings are dictionary-encoded if the estimated share of distinct ones is at most this."""

_LONG_TEXT_BYTES = 256
"""A string column with a greater mean length gets no statistics: its bounds would only lengthen the footer."""

_METADATA = {
    # Spark reads dates and timestamps before 1900 as they stand from files of a Spark that never rebased them; without
    # this line it refuses them, unless told otherwise (spark.sql.parquet.*RebaseModeInRead).
    "org.apache.spark.version": "3.5.6",
}


@dataclass
class TableWriter:
    """Writes one table's batches as `<prefix_uri>/<name_stem>-<number>.parquet`.

    Args:
        store: where to.
        prefix_uri: the folder, without a final slash.
        schema: the columns of every batch; a batch may hold a string column as views.
        tags: tags of every object.
        target_file_bytes: compressed bytes after which a new file is begun (at the next row group).
        timestamps: `int96`, which Hive's reader needs, or `int64`.
        name_stem: distinguishes this writer's files from those of others in the folder.
    """

    store: ObjectStore
    prefix_uri: str
    schema: pa.Schema = field(kw_only=True)
    tags: dict[str, str] = field(kw_only=True)
    target_file_bytes: int = field(kw_only=True, default=256 << 20)
    timestamps: str = field(kw_only=True, default="int96")
    name_stem: str = field(kw_only=True, default="part")
    row_group_bytes: int = field(kw_only=True, default=ROW_GROUP_BYTES)
    _files: list[WrittenFile] = field(init=False, default_factory=list)
    _pending: list[pa.RecordBatch] = field(init=False, default_factory=list)
    _pending_bytes: int = field(init=False, default=0)
    _open: _OpenFile | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        if self.timestamps not in {"int96", "int64"}:
            raise ConfigurationError(f"timestamps are int96 or int64, not {self.timestamps!r}", where=self.prefix_uri)

    def write(self, batch: pa.RecordBatch) -> None:
        """Adds rows; they reach the store a row group at a time."""
        if not batch.num_rows:
            return
        self._pending.append(batch)
        self._pending_bytes += batch.nbytes
        if self._pending_bytes >= self.row_group_bytes:
            self._write_row_group()

    def close(self, *, keep_empty: bool = False) -> tuple[WrittenFile, ...]:
        """Writes what is pending and returns every file written.

        Args:
            keep_empty: write a file of 0 rows if there was no row at all (a partition needs a file).
        """
        if self._pending:
            self._write_row_group()
        if keep_empty and not self._files and self._open is None:
            self._open_file()
        self._close_file()
        return tuple(self._files)

    def abort(self) -> None:
        """Drops what is pending or unfinished, and deletes finished files."""
        self._pending.clear()
        if self._open is not None:
            self._open.abandon()
            self._open = None
        if self._files:
            self.store.delete([file.uri for file in self._files])
            self._files.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        if kind is not None:
            self.abort()

    def _write_row_group(self) -> None:
        file = self._open or self._open_file()
        file.write(pa.Table.from_batches(self._pending))
        self._pending, self._pending_bytes = [], 0
        if file.size_bytes >= self.target_file_bytes:
            self._close_file()

    def _open_file(self) -> _OpenFile:
        uri = f"{self.prefix_uri}/{self.name_stem}-{len(self._files):05d}.parquet"
        self._open = _OpenFile(uri, self.store.writer(uri, tags=self.tags), self.schema, self.timestamps)
        return self._open

    def _close_file(self) -> None:
        if self._open is not None:
            self._files.append(self._open.close())
            self._open = None


class _OpenFile:
    """One file being written."""

    def __init__(self, uri: str, target: WritableFile, schema: pa.Schema, timestamps: str) -> None:
        self._uri = uri
        self._rows = 0
        self._sink = _Sink(target)
        self._parquet: pq.ParquetWriter | None = None
        self._schema = schema
        self._is_int96 = timestamps == "int96"

    @property
    def size_bytes(self) -> int:
        return self._sink.size_bytes

    def write(self, table: pa.Table) -> None:
        """Writes one row group."""
        self._rows += table.num_rows
        self._writer(table).write_table(table, row_group_size=table.num_rows)

    def close(self) -> WrittenFile:
        writer = self._writer(self._schema.empty_table())
        writer.add_key_value_metadata(_METADATA)
        writer.close()
        self._sink.close()
        return WrittenFile(uri=self._uri, rows=self._rows, size_bytes=self._sink.size_bytes)

    def abandon(self) -> None:
        """Aborts the upload: the object is not created, and nothing reaches the store after this."""
        self._sink.abandon()
        if self._parquet is not None:
            self._parquet.close()

    def _writer(self, table: pa.Table) -> pq.ParquetWriter:
        if self._parquet is None:
            self._parquet = pq.ParquetWriter(
                self._sink,
                table.schema,
                compression="zstd",
                use_dictionary=_columns_with_dictionary(table),
                write_statistics=_columns_with_statistics(table),
                use_deprecated_int96_timestamps=self._is_int96,
                store_schema=False,
            )
        return self._parquet


def _columns_with_statistics(table: pa.Table) -> list[str]:
    """Returns the columns whose bounds help a reader to skip row groups: neither nested nor long texts."""
    longest_bytes = _LONG_TEXT_BYTES * max(table.num_rows, 1)
    return [
        column.name
        for column in table.schema
        if not pa.types.is_nested(column.type)
        and (pa.types.is_primitive(column.type) or table[column.name].nbytes <= longest_bytes)
    ]


def _columns_with_dictionary(table: pa.Table) -> list[str]:
    """Returns the Parquet paths of strings that repeat: a dictionary makes them smaller, and quicker to compress and read."""
    sample = table.slice(0, _SAMPLE)
    leaves = (leaf for name in sample.schema.names for leaf in _strings_below(name, sample[name].combine_chunks()))
    times = table.num_rows / max(sample.num_rows, 1)
    return [path for path, strings in leaves if _distinct_share(strings, times) <= _DICTIONARY_SHARE]


def _strings_below(path: str, array: pa.Array) -> Iterator[tuple[str, pa.StringArray]]:
    if pa.types.is_string(array.type):
        yield path, array
    elif pa.types.is_struct(array.type):
        for field, inner in zip(array.type, array.flatten(), strict=True):
            yield from _strings_below(f"{path}.{field.name}", inner)
    elif pa.types.is_map(array.type):
        yield from _strings_below(f"{path}.key_value.key", array.keys)
        yield from _strings_below(f"{path}.key_value.value", array.items)
    elif pa.types.is_list(array.type):
        yield from _strings_below(f"{path}.list.element", array.flatten())


def _distinct_share(strings: pa.StringArray, times: float) -> float:
    """Returns the share of distinct ones in so many times these strings, by how often a sample meets one again."""
    sample = strings[:_SAMPLE]
    count = len(sample) - sample.null_count
    distinct = pc.count_distinct(sample).as_py()
    again = count - distinct
    if count < _LEAST_STRINGS or not again:
        return 1.0
    # Of k equally frequent kinds, n draws meet about n²/2k again; where most were met again, nearly all kinds were met.
    kinds = distinct if again > distinct else count * count / (2 * again)
    return float(kinds / ((len(strings) - strings.null_count) * times))


class _Sink:
    """The file object that pyarrow writes to: counts bytes and can be cut off."""

    def __init__(self, target: WritableFile) -> None:
        self._target: WritableFile | None = target
        self.size_bytes = 0
        self.closed = False

    def write(self, data: Buffer) -> int:
        size_bytes = memoryview(data).nbytes
        if self._target is not None:
            self._target.write(data)
        self.size_bytes += size_bytes
        return size_bytes

    def flush(self) -> None:
        """Nothing: parts are sent as they fill, and a flush in between would cut them short."""

    def abandon(self) -> None:
        self._target = None

    def close(self) -> None:
        if self._target is not None and not self.closed:
            self._target.close()
        self.closed = True
