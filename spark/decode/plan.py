"""What a collection's tables ask of a document, and how whole chunks answer it.

A want is a value at a path with a type. Wants whose paths do not cross share one pass of msgspec's strict decoding over
a chunk. Where a chunk holds a value that may not fit a want, the chunk's column is judged value by value instead, with
the same result. What becomes of the columns is not known here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pyarrow as pa

from spark.decode.exact import Judge, walk
from spark.decode.lines import Documents
from spark.decode.plain import NULL, AnyText, Node, UnfitError, field_columns, node_of, struct_of

_PLACE = re.compile(r" - at `\$\[\d+\]\.(.*)`$", re.DOTALL)
_TIMES_TO_GIVE_UP = 4
"""Chunks after which a column that did not fit is no longer tried as a whole, for the rest of the file."""


class NotDocumentsError(ValueError):
    """The lines are not one JSON object each. Never leaves this room."""


@dataclass(frozen=True)
class Want:
    """A value asked of every document. `data_type` None asks for its JSON text as it stands (empty where missing)."""

    path: tuple[str, ...]
    data_type: pa.DataType | None


@dataclass
class Answers:
    """A chunk's columns by want, one row a document, and what did not fit, as (row, want, path below it and text).

    A want without a type is answered by a list of bytes, any other by an Arrow array.
    """

    columns: dict[Want, Any] = field(default_factory=dict)
    misfits: list[tuple[int, Want, str]] = field(default_factory=list)


@dataclass(frozen=True)
class _Ways:
    """Wants that are not asked for strictly: strings as any text, and wants left to be judged value by value."""

    any_text: frozenset[Want] = frozenset()
    exact: frozenset[Want] = frozenset()

    def without(self, wants: Iterable[Want]) -> _Ways:
        """Returns the ways after a strict decoding failed on these wants: each is asked for less strictly."""
        loose = {want for want in wants if want.data_type == pa.string()} - self.any_text
        return _Ways(self.any_text | loose, self.exact | (frozenset(wants) - loose))


class Plan:
    """How the wants of a collection are answered. Keeps in mind which columns did not fit, so make one a file."""

    def __init__(self, wants: Sequence[Want]) -> None:
        self._wants = tuple(dict.fromkeys(wants))
        self._misfits: Counter[Want] = Counter()
        self._passes: dict[_Ways, list[_Pass]] = {}

    def answer(self, documents: Documents) -> Answers:
        """Returns the answers of a chunk's documents.

        Raises:
            NotDocumentsError: a line is not one JSON object; only if that was not proved before.
        """
        answers = Answers()
        if documents.marked is None:
            self._answer_plain(documents, answers)
        left = [want for want in self._wants if want not in answers.columns]
        if left:
            _answer_exact(documents, left, answers)
        return answers

    def _answer_plain(self, documents: Documents, answers: Answers) -> None:
        """Answers what fits; asks again, less strictly, for what a pass stumbled over."""
        ways = _Ways().without([want for want, times in self._misfits.items() if times >= _TIMES_TO_GIVE_UP])
        while True:
            try:
                for each in self._passes_of(ways):
                    each.answer(documents, answers)
            except _StumbleError as stumble:
                ways = ways.without(stumble.wants)
                self._misfits.update(stumble.wants)
                answers.columns.clear()
                continue
            self._misfits.update(want for want in self._wants if want not in answers.columns and want not in ways.exact)
            return

    def _passes_of(self, ways: _Ways) -> list[_Pass]:
        if ways not in self._passes:
            self._passes[ways] = _make_passes([want for want in self._wants if want not in ways.exact], ways.any_text)
        return self._passes[ways]


class _StumbleError(ValueError):
    """A strict pass met a value of another type under these wants."""

    def __init__(self, wants: frozenset[Want]) -> None:
        super().__init__()
        self.wants = wants


class _RawText(Node):
    """A value's JSON text as it stands."""

    annotation = msgspec.Raw
    default = NULL

    def arrow(self, values: Sequence[Any]) -> list[bytes]:
        return list(map(bytes, values))


class _Branch(Node):
    """An object on the way to wanted values. One that is missing or null has none of them."""

    def __init__(self, tree: dict[str, Any], any_text: frozenset[Want]) -> None:
        super().__init__(pa.null())
        self.children = [
            _Branch(inner, any_text) if isinstance(inner, dict) else _Leaf(inner, _leaf_node(inner, any_text))
            for inner in tree.values()
        ]
        self.kind = struct_of(tuple(zip(tree, self.children, strict=True)))
        self.annotation = self.kind | None
        self._empty = self.kind()

    def answer(self, values: Sequence[Any], answers: Answers) -> None:
        if None in values:
            values = [self._empty if value is None else value for value in values]
        for child, column in zip(self.children, field_columns(values, len(self.children)), strict=True):
            child.answer(column, answers)

    def arrow(self, values: Sequence[Any]) -> pa.Array:
        raise UnfitError


