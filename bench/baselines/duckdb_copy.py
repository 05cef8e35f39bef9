"""DuckDB's COPY over local files that are decrypted and inflated already: a mark on the wall, no target."""

from __future__ import annotations

from pathlib import Path

from bench.place import CORES


def copy(plain_folder: Path, output_path: Path) -> None:
    """Reads every JSON file of a folder into one Parquet file with zstd, on as many threads as Spark has."""
    import duckdb

    with duckdb.connect(config={"threads": CORES}) as connection:
        documents = f"read_json('{plain_folder}/*.json', format = 'newline_delimited')"
        target = f"'{output_path}' (FORMAT parquet, COMPRESSION zstd)"
        connection.sql(f"COPY (SELECT * FROM {documents}) TO {target}")  # noqa: S608 - paths of the bench's own
