"""What a sample export holds, written down by who wrote it, so that published tables can be compared with it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from dataworks_assets.stack.sample.wire import Record, sanitise

VERSION = 1
"""Raised when the same request would write other documents."""


class TopicTruth(msgspec.Struct, frozen=True, kw_only=True):
    """One topic of one day.

    Attributes:
        topic: as in the object names.
        rows: documents in its data files.
        ids_sha256: of the sorted texts of the ids as the table's `id` column has them, each followed by a line feed;
            None where it has no ids.
        records_sha256: of the sorted documents' texts, each followed by a line feed.
        sums: by path (joined by points), the sum of a number over all documents.
        refused: the check that must refuse the day (`manifest`, `ids`, `slices`, `read`, `quarantine`, `rows`); None where
            it is well, or only looks bad: then all its rows are published.
        configured: false for a topic that no collection reads.
        files, input_bytes, decoded_bytes: data files, their size in the store, and the size of the JSON text.
    """

    topic: str
    rows: int
    ids_sha256: str | None
    records_sha256: str
    sums: dict[str, int] = {}
    refused: str | None = None
    configured: bool = True
    files: int = 0
    input_bytes: int = 0
    decoded_bytes: int = 0


class ExportTruth(msgspec.Struct, frozen=True, kw_only=True):
    """One day's export of one snapshot type; `request` is what it was made from, to know the same one again."""

    export_date: str
    snapshot_type: str
    request: dict[str, Any]
    topics: tuple[TopicTruth, ...]
    objects: int

    @property
    def rows(self) -> int:
        """Documents of all topics."""
        return sum(topic.rows for topic in self.topics)

    def of(self, topic: str) -> TopicTruth:
        """Returns one topic's; KeyError where it has none."""
        return {each.topic: each for each in self.topics}[topic]


def sorted_sha256(texts: Iterable[bytes]) -> str:
    """Returns the SHA-256 of sorted texts, each followed by a line feed, in hex."""
    digest = hashlib.sha256()
    for text in sorted(texts):
        digest.update(text + b"\n")
    return digest.hexdigest()


def describe(topic: str, records: Sequence[Record], *, has_ids: bool, sums: Sequence[tuple[str, ...]] = ()) -> TopicTruth:
    """Returns what these records say of their topic (nothing of files)."""
    return TopicTruth(
        topic=topic,
        rows=len(records),
        ids_sha256=sorted_sha256(sanitise(record.manifest_id) for record in records) if has_ids else None,
        records_sha256=sorted_sha256(record.line for record in records),
        sums={".".join(path): _sum(records, path) for path in sums},
    )


def _sum(records: Sequence[Record], path: tuple[str, ...]) -> int:
    total = 0
    for record in records:
        value: Any = msgspec.json.decode(record.line)
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        total += value if isinstance(value, int) else 0
    return total
