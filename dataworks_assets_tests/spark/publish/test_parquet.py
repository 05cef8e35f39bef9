"""The files that a table's rows become, read back by engines that did not write them."""

from __future__ import annotations

import datetime as dt
import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from spark.contract import StoreSettings
from spark.errors import ConfigurationError
from spark.publish.parquet import TableWriter
from spark.store import ObjectStore

INSTANT = pa.timestamp("us", tz="UTC")
SCHEMA = pa.schema([
    ("id", pa.string()), ("at", INSTANT), ("day", pa.date32()), ("amount", pa.decimal128(18, 2)), ("n", pa.int64()),
    ("inner", pa.struct([("times", pa.list_(INSTANT)), ("counts", pa.map_(pa.string(), pa.int64()))])), ("record", pa.string()),
])  # fmt: skip
ROWS: list[dict[str, Any]] = [
    {
        "id": "a", "at": dt.datetime(2019, 7, 4, 7, 27, 35, 104123, dt.UTC), "day": dt.date(2019, 7, 4), "n": 2**63 - 1,
        "amount": Decimal("1.50"), "inner": {"times": [dt.datetime(1999, 1, 1, tzinfo=dt.UTC), None], "counts": [("k", 1)]},
        "record": "x" * 1000,
    },
    {
        "id": "b", "at": dt.datetime(9999, 12, 31, 23, 59, 59, 999999, dt.UTC), "day": dt.date(1, 1, 1), "amount": None,
        "n": None, "inner": None, "record": None,
    },
    {
        "id": "c", "at": dt.datetime(1, 1, 1, tzinfo=dt.UTC), "day": None, "amount": Decimal("-0.01"),
        "n": -1, "inner": {"times": [], "counts": None}, "record": "",
    },
]  # fmt: skip
PREFIX = "memory://out/day/table/attempt"


@pytest.fixture
def store() -> ObjectStore:
    return ObjectStore.in_memory()


def batch() -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(ROWS, schema=SCHEMA)


def writer(store: ObjectStore, **fields: Any) -> TableWriter:
    return TableWriter(store, PREFIX, schema=SCHEMA, tags={"pii": "true"}, **fields)


def read(store: ObjectStore, uri: str) -> pa.Table:
    return pq.read_table(io.BytesIO(store.read(uri)), coerce_int96_timestamp_unit="us")


@pytest.mark.parametrize("timestamps", ["int96", "int64"])
def test_pyarrow_reads_the_same_rows(store: ObjectStore, timestamps: str) -> None:
    table = writer(store, timestamps=timestamps)
    table.write(batch())
    (file,) = table.close()
    assert read(store, file.uri).cast(SCHEMA).to_pylist() == ROWS
    assert (file.rows, file.size_bytes) == (3, len(store.read(file.uri)))


@pytest.mark.parametrize("timestamps", ["int96", "int64"])
def test_duckdb_reads_the_same_instants_and_values(store: ObjectStore, timestamps: str, tmp_path: Path) -> None:
    table = writer(store, timestamps=timestamps)
    table.write(batch())
    path = tmp_path / "file.parquet"
    path.write_bytes(store.read(table.close()[0].uri))
    columns = 'id, epoch_us("at"), day, amount, n, "inner".counts[\'k\']'
    found = duckdb.sql(f"SELECT {columns} FROM '{path}'").fetchall()
    instants = [(row["at"] - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1) for row in ROWS]
    assert found[0] == ("a", instants[0], dt.date(2019, 7, 4), Decimal("1.50"), 2**63 - 1, 1)
    assert found[1][:3] == ("b", instants[1], dt.date(1, 1, 1))
    assert found[2][:2] == ("c", instants[2])


def test_timestamps_are_int96_unless_said_otherwise(store: ObjectStore) -> None:
    table = writer(store)
    table.write(batch())
    file = pq.ParquetFile(io.BytesIO(store.read(table.close()[0].uri)))
    assert file.schema.column(1).physical_type == "INT96"


def test_files_are_zstd_with_bounds_for_short_columns_alone(store: ObjectStore) -> None:
    table = writer(store, timestamps="int64")
    table.write(batch())
    group = pq.ParquetFile(io.BytesIO(store.read(table.close()[0].uri))).metadata.row_group(0)
    columns = {group.column(n).path_in_schema: group.column(n) for n in range(group.num_columns)}
    assert {column.compression for column in columns.values()} == {"ZSTD"}
    with_bounds = {path for path, column in columns.items() if column.statistics is not None}
    assert with_bounds == {"id", "at", "day", "amount", "n"}


