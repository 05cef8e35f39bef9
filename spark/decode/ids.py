"""The ids of a file or a slice: finds duplicates, and reconciles them with the manifest's.

Works on the hashes from the decoder and the manifest reader, so no id is kept as an object. Errors name an id by its SHA-256
and its line, because ids are personal data. The consequences of a problem are decided elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import zip_longest

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from spark.decode.documents import DecodedChunk
from spark.native.ids import Hashes
from spark.sources.ids import comparison_key, id_fingerprint

Positions = npt.NDArray[np.int64]
LineRuns = npt.NDArray[np.int64]
"""Runs of consecutive lines, as pairs of first line and count."""

_NONE: Positions = np.empty(0, np.int64)


_TEXTS_LIMIT_BYTES = 96 << 20
"""Beyond this many bytes of ids in a file, later ids are named only by their line, so that memory stays bounded."""


@dataclass
class IdLog:
    """The ids of one file's rows, in their order. Filled chunk by chunk."""

    _hashes: list[Hashes] = field(default_factory=list)
    _line_runs: list[LineRuns] = field(default_factory=list)
    _texts: list[pa.Array] = field(default_factory=list)
    _texts_bytes: int = 0

    def add(self, chunk: DecodedChunk) -> None:
        """Records a chunk's ids; does nothing for a chunk without ids."""
        if chunk.id_texts is None or not len(chunk.ids):
            return
        self._hashes.append(chunk.ids)
        self._line_runs.append(_runs_of(chunk.line_numbers))
        if self._texts_bytes < _TEXTS_LIMIT_BYTES:
            self._texts.append(chunk.id_texts)
            self._texts_bytes += chunk.id_texts.nbytes

    @property
    def hashes(self) -> Hashes:
        """One hash a row, equal for equal ids."""
        return np.concatenate(self._hashes) if self._hashes else np.empty(0, np.uint64)

    @property
    def line_runs(self) -> LineRuns:
        """Each row's line in the file."""
        return np.concatenate([np.empty((0, 2), np.int64), *self._line_runs])

    def name(self, position: int) -> str:
        """Returns how an error may name the id at a position: its line and the SHA-256 of its comparison key."""
        for hashes, runs, texts in zip_longest(self._hashes, self._line_runs, self._texts):
            if position < len(hashes):
                line = f"line {line_at(runs, position)}"
                return line if texts is None else f"{line}, id SHA-256 {_fingerprint(texts[position].as_py())}"
            position -= len(hashes)
        raise IndexError(position)


def line_at(runs: LineRuns, position: int) -> int:
    """Returns the line of a row."""
    ends = np.cumsum(runs[:, 1])
    run = int(np.searchsorted(ends, position, side="right"))
    return int(runs[run, 0] + runs[run, 1] - (ends[run] - position))


def _fingerprint(text: str) -> str:
    return id_fingerprint(comparison_key(text.encode()))


def _runs_of(numbers: Positions) -> LineRuns:
    first, last = int(numbers[0]), int(numbers[-1])
    if last - first + 1 == len(numbers):
        return np.array([[first, len(numbers)]], np.int64)
    starts = np.flatnonzero(np.diff(numbers, prepend=first - 2) != 1)
    return np.stack([numbers[starts], np.diff(starts, append=len(numbers))], axis=1)


@dataclass(frozen=True)
class Reconciliation:
    """How a file's ids and its manifest's differ.

    Attributes:
        unlisted: positions of rows whose id the manifest does not list (or not as often).
        left_over: positions of the manifest's records without a matching row.
    """

    unlisted: Positions
    left_over: Positions


def reconcile(documents: Hashes, manifest: Hashes) -> Reconciliation:
    """Compares a file's ids with its manifest's, as multisets.

    Args:
        documents: the hashes of the good rows' ids.
        manifest: the hashes of the manifest's ids.
    """
    same_order = np.array_equal(documents, manifest)
    if same_order or (len(documents) == len(manifest) and np.array_equal(np.sort(documents), np.sort(manifest))):
        return Reconciliation(_NONE, _NONE)
    _, numbers = np.unique(np.concatenate((documents, manifest)), return_inverse=True)
    found, listed = numbers[: len(documents)], numbers[len(documents) :]
    kinds = int(numbers.max()) + 1 if len(numbers) else 0
    unlisted = np.flatnonzero(_occurrence(found) >= np.bincount(listed, minlength=kinds)[found])
    left_over = np.flatnonzero(_occurrence(listed) >= np.bincount(found, minlength=kinds)[listed])
    return Reconciliation(unlisted, left_over)


def repeated(hashes: Hashes) -> tuple[Positions, Positions]:
    """Returns the positions of ids that occurred before, and for each the position of its previous occurrence."""
    ordered = np.sort(hashes)
    if not (ordered[1:] == ordered[:-1]).any():
        return _NONE, _NONE
    order = np.argsort(hashes, kind="stable")
    same = np.flatnonzero(hashes[order][1:] == hashes[order][:-1])
    again, before = order[same + 1], order[same]
    by_position = np.argsort(again, kind="stable")
    return again[by_position], before[by_position]


def _occurrence(numbers: Positions) -> Positions:
    """Returns for each entry the number of equal entries before it."""
    order = np.argsort(numbers, kind="stable")
    ordered = numbers[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1]))) if len(numbers) else numbers
    counts = np.diff(np.append(starts, len(numbers)))
    result: Positions = np.empty(len(numbers), np.int64)
    result[order] = np.arange(len(numbers)) - np.repeat(starts, counts)
    return result