class _Leaf(Node):
    """A wanted value. One that may not fit is left unanswered."""

    def __init__(self, want: Want, node: Node) -> None:
        super().__init__(want.data_type)
        self.want = want
        self._node = node
        self.annotation, self.default = self._node.annotation, self._node.default

    def answer(self, values: Sequence[Any], answers: Answers) -> None:
        try:
            answers.columns[self.want] = self._node.arrow(values)
        except UnfitError:
            return

    def arrow(self, values: Sequence[Any]) -> pa.Array:
        return self._node.arrow(values)


def _leaf_node(want: Want, any_text: frozenset[Want]) -> Node:
    if want.data_type is None:
        return _RawText(pa.binary())
    return AnyText(want.data_type) if want in any_text else node_of(want.data_type)


@dataclass
class _Pass:
    """One strict decoding of every document, for wants whose paths do not cross."""

    root: _Branch
    wants: list[Want]
    decoder: msgspec.json.Decoder[Any] = field(init=False)

    def __post_init__(self) -> None:
        self.decoder = msgspec.json.Decoder(self.root.kind)

    def answer(self, documents: Documents, answers: Answers) -> None:
        try:
            found = self.decoder.decode_lines(documents.text)
        except msgspec.ValidationError as error:
            raise _StumbleError(self._concerned(error)) from error
        except (msgspec.DecodeError, RecursionError) as error:
            raise NotDocumentsError from error
        if len(found) != len(documents.ends):
            raise NotDocumentsError
        self.root.answer(found, answers)

    def _concerned(self, error: msgspec.ValidationError) -> frozenset[Want]:
        """Returns the wants that a strict decoding failed on, by the first name of the place in its message."""
        match = _PLACE.search(str(error))
        if match is None:
            raise NotDocumentsError from error
        place = match[1]
        wants = {want for want in self.wants if _begins_with(place, want.path[0])}
        return frozenset(wants or self.wants)


def _begins_with(place: str, name: str) -> bool:
    return place.startswith(name) and place[len(name) :][:1] in {"", ".", "["}


def _make_passes(wants: Sequence[Want], any_text: frozenset[Want]) -> list[_Pass]:
    """Divides the wants so that within a pass no path is another's or leads through it; at least one pass."""
    trees: list[tuple[dict[str, Any], list[Want]]] = [({}, [])]
    for want in wants:
        for tree, members in trees:
            if _graft(tree, want):
                members.append(want)
                break
        else:
            tree = {}
            _graft(tree, want)
            trees.append((tree, [want]))
    return [_Pass(_Branch(tree, any_text), members) for tree, members in trees]


def _graft(tree: dict[str, Any], want: Want) -> bool:
    """Adds a want to a tree of names; False if its path crosses one that is there."""
    place = tree
    for name in want.path[:-1]:
        inner = place.get(name, {})
        if isinstance(inner, Want):
            return False
        place = inner
    if want.path[-1] in place:
        return False
    place = tree
    for name in want.path[:-1]:
        place = place.setdefault(name, {})
    place[want.path[-1]] = want
    return True


def _answer_exact(documents: Documents, wants: Sequence[Want], answers: Answers) -> None:
    """Answers wants value by value."""
    names = tuple(dict.fromkeys(want.path[0] for want in wants))
    raw_text = _RawText(pa.binary())
    decoder = msgspec.json.Decoder(struct_of(tuple((name, raw_text) for name in names)))
    rows = [decoder.decode(line) for line in documents.split()]
    columns = dict(zip(names, field_columns(rows, len(names)), strict=True))
    for want in wants:
        raws = [walk(bytes(value), want.path[1:]) for value in columns[want.path[0]]]
        answers.columns[want] = raws if want.data_type is None else _judge(raws, want, answers)


def _judge(raws: list[bytes], want: Want, answers: Answers) -> pa.Array:
    judge = Judge(want.data_type)
    values = []
    for row, raw in enumerate(raws):
        values.append(judge.value(raw, ""))
        answers.misfits.extend((row, want, entry) for entry in judge.entries)
        judge.entries.clear()
    return pa.array(values, want.data_type)
