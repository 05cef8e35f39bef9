"""The kernel without Spark: get, decrypt, inflate, decode, Parquet, put, in one plain process a core.

Production's own functions, file by file; no keys asked for, no manifest read, no id compared, nothing published. What Spark,
the audit and the publication cost is the distance to it.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from bench.place import CORES, Place
from spark.contract import DataFile, ExportCollection, StoreSettings
from spark.decode.documents import decode_file, schema_of
from spark.publish.parquet import TableWriter
from spark.sources.keys import FileKey
from spark.store import shared_store


@dataclass(frozen=True)
class FileWork:
    """One file for one process."""

    store: StoreSettings
    collection: ExportCollection
    file: DataFile
    key: FileKey
    output_uri: str


def process_file(work: FileWork) -> int:
    """Brings one file to Parquet and returns its rows."""
    store, source, table = shared_store(work.store), work.file.source, work.collection.tables[0]
    body = store.stream(source.uri, etag=source.etag)
    rows = 0
    with TableWriter(
        store, work.output_uri, schema=schema_of(table), tags=table.tags, name_stem=f"part-{work.file.batch:05d}"
    ) as writer:
        for chunk in decode_file(body, key=work.key.key, iv=work.key.iv, collection=work.collection, uri=source.uri):
            writer.write(chunk.tables[0])
            rows += chunk.tables[0].num_rows
        writer.close()
    return rows


@dataclass(frozen=True)
class Kernel:
    """Plain processes that wait for files."""

    place: Place
    pool: ProcessPoolExecutor

    def run(self, files: list[tuple[DataFile, FileKey]], collection: ExportCollection, output_uri: str) -> int:
        """Brings files to Parquet under a prefix, each process taking the next file when it is free; returns the rows."""
        settings = self.place.store_settings
        works = [FileWork(settings, collection, file, key, output_uri) for file, key in files]
        return sum(self.pool.map(process_file, works, chunksize=1))


@contextmanager
def open_kernel(place: Place) -> Iterator[Kernel]:
    """Starts the processes, and ends them with the block."""
    with ProcessPoolExecutor(CORES, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield Kernel(place, pool)
