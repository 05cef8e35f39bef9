"""How the files of all collections and days become tasks: packed by bytes, not one task per collection.

A *shard* is what one task turns into output files: files of one collection and day, whole slices if possible. A
*bin* is a task: shards of any collections. Pure; no object is read here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from spark.contract import DataFile, PartitionWork

MIB = 1024 * 1024
_FILE_COST_BYTES = 256 * 1024
"""Cost of opening a file, in bytes that could be read in the same time."""
_TASKS_PER_CORE = 4
_SMALLEST_SHARD_BYTES = 16 * MIB
_LARGEST_SHARD_BYTES = 128 * MIB
_SMALLEST_BIN_BYTES = 2 * MIB


@dataclass(frozen=True)
class Shard:
    """Files of one collection and day that one task reads. `spread` names slices of which other shards hold parts too."""

    collection: str
    export_date: str
    number: int
    files: tuple[DataFile, ...]
    spread: frozenset[tuple[int, int]] = frozenset()

    @property
    def cost_bytes(self) -> int:
        """Encrypted bytes to read, plus the cost of opening each file."""
        return _FILE_COST_BYTES + sum(_cost(file) for file in self.files)


def shards_of(works: Iterable[PartitionWork], *, cores: int) -> list[Shard]:
    """Splits each collection's day into shards; a day without files has one shard without files."""
    works = list(works)
    total_bytes = sum(_cost(file) for work in works for file in work.files)
    target_bytes = min(max(total_bytes // (cores * _TASKS_PER_CORE), _SMALLEST_SHARD_BYTES), _LARGEST_SHARD_BYTES)
    return [shard for work in works for shard in _split(work, target_bytes)]


def bins_of(shards: Sequence[Shard], *, cores: int) -> list[tuple[Shard, ...]]:
    """Packs shards into tasks: oldest day first, then largest first; at least two tasks per core if there are enough shards.

    Oldest first, because a day is published as soon as its last file is done: a run that dies keeps its early days.
    """
    total_bytes = sum(shard.cost_bytes for shard in shards)
    most_bytes = min(max(total_bytes // (cores * _TASKS_PER_CORE), _SMALLEST_BIN_BYTES), _LARGEST_SHARD_BYTES)
    most_shards = max(1, len(shards) // (cores * 2))
    bins: list[list[Shard]] = []
    filled_bytes = 0
    for shard in sorted(shards, key=lambda shard: (shard.export_date, -shard.cost_bytes, shard.collection, shard.number)):
        if not bins or filled_bytes + shard.cost_bytes > most_bytes or len(bins[-1]) >= most_shards:
            bins.append([])
            filled_bytes = 0
        bins[-1].append(shard)
        filled_bytes += shard.cost_bytes
    return [tuple(packed) for packed in bins]


def _split(work: PartitionWork, target_bytes: int) -> list[Shard]:
    groups: list[list[DataFile]] = [[]]
    group_bytes = 0
    spread: set[tuple[int, int]] = set()
    for slice_key, files in groupby(sorted(work.files, key=_order), key=_slice):
        members = list(files)
        size_bytes = sum(_cost(file) for file in members)
        if groups[-1] and group_bytes + size_bytes > target_bytes:
            groups.append([])
            group_bytes = 0
        if size_bytes <= target_bytes:
            groups[-1].extend(members)
            group_bytes += size_bytes
            continue
        spread.add(slice_key)
        for file in members:
            if groups[-1] and group_bytes + _cost(file) > target_bytes:
                groups.append([])
                group_bytes = 0
            groups[-1].append(file)
            group_bytes += _cost(file)
    return [_shard(work, number, group, spread) for number, group in enumerate(groups)]


def _shard(work: PartitionWork, number: int, files: list[DataFile], spread: set[tuple[int, int]]) -> Shard:
    own = frozenset(spread.intersection(_slice(file) for file in files))
    return Shard(work.collection, work.export_date, number, tuple(files), own)


def _cost(file: DataFile) -> int:
    return file.source.size_bytes + _FILE_COST_BYTES


def _slice(file: DataFile) -> tuple[int, int]:
    return (file.slice_start, file.slice_end)


def _order(file: DataFile) -> tuple[int, int, int, str]:
    return (file.slice_start, file.slice_end, file.batch, file.source.uri)
