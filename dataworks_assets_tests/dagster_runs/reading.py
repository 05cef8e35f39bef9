"""What runs have left: tables in the sample's own terms, by readers that did not write them, and files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
from pyarrow.fs import S3FileSystem

from dataworks_assets.stack.sample.truth import TopicTruth, sorted_sha256
from dataworks_assets.stack.state import StackState
from dataworks_assets_tests.dagster_runs.world import World
from spark.contract import Layout, OutputTable

EMPTY = sorted_sha256([])
_WITH_ID = (Layout.RAW, Layout.TYPED)


@dataclass(frozen=True)
class Holds:
    """What a table holds of a day; None for what it has no column for."""

    rows: int
    ids_sha256: str | None
    records_sha256: str | None
    total: int | None


@dataclass(frozen=True)
class TableDay:
    """A table's day that has to be there. Without a partition column it is the plain table of the newest day."""

    database: str
    name: str
    partition_column: str | None
    day: str
    output: OutputTable
    sum_path: tuple[str, ...] | None
    holds: Holds

    @property
    def place(self) -> tuple[str, str]:
        """The table's full name, and the day."""
        return f"{self.database}.{self.name}", self.day

    @property
    def sum_column(self) -> str | None:
        """The column whose sum is known, where the table has it."""
        return next((column.name for column in self.output.columns if column.path == self.sum_path), None)

    @property
    def id_column(self) -> str | None:
        """The column of the ids, where there is one."""
        return "id" if self.output.layout in _WITH_ID else None

    @property
    def text_column(self) -> str | None:
        """The column of the documents' texts, where there is one."""
        return None if self.output.layout is Layout.COLUMNS else self.output.text_column


def table_days(world: World, snapshot_type: str, day: date, truth: dict[str, TopicTruth]) -> Iterator[TableDay]:
    """Yields every table's day that a published export must show, in the tables of all days."""
    for name in world.names(snapshot_type):
        job = world.collection(name, snapshot_type).job
        known = truth.get(job.topic)
        for output in job.tables:
            (path,) = [tuple(key.split(".")) for key in known.sums] if known and known.sums else (None,)
            bare = TableDay(
                output.database, output.name, output.partition_column, day.isoformat(), output, path, Holds(0, None, None, None)
            )
            yield _with(bare, _expected(bare, known))


def newest_of(days: Sequence[TableDay], day: date) -> list[TableDay]:
    """Returns what the plain tables must show: the newest day alone."""
    return [
        TableDay(each.database, each.output.newest, None, each.day, each.output, each.sum_path, each.holds)
        for each in days
        if each.day == day.isoformat() and each.output.newest
    ]


def _with(bare: TableDay, holds: Holds) -> TableDay:
    return TableDay(bare.database, bare.name, bare.partition_column, bare.day, bare.output, bare.sum_path, holds)


def nothing_in(day: TableDay) -> Holds:
    """What a table holds of a day without rows."""
    return Holds(0, EMPTY if day.id_column else None, EMPTY if day.text_column else None, None)


def _expected(bare: TableDay, truth: TopicTruth | None) -> Holds:
    if truth is None:
        return nothing_in(bare)
    total = truth.sums[".".join(bare.sum_path)] if bare.sum_column else None
    ids = truth.ids_sha256 if bare.id_column else None
    return Holds(truth.rows, ids, truth.records_sha256 if bare.text_column else None, total)


def read_files(stack: StackState, location: str) -> pa.Table:
    """Returns the rows of a folder of Parquet files on S3, by pyarrow's own client."""
    files = S3FileSystem(
        access_key=stack.access_key,
        secret_key=stack.secret_key,
        region=stack.region,
        endpoint_override=stack.s3_endpoint,
        allow_bucket_creation=False,
    )
    return ds.dataset(location.removeprefix("s3://"), filesystem=files, format="parquet").to_table()


def held_by(table: pa.Table, day: TableDay) -> Holds:
    """What rows hold, told as the truth tells it."""
    return Holds(
        table.num_rows,
        _digest(table, day.id_column),
        _digest(table, day.text_column),
        sum(table[day.sum_column].to_pylist()) if day.sum_column else None,
    )


def _digest(table: pa.Table, column: str | None) -> str | None:
    return sorted_sha256(text.encode() for text in table[column].to_pylist()) if column else None


def query(days: Sequence[TableDay]) -> str:
    """One query that says of each of these tables' days what it holds; a day without rows is left out."""
    tables: dict[str, list[TableDay]] = {}
    for day in days:
        tables.setdefault(day.name + day.database, []).append(day)
    return "\nUNION ALL\n".join(_select(of_table) for of_table in tables.values())


def _select(days: Sequence[TableDay]) -> str:
    table, column = days[0], days[0].partition_column
    said = f"`{column}`" if column else f"'{table.day}'"
    listed = ", ".join(f"'{day.day}'" for day in days)
    total = f"CAST(sum(`{table.sum_column}`) AS BIGINT)" if table.sum_column else "CAST(NULL AS BIGINT)"
    return (
        f"SELECT '{table.database}.{table.name}' AS name, {said} AS day, count(*) AS n,"
        f" {_sql_digest(table.id_column)} AS ids, {_sql_digest(table.text_column)} AS texts, {total} AS total"
        f" FROM `{table.database}`.`{table.name}`" + (f" WHERE {said} IN ({listed}) GROUP BY {said}" if column else "")
    )


def _sql_digest(column: str | None) -> str:
    if column is None:
        return "CAST(NULL AS STRING)"
    lines = f"transform(array_sort(collect_list(`{column}`)), x -> concat(x, '\\n'))"
    return f"sha2(array_join({lines}, ''), 256)"


def bodies_below(folders: Sequence[Path]) -> dict[str, bytes]:
    """Every file of some folders, by its path."""
    return {str(path): path.read_bytes() for folder in folders for path in folder.rglob("*") if path.is_file()}
