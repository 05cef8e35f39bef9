"""Extracts the values that a collection's tables need from whole chunks of documents.

A want is a value at a path with a type. Wants whose paths do not cross share one pass of the compiled reader
(`spark.native`) over a chunk. A value that the reader leaves out because it may not fit is judged by itself
(`spark.decode.exact`) and put in its place. How the columns are used is not known here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from spark.decode.exact import Judge, walk
from spark.decode.lines import Documents
from spark.native.columns import RAW, DocumentReader

_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])


class NotDocumentsError(ValueError):
    """The lines are not one JSON object each. Never leaves this room."""


@dataclass(frozen=True)
class Want:
    """A value asked of every document. `data_type` None asks for its JSON text as it stands (null where missing)."""

    path: tuple[str, ...]
    data_type: pa.DataType | None


@dataclass
class Answers:
    """A chunk's columns by want, one row a document, and what did not fit, as (row, want, path below it and text).

    A want without a type is answered by an array of `binary`.
    """

    columns: dict[Want, pa.Array] = field(default_factory=dict)
    misfits: list[tuple[int, Want, str]] = field(default_factory=list)


class Plan:
    """How the wants of a collection are answered."""

    def __init__(self, wants: Sequence[Want]) -> None:
        self._passes = [_Pass(tree, members) for tree, members in _divide(dict.fromkeys(wants))]

    def answer(self, documents: Documents) -> Answers:
        """Returns the answers of a chunk's documents.

        Raises:
            NotDocumentsError: a line is not one JSON object; only if that was not proved before.
        """
        answers = Answers()
        for each in self._passes:
            each.answer(documents, answers)
        return answers


class _Pass:
    """One reading of every document, for wants whose paths do not cross."""

    def __init__(self, tree: dict[str, Any], wants: list[Want]) -> None:
        self._wants = wants
        self._reader = DocumentReader(tree, [RAW if want.data_type is None else want.data_type for want in wants])

    def answer(self, documents: Documents, answers: Answers) -> None:
        found = self._reader.lines(documents.text, len(documents.ends))
        if found is None or (found.odd and not documents.is_proved):
            raise NotDocumentsError
        for want, array, rows in zip(self._wants, found.arrays, found.unfit, strict=True):
            answers.columns[want] = _mended(array, rows, _judged(documents, rows, want, answers)) if len(rows) else array


def _judged(documents: Documents, rows: npt.NDArray[np.intp], want: Want, answers: Answers) -> pa.Array:
    """Returns the values of some rows, each judged by itself."""
    raws = [walk(documents.line(int(row)), want.path) for row in rows]
    if want.data_type is None:
        return pa.array([raw or None for raw in raws], RAW)
    judge = Judge(want.data_type)
    values = []
    for row, raw in zip(rows, raws, strict=True):
        values.append(judge.value(raw, ""))
        answers.misfits.extend((int(row), want, entry) for entry in judge.entries)
        judge.entries.clear()
    return pa.array(values, want.data_type)


def _mended(array: pa.Array, rows: npt.NDArray[np.intp], values: pa.Array) -> pa.Array:
    """Returns an array with values put in the place of some of its rows."""
    places = np.arange(len(array))
    places[rows] = len(array) + np.arange(len(rows))
    return pa.concat_arrays([array, values]).take(pa.array(places))


def _divide(wants: Iterable[Want]) -> list[tuple[dict[str, Any], list[Want]]]:
    """Divides wants so that within a part no path is another's or leads through it; returns their trees and themselves."""
    parts: list[tuple[dict[str, Any], list[Want]]] = []
    for want in wants:
        for tree, members in parts:
            if _graft(tree, want, len(members)):
                members.append(want)
                break
        else:
            parts.append(({}, [want]))
            _graft(parts[-1][0], want, 0)
    return parts or [({}, [])]


def _graft(tree: dict[str, Any], want: Want, number: int) -> bool:
    """Adds a want to a tree of names by its number; False if its path crosses one that is there."""
    place = tree
    for name in want.path[:-1]:
        place = place.get(name, {})
        if isinstance(place, int):
            return False
    if want.path[-1] in place:
        return False
    place = tree
    for name in want.path[:-1]:
        place = place.setdefault(name, {})
    place[want.path[-1]] = number
    return True
