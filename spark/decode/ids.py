"""The ids of a file or a slice: which are there twice, and whether they are the manifest's.

Works on the hashes that the decoder and the manifest's reader give, so no id is kept as an object. Errors name an id by
its SHA-256 and its line: ids are personal data. What follows from a problem is decided elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from spark.decode.documents import DecodedChunk
from spark.sources.ids import comparison_key, id_fingerprint

Hashes = npt.NDArray[np.uint64]
Positions = npt.NDArray[np.int64]


@dataclass
class IdLog:
    """The ids of one file's rows, in their order. Filled chunk by chunk."""

    _hashes: list[Hashes] = field(default_factory=list)
    _line_numbers: list[Positions] = field(default_factory=list)
    _texts: list[pa.Array] = field(default_factory=list)

    def add(self, chunk: DecodedChunk) -> None:
        """Takes down a chunk's ids; a chunk without ids leaves no trace."""
        if chunk.id_texts is not None:
            self._hashes.append(chunk.ids)
            self._line_numbers.append(chunk.line_numbers)
            self._texts.append(chunk.id_texts)

    @property
    def hashes(self) -> Hashes:
        """One hash a row, equal for equal ids."""
        return np.concatenate(self._hashes) if self._hashes else np.empty(0, np.uint64)

    @property
    def line_numbers(self) -> Positions:
        """Each row's line in the file."""
        return np.concatenate(self._line_numbers) if self._line_numbers else np.empty(0, np.int64)

    def line(self, position: int) -> int:
        """Returns the line of the row at a position."""
        return int(self.line_numbers[position])

    def name(self, position: int) -> str:
        """Returns how an error may name the id at a position: its line and the SHA-256 of its comparison key."""
        text = str(pa.chunked_array(self._texts)[position].as_py())
        return f"line {self.line(position)}, id SHA-256 {id_fingerprint(comparison_key(text.encode()))}"


@dataclass(frozen=True)
class Reconciliation:
    """What a file's ids and its manifest's do not share.

    Attributes:
        unlisted: positions of rows whose id the manifest does not list (or not as often).
        left_over: positions of the manifest's records that no row answers.
        quarantined: lines of the file that are no row.
    """

    unlisted: Positions
    left_over: Positions
    quarantined: int

    @property
    def agrees(self) -> bool:
        """Whether every row is listed and what is left over is as much as was quarantined."""
        return not len(self.unlisted) and len(self.left_over) == self.quarantined


def reconcile(documents: Hashes, manifest: Hashes, *, quarantined: int) -> Reconciliation:
    """Compares a file's ids with its manifest's, as multisets.

    Args:
        documents: the hashes of the good rows' ids.
        manifest: the hashes of the manifest's ids.
        quarantined: how many lines of the file are no row.
    """
    if np.array_equal(documents, manifest):
        none: Positions = np.empty(0, np.int64)
        return Reconciliation(none, none, quarantined)
    _, numbers = np.unique(np.concatenate((documents, manifest)), return_inverse=True)
    found, listed = numbers[: len(documents)], numbers[len(documents) :]
    kinds = int(numbers.max()) + 1 if len(numbers) else 0
    unlisted = np.flatnonzero(_occurrence(found) >= np.bincount(listed, minlength=kinds)[found])
    left_over = np.flatnonzero(_occurrence(listed) >= np.bincount(found, minlength=kinds)[listed])
    return Reconciliation(unlisted, left_over, quarantined)


def repeated(hashes: Hashes) -> tuple[Positions, Positions]:
    """Returns the positions of ids that were there before, and for each the position of the one before it."""
    order = np.argsort(hashes, kind="stable")
    same = np.flatnonzero(hashes[order][1:] == hashes[order][:-1])
    again, before = order[same + 1], order[same]
    by_position = np.argsort(again, kind="stable")
    return again[by_position], before[by_position]


def _occurrence(numbers: Positions) -> Positions:
    """Returns for each entry how many equal ones stand before it."""
    order = np.argsort(numbers, kind="stable")
    ordered = numbers[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1]))) if len(numbers) else numbers
    counts = np.diff(np.append(starts, len(numbers)))
    result: Positions = np.empty(len(numbers), np.int64)
    result[order] = np.arange(len(numbers)) - np.repeat(starts, counts)
    return result
