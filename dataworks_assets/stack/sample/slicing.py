"""A collection's records as the producer divides them: by slice of the row key's hash, then by bytes into batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from zlib import crc32

from dataworks_assets.stack.sample.wire import Record
from spark.sources.names import ObjectName

_KEY_BYTES = 256


def slice_ranges(count: int) -> list[tuple[int, int]]:
    """Returns half-open ranges of the first key byte that together cover all of it."""
    edges = [_KEY_BYTES * number // count for number in range(count + 1)]
    return list(pairwise(edges))


def divide(
    topic: str, records: Iterable[Record], *, slices: int = 1, batch_bytes: int = 2 << 20
) -> Iterator[tuple[ObjectName, list[Record]]]:
    """Yields the name and the records of each data file. A slice without records gives no file.

    Args:
        topic: the records' topic.
        records: in any order; those of a file keep theirs.
        slices: how many slices there are.
        batch_bytes: size of a batch (uncompressed) before the next is begun.
    """
    ranges = slice_ranges(slices)
    owners = [number for number, (start, end) in enumerate(ranges) for _ in range(start, end)]
    sliced: list[list[Record]] = [[] for _ in ranges]
    for record in records:
        sliced[owners[crc32(record.manifest_id) >> 24]].append(record)
    for (start, end), members in zip(ranges, sliced, strict=True):
        for batch, batched in enumerate(_batches(members, batch_bytes), start=1):
            yield ObjectName(topic, start, end, batch), batched


def _batches(records: list[Record], batch_bytes: int) -> Iterator[list[Record]]:
    batch: list[Record] = []
    size_bytes = 0
    for record in records:
        batch.append(record)
        size_bytes += len(record.line) + 1
        if size_bytes >= batch_bytes:
            yield batch
            batch, size_bytes = [], 0
    if batch:
        yield batch
