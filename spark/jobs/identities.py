"""Checks of ids in the tasks: a file's ids against its manifest's, and duplicate ids within a slice.

Only hashes are kept, and only while a slice is read. If several tasks read one slice, each writes its hashes beside the
data, and `repeated_across` compares them, again in a task. No id ever reaches the driver.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from spark.contract import DataFile, ExportCollection, Finding
from spark.decode.documents import DecodedChunk
from spark.decode.ids import IdLog, LineRuns, Reconciliation, line_at, reconcile, repeated
from spark.errors import DataworksError
from spark.jobs.ahead import read_ahead
from spark.jobs.outcome import IdHashes, failed
from spark.jobs.unlock import finding_of
from spark.native.ids import Hashes
from spark.sources.manifest import count_records, stream_id_hashes
from spark.store import ObjectStore

SliceKey = tuple[int, int]
_AGAIN = "Have the producer export this day again"
_ALLOW = "Have the producer export this day again, or set unique_ids to false for the collection"


@dataclass
class FileIds:
    """Ids and counts of one file, accumulated over its chunks."""

    uri: str
    log: IdLog = field(default_factory=IdLog)
    documents: int = 0
    """Lines that are a record, good or quarantined; blank lines do not count."""
    quarantined: int = 0
    first_quarantined: int = 0
    first_cause: str = ""
    decoded_bytes: int = 0
    manifest_lines: int | None = None
    notes: dict[str, None] = field(default_factory=dict)

    def add(self, chunk: DecodedChunk) -> None:
        """Adds a chunk."""
        self.log.add(chunk)
        self.documents += chunk.lines - chunk.blank_lines
        if chunk.quarantined and not self.quarantined:
            self.first_quarantined = chunk.quarantined[0].line_number
            self.first_cause = chunk.quarantined[0].cause
        self.quarantined += len(chunk.quarantined)
        self.decoded_bytes += chunk.decoded_bytes
        self.notes.update(dict.fromkeys(chunk.notes))


def reconcile_file(store: ObjectStore, file: DataFile, read: FileIds, *, has_ids: bool) -> tuple[Finding, ...]:
    """Returns how a file and its manifest disagree; nothing without a manifest, which planning has already reported."""
    if file.manifest is None:
        return ()
    try:
        body = read_ahead(store.stream(file.manifest.uri, etag=file.manifest.etag))
        listed = stream_id_hashes(body, uri=file.manifest.uri) if has_ids else None
        read.manifest_lines = count_records(body, uri=file.manifest.uri) if listed is None else len(listed)
    except DataworksError as error:
        return (finding_of(error, object_uri=file.manifest.uri, check="manifest"),)
    findings: list[Finding] = []
    if read.documents != read.manifest_lines:
        cause = f"the file holds {read.documents:,} documents, its manifest lists {read.manifest_lines:,}"
        findings.append(failed("manifest", object_uri=read.uri, place=file.manifest.uri, cause=cause, remedy=_AGAIN))
    if listed is not None:
        findings += _differences(file.manifest.uri, read, reconcile(read.log.hashes, listed))
    return tuple(findings)


def _differences(manifest_uri: str, read: FileIds, found: Reconciliation) -> Iterator[Finding]:
    if len(found.unlisted):
        first = read.log.name(int(found.unlisted[0]))
        cause = f"{_ids_are(len(found.unlisted))} in the file and not in its manifest"
        yield failed("ids", object_uri=read.uri, place=f"first: {first}", cause=cause, remedy=_AGAIN)
    if len(found.left_over) != read.quarantined and read.documents == read.manifest_lines and not len(found.unlisted):
        cause = f"{_ids_are(len(found.left_over))} in the manifest and not in the file; lines quarantined: {read.quarantined:,}"
        place = f"{manifest_uri}, first: record {int(found.left_over[0]) + 1}" if len(found.left_over) else manifest_uri
        yield failed("ids", object_uri=read.uri, place=place, cause=cause, remedy=_AGAIN)


def _ids_are(count: int) -> str:
    return "1 id is" if count == 1 else f"{count:,} ids are"


class SliceLog:
    """The ids of a task's slices, by slice, to find duplicates."""

    def __init__(self, collection: ExportCollection, spread: frozenset[SliceKey]) -> None:
        self.seconds = 0.0
        self._tags = collection.tables[0].tags
        self._unique = collection.unique_ids and collection.id_path is not None
        self._spread = spread
        self._files: dict[SliceKey, list[FileIds]] = defaultdict(list)

    def add(self, file: DataFile, read: FileIds) -> None:
        """Adds a file that was read completely."""
        if self._unique:
            self._files[file.slice_start, file.slice_end].append(read)

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Counts the time within as spent on ids."""
        started = time.monotonic()
        yield
        self.seconds += time.monotonic() - started

    def repeated(self) -> tuple[Finding, ...]:
        """Returns a finding for each slice in which this task read an id twice."""
        with self.timed():
            return tuple(finding for files in self._files.values() for finding in _repeated_in(files))

    def leave_spread(self, store: ObjectStore, audit_uri: str) -> tuple[IdHashes, ...]:
        """Writes the hashes and lines of slices that other tasks read parts of too, and returns where."""
        left: list[IdHashes] = []
        with self.timed():
            for (start, end), files in self._files.items():
                if (start, end) in self._spread:
                    name = files[0].uri.rpartition("/")[2]
                    counts = tuple((file.uri, len(file.log.hashes)) for file in files)
                    ids = IdHashes(start, end, f"{audit_uri}/{name}.ids", counts)
                    store.put(ids.uri, _packed(files), tags=self._tags)
                    left.append(ids)
        return tuple(left)


def _joined(files: list[FileIds]) -> Hashes:
    return np.concatenate([file.log.hashes for file in files])


def _packed(files: list[FileIds]) -> bytes:
    """The serialised form: the number of runs of lines, the runs, then the rows' hashes."""
    runs = np.concatenate([file.log.line_runs for file in files])
    return b"".join((np.int64(len(runs)).tobytes(), runs.tobytes(), _joined(files).tobytes()))


