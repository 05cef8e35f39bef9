"""Columns of values that all fit their declared type, from msgspec's strict decoding to Arrow, a column at a time.

A node knows the annotation that msgspec decodes by and turns the decoded values into an Arrow array. What may not fit
is never judged here: `UnfitError` leaves the chunk's column to `spark.decode.exact`, which gives the same values.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from itertools import chain
from operator import attrgetter
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import structs

from spark.decode.exact import INSTANTS, LARGEST_EXACT_DOUBLE, json_string
from spark.decode.types import TIMESTAMP

NULL = msgspec.Raw(b"null")

_D_DATE = attrgetter("d_date")
_DECIMAL = r'^(?:-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?|"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")$'


class UnfitError(ValueError):
    """A column holds a value that may not fit its type. Never leaves this room."""


class Wrapped(msgspec.Struct, gc=False, eq=False, forbid_unknown_fields=True):
    """A date in the producer's wrapped shape, `{"d_date": "..."}`."""

    d_date: str


class Node(ABC):
    """One declared type."""

    annotation: Any
    default: Any = None

    def __init__(self, data_type: pa.DataType) -> None:
        self.data_type = data_type

    @abstractmethod
    def arrow(self, values: Sequence[Any]) -> pa.Array:
        """Returns the decoded values as an Arrow array.

        Raises:
            UnfitError: one of them may not fit.
        """


def node_of(data_type: pa.DataType) -> Node:
    """Returns the node of a type that `parse_type` can give."""
    if pa.types.is_struct(data_type):
        return _Struct(data_type)
    if pa.types.is_map(data_type):
        return _Map(data_type)
    if pa.types.is_list(data_type):
        return _List(data_type)
    if pa.types.is_decimal(data_type):
        return _Decimal(data_type)
    kinds: dict[pa.DataType, type[Node]] = {
        pa.string(): _String,
        pa.bool_(): _Boolean,
        pa.int64(): _Integer,
        pa.float64(): _Double,
        TIMESTAMP: _Timestamp,
        pa.date32(): _Date,
    }
    return kinds[data_type](data_type)


def field_columns(values: Sequence[msgspec.Struct], count: int) -> Sequence[Sequence[Any]]:
    """Returns the fields of like structs as `count` columns."""
    return list(zip(*map(structs.astuple, values), strict=True)) if values else [()] * count


class _String(Node):
    annotation = str | None

    def arrow(self, values: Sequence[Any]) -> pa.Array:
        return pa.array(values, pa.string())


class AnyText(Node):
    """A string column that holds other values too: a string's text, any other value's JSON text as it stands."""

    annotation = msgspec.Raw
    default = NULL

    def arrow(self, values: Sequence[Any]) -> pa.Array:
        """Returns the texts; whatever a value is, it fits."""
        return pa.array([_text(raw) for raw in map(bytes, values)], pa.string())


def _text(raw: bytes) -> bytes | str | None:
    if raw.startswith(b'"'):
        return json_string(raw) if b"\\" in raw else raw[1:-1]
    return None if raw == b"null" else raw


class _Boolean(Node):
    annotation = bool | None

    def arrow(self, values: Sequence[Any]) -> pa.Array:
        return pa.array(values, pa.bool_())


class _Integer(Node):
    annotation = int | None

    def arrow(self, values: Sequence[Any]) -> pa.Array:
        try:
            return pa.array(values, pa.int64())
        except (OverflowError, pa.ArrowInvalid) as error:
            raise UnfitError from error


class _Double(Node):
    annotation = float | None

    def arrow(self, values: Sequence[Any]) -> pa.Array:
        array = pa.array(values, pa.float64())
        bounds = pc.min_max(array).as_py()
        largest = max(abs(bounds["min"] or 0.0), abs(bounds["max"] or 0.0))
        if largest >= LARGEST_EXACT_DOUBLE:
            raise UnfitError
        return array


class _Decimal(Node):
    annotation = msgspec.Raw
    default = NULL

    def arrow(self, values: Sequence[Any]) -> pa.Array:
        texts = pa.array(list(map(bytes, values)), pa.string())
        texts = pc.if_else(pc.equal(texts, "null"), None, texts)
        if pc.all(pc.match_substring_regex(texts, _DECIMAL), min_count=0).as_py() is not True:
            raise UnfitError
        try:
            return pc.utf8_trim(texts, '"').cast(self.data_type)
        except pa.ArrowInvalid as error:
            raise UnfitError from error