def test_spark_is_told_that_old_dates_need_no_rebasing(store: ObjectStore) -> None:
    table = writer(store)
    table.write(batch())
    metadata = pq.ParquetFile(io.BytesIO(store.read(table.close()[0].uri))).metadata.metadata
    assert metadata[b"org.apache.spark.version"] >= b"3.1.0"


def test_a_new_file_is_begun_at_the_target_size(store: ObjectStore) -> None:
    table = writer(store, target_file_bytes=1, row_group_bytes=1, name_stem="part-7")
    for _ in range(3):
        table.write(batch())
    files = table.close()
    assert [file.uri for file in files] == [f"{PREFIX}/part-7-{number:05d}.parquet" for number in range(3)]
    assert [item.uri for item in store.list(PREFIX)] == [file.uri for file in files]


def test_batches_are_gathered_into_row_groups(store: ObjectStore) -> None:
    table = writer(store)
    for _ in range(10):
        table.write(batch())
    (file,) = table.close()
    assert pq.ParquetFile(io.BytesIO(store.read(file.uri))).num_row_groups == 1
    assert file.rows == 30


def test_no_rows_make_no_file_unless_one_is_kept(store: ObjectStore) -> None:
    assert writer(store).close() == ()
    (file,) = writer(store).close(keep_empty=True)
    assert file.rows == 0
    assert read(store, file.uri).schema.names == SCHEMA.names


def test_an_aborted_writer_leaves_nothing(store: ObjectStore) -> None:
    table = writer(store, target_file_bytes=5000, row_group_bytes=1)
    for _ in range(5):
        table.write(batch())
    table.abort()
    assert list(store.list(PREFIX)) == []


def test_an_error_in_a_with_block_aborts(store: ObjectStore) -> None:
    table = writer(store, row_group_bytes=1)
    table.write(batch())
    with pytest.raises(ZeroDivisionError), table:
        raise ZeroDivisionError
    assert list(store.list(PREFIX)) == []


def test_objects_are_created_with_their_tags(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    store = ObjectStore(StoreSettings(scheme="memory"))
    original = ObjectStore.writer
    monkeypatch.setattr(
        ObjectStore, "writer", lambda self, uri, *, tags: (seen.append(tags), original(self, uri, tags=tags))[1]
    )
    table = writer(store)
    table.write(batch())
    table.close()
    assert seen == [{"pii": "true"}]


def test_an_unknown_kind_of_timestamps_is_refused(store: ObjectStore) -> None:
    with pytest.raises(ConfigurationError, match="int96 or int64, not 'int32'"):
        writer(store, timestamps="int32")


def test_strings_that_repeat_are_a_dictionary_also_inside_other_values(store: ObjectStore) -> None:
    texts = [f"text {number}" for number in range(1000)]
    names = [f"name {number % 5}" for number in range(1000)]
    inner = pa.array([{"one": text, "few": name} for text, name in zip(texts, names, strict=True)])
    table = {
        "texts": texts,
        "names": pa.array([None, *names[1:]]),
        "inner": inner,
        "items": pa.array([[{"a": name, "b": text}] for text, name in zip(texts, names, strict=True)]),
        "map": pa.array([[(name, text)] for text, name in zip(texts, names, strict=True)], pa.map_(pa.string(), pa.string())),
        "nothing": pa.nulls(1000, pa.string()),
    }
    rows = pa.RecordBatch.from_pydict(table)
    with TableWriter(store, PREFIX, schema=rows.schema, tags={}) as target:
        target.write(rows)
        (written,) = target.close()
    body = store.read(written.uri)
    group = pq.ParquetFile(io.BytesIO(body)).metadata.row_group(0)
    columns = [group.column(number) for number in range(group.num_columns)]
    with_dictionary = {column.path_in_schema for column in columns if "RLE_DICTIONARY" in column.encodings}
    assert with_dictionary == {"names", "inner.few", "items.list.element.a", "map.key_value.key"}
    assert pa.Table.from_batches([rows]).equals(pq.read_table(io.BytesIO(body)))


def test_few_strings_are_no_dictionary(store: ObjectStore) -> None:
    rows = pa.RecordBatch.from_pydict({"a": ["same"] * 100})
    with TableWriter(store, PREFIX, schema=rows.schema, tags={}) as target:
        target.write(rows)
        (written,) = target.close()
    column = pq.ParquetFile(io.BytesIO(store.read(written.uri))).metadata.row_group(0).column(0)
    assert not any("DICTIONARY" in encoding for encoding in column.encodings)