def _unpacked(body: bytes) -> tuple[LineRuns, Hashes]:
    runs_end = 8 * (1 + 2 * int.from_bytes(body[:8], "little"))
    return np.frombuffer(body[8:runs_end], np.int64).reshape(-1, 2), np.frombuffer(body[runs_end:], np.uint64)


def _repeated_in(files: list[FileIds]) -> Iterator[Finding]:
    again, before = repeated(_joined(files))
    if not len(again):
        return
    starts = np.cumsum([0, *(len(file.log.hashes) for file in files)])

    def named(position: int) -> tuple[str, str]:
        index = int(np.searchsorted(starts, position, side="right")) - 1
        return files[index].uri, files[index].log.name(position - int(starts[index]))

    uri, name = named(int(again[0]))
    first_uri, first_name = named(int(before[0]))
    cause = f"{_ids_are(len(again))} there twice in one slice; the first before: {first_uri}, {first_name}"
    yield failed("ids", object_uri=uri, place=name, cause=cause, remedy=_ALLOW)


@dataclass(frozen=True)
class SliceIds:
    """A slice whose id hashes several tasks wrote in parts."""

    topic: str
    parts: tuple[IdHashes, ...]

    @property
    def uris(self) -> list[str]:
        """Addresses of all that was left."""
        return [part.uri for part in self.parts]


def repeated_across(store: ObjectStore, slice_ids: SliceIds) -> tuple[Finding, ...]:
    """Returns a finding if an id occurs in several tasks' parts of a slice, or if that cannot be determined."""
    try:
        return tuple(_repeated_across(store, slice_ids))
    except DataworksError as error:
        return (finding_of(error, object_uri=error.where, check="ids"),)


def _repeated_across(store: ObjectStore, slice_ids: SliceIds) -> Iterator[Finding]:
    runs, hashes = zip(*(_unpacked(store.read(part.uri)) for part in slice_ids.parts), strict=True)
    again, before = repeated(np.concatenate(hashes))
    if not len(again):
        return
    starts = np.cumsum([0, *(len(part) for part in hashes)])
    owners = np.searchsorted(starts, np.stack([again, before]), side="right") - 1
    across = np.flatnonzero(owners[0] != owners[1])
    if not len(across):
        return  # within one part: that task has reported it itself

    def placed(position: int, owner: int) -> tuple[str, int]:
        return _placed(slice_ids.parts[owner], runs[owner], position - int(starts[owner]))

    first = across[0]
    uri, line = placed(int(again[first]), int(owners[0][first]))
    first_uri, first_line = placed(int(before[first]), int(owners[1][first]))
    cause = f"{_ids_are(len(across))} there twice in one slice; the first before: {first_uri}, line {first_line}"
    yield failed("ids", object_uri=uri, place=f"line {line}", cause=cause, remedy=_ALLOW)


def _placed(part: IdHashes, runs: LineRuns, position: int) -> tuple[str, int]:
    """Returns the file and the line of a row of a part."""
    ends = np.cumsum([rows for _, rows in part.files])
    return part.files[int(np.searchsorted(ends, position, side="right"))][0], line_at(runs, position)