class _Timestamp(Node):
    annotation = str | Wrapped | None

    def arrow(self, values: Sequence[Any]) -> pa.Array:
        texts = pa.array(_instant_texts(values), pa.string())
        array = _first(lambda: texts.cast(TIMESTAMP), lambda: texts.cast(pa.timestamp("us")).cast(TIMESTAMP))
        bounds = pc.min_max(array.cast(pa.int64())).as_py()
        if bounds["min"] is not None and (bounds["min"] < INSTANTS.start or bounds["max"] >= INSTANTS.stop):
            raise UnfitError
        return array


def _instant_texts(values: Sequence[Any]) -> list[str | None]:
    try:
        return list(map(_D_DATE, values))
    except AttributeError:  # one is null or bare
        return [value.d_date if type(value) is Wrapped else value for value in values]


class _Date(_Timestamp):
    def arrow(self, values: Sequence[Any]) -> pa.Array:
        array = super().arrow(values)
        days = array.cast(pa.date32(), safe=False)
        if not days.cast(TIMESTAMP).equals(array):
            raise UnfitError
        return days


class _Struct(Node):
    def __init__(self, data_type: pa.StructType) -> None:
        super().__init__(data_type)
        self._fields = list(data_type)
        self._nodes = [node_of(inner.type) for inner in self._fields]
        kind = struct_of(tuple((inner.name, node) for inner, node in zip(self._fields, self._nodes, strict=True)))
        self.annotation = kind | None
        self._empty = kind()

    def arrow(self, values: Sequence[Any]) -> pa.Array:
        values, mask = _without_nulls(values, self._empty)
        columns = field_columns(values, len(self._nodes))
        arrays = [node.arrow(column) for node, column in zip(self._nodes, columns, strict=True)]
        return pa.StructArray.from_arrays(arrays, fields=self._fields, mask=mask)


class _List(Node):
    def __init__(self, data_type: pa.ListType) -> None:
        super().__init__(data_type)
        self._item = node_of(data_type.value_type)
        self.annotation = list[self._item.annotation] | None  # type: ignore[name-defined]

    def arrow(self, values: Sequence[Any]) -> pa.Array:
        values, mask = _without_nulls(values, [])
        items = self._item.arrow(list(chain.from_iterable(values)))
        return pa.ListArray.from_arrays(_offsets(values), items, type=self.data_type, mask=mask)


class _Map(Node):
    def __init__(self, data_type: pa.MapType) -> None:
        super().__init__(data_type)
        self._item = node_of(data_type.item_type)
        self.annotation = dict[str, self._item.annotation] | None  # type: ignore[name-defined]

    def arrow(self, values: Sequence[Any]) -> pa.Array:
        values, mask = _without_nulls(values, {})
        keys = pa.array(list(chain.from_iterable(values)), pa.string())
        items = self._item.arrow(list(chain.from_iterable(map(dict.values, values))))
        return pa.MapArray.from_arrays(_offsets(values), keys, items, type=self.data_type, mask=mask)


def struct_of(fields: tuple[tuple[str, Node], ...]) -> type[msgspec.Struct]:
    """Returns a msgspec class with a field for each (JSON name, node); a field that is missing has the node's default."""
    names = {f"f{number}": name for number, (name, _) in enumerate(fields)}
    declared = [(f"f{number}", node.annotation, node.default) for number, (_, node) in enumerate(fields)]
    return msgspec.defstruct("Decoded", declared, rename=names, gc=False, eq=False)


def _without_nulls(values: Sequence[Any], empty: Any) -> tuple[Sequence[Any], pa.Array | None]:
    """Returns the values with `empty` for every null, and which were null (None where none was)."""
    if all(values) or None not in values:  # the first is faster, and true unless one is null or empty
        return values, None
    mask = pa.array([value is None for value in values], pa.bool_())
    return [empty if value is None else value for value in values], mask


def _offsets(values: Sequence[Any]) -> pa.Array:
    offsets: npt.NDArray[np.int32] = np.zeros(len(values) + 1, np.int32)
    np.cumsum(list(map(len, values)), out=offsets[1:])
    return pa.array(offsets)


def _first(*attempts: Any) -> pa.Array:
    for attempt in attempts:
        try:
            return attempt()
        except pa.ArrowInvalid:
            continue
    raise UnfitError
