"""A reader who looks at every table after every change, as Hive does: all data files of the folder that the catalog names.

What it sees of a partition has to be wholly one of the states that it may have, with all its files, as its manifest says.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow.parquet as pq

from dataworks_assets_tests.faults.lake import Lake, Stored
from spark.contract import decode
from spark.publish.catalog import Pointer
from spark.publish.manifest import MANIFEST_NAME, AttemptManifest

Place = tuple[str, str]
"""Database and table."""
Shown = dict[tuple[str, str, str], str]
"""By database, table and partition (`newest` for the table of the newest day): which day's rows are there, as a digest."""

NEWEST = "newest"
_rows_of: dict[str, list[str]] = {}


@dataclass
class Reader:
    """Looks at a lake, and notes what is wrong.

    Args:
        lake: whose tables.
        allowed: by partition, the states it may be seen in, oldest first; None where nothing is known of them.
        digest: what tells two sets of rows apart, where it is not all of them.
        rule: what else has to hold whenever anybody looks; returns what is wrong.
        goes_back: whether a partition may be seen in an older state again (a zombie's call, until it is put right).
    """

    lake: Lake
    allowed: dict[tuple[str, str, str], list[str]] | None = None
    goes_back: bool = False
    digest: Callable[[Sequence[tuple[str, Stored]]], str] | None = None
    rule: Callable[[Lake], Iterable[str]] = lambda _lake: ()
    wrong: list[str] = field(default_factory=list)
    looks: int = 0
    _seen: dict[tuple[str, str, str], int] = field(default_factory=dict)
    _newest: dict[Place, str] = field(default_factory=dict)
    _checked: dict[str, tuple[frozenset[str], str]] = field(default_factory=dict)

    def look(self) -> Shown:
        """Reads every partition of every table."""
        self.looks += 1
        shown: Shown = {}
        catalog = self.lake.catalog
        with self.lake.lock:
            for (database, table), days in catalog._partitions.items():
                for day, pointer in days.items():
                    shown[database, table, day] = f"{day} {self._read(pointer)}"
            for (database, table), pointer in catalog._shown.items():
                shown[database, table, NEWEST] = f"{pointer.partition} {self._read(pointer)}"
                self._follow((database, table), pointer)
            if self.allowed is not None:
                self._compare(shown)
            self.wrong += self.rule(self.lake)
        return shown

    def _follow(self, table: Place, pointer: Pointer) -> None:
        before = self._newest.get(table, "")
        if pointer.partition < before and not self.goes_back:
            self.wrong.append(f"the newest table {table} goes back from {before} to {pointer.partition}")
        self._newest[table] = pointer.partition

    def _compare(self, shown: Shown) -> None:
        assert self.allowed is not None
        for place, state in shown.items():
            allowed = self.allowed.get(place, [])
            if state not in allowed:
                self.wrong.append(f"{place} shows what it never was: {state}, not one of {allowed}")
                continue
            at = allowed.index(state)
            if at < self._seen.get(place, 0) and not self.goes_back:
                self.wrong.append(f"{place} goes back to an older state")
            self._seen[place] = at

    def _read(self, pointer: Pointer) -> str:
        """Returns the digest of a folder's rows, and notes where it is not what its manifest says."""
        files = [item for item in self.lake.below(pointer.location) if not item[0].rpartition("/")[2].startswith("_")]
        files = [item for item in files if "/_" not in item[0].removeprefix(pointer.location)]
        etags = frozenset(item.etag for _, item in files)
        known = self._checked.get(pointer.location)
        if known is None or known[0] != etags:
            self.wrong += [f"{pointer.location}: {problem}" for problem in self._problems(pointer, files)]
            known = (etags, (self.digest or digest)(files))
            self._checked[pointer.location] = known
        return known[1]

    def _problems(self, pointer: Pointer, files: list[tuple[str, Stored]]) -> Iterator[str]:
        body = self.lake.objects.get(f"{pointer.location}/{MANIFEST_NAME}")
        if body is None:
            yield "no manifest"
            return
        manifest = decode(body.body, AttemptManifest, where=pointer.location)
        listed = {file.uri: file.size_bytes for file in manifest.table.files}
        there = {uri: len(item.body) for uri, item in files}
        if listed != there:
            yield f"the manifest lists {listed}, there is {there}"
        rows = sum(len(rows_of(item)) for _, item in files)
        if not rows == manifest.table.rows == pointer.rows:
            yield f"{rows} rows, {manifest.table.rows} in the manifest, {pointer.rows} in the catalog"
        if (len(there), sum(there.values())) != (pointer.files, pointer.size_bytes):
            yield f"{there}, but the catalog says {pointer.files} files of {pointer.size_bytes} bytes"
        if not all(item.tags for _, item in files):
            yield "an object without tags"


def rows_of(stored: Stored) -> list[str]:
    """Returns a Parquet file's rows as texts."""
    if stored.etag not in _rows_of:
        rows = pq.read_table(io.BytesIO(stored.body)).to_pylist()
        _rows_of[stored.etag] = [json.dumps(row, sort_keys=True, default=str) for row in rows]
    return _rows_of[stored.etag]


def digest(files: Sequence[tuple[str, Stored]]) -> str:
    """Returns what tells two sets of rows apart, whatever files they are in."""
    return digest_of(row for _, stored in files for row in rows_of(stored))


def sparse_digest(files: Sequence[tuple[str, Stored]]) -> str:
    """The same; a column that a file has not is null, as it is to a reader of the table."""
    rows = (json.loads(row) for _, stored in files for row in rows_of(stored))
    return digest_of(json.dumps({name: value for name, value in row.items() if value is not None}) for row in rows)


def digest_of(texts: Iterable[str]) -> str:
    """Returns what tells two sets of texts apart, whatever their order."""
    rows = sorted(texts)
    return f"{len(rows)} rows {hashlib.sha256(chr(10).join(rows).encode()).hexdigest()[:12]}"


def watched(lake: Lake, **options) -> Reader:
    """Returns a reader that looks after every change from now on."""
    reader = Reader(lake, **options)
    reader.look()
    lake.on_change = reader.look
    return reader
