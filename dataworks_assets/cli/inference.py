"""Infers types that hold all values seen in some JSON documents. Pure; every inferred type is one a column may declare.

A type is widened by each document that needs it. What only text can hold becomes `string`, which keeps the JSON text.
`spark.decode.exact` defines how values are judged later.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from spark.decode.exact import MisfitError, read_timestamp

_BIGINT = range(-(2**63), 2**63)
_LARGEST_EXACT_DOUBLE = 2**53
_MOST_DIGITS = 38
_LEAST_DECIMAL_DIGITS = 18
_LONGEST_SCALE = 4
"""Numbers with more digits after the point are taken for measurements (double), not for amounts."""
_MOST_STRUCT_FIELDS = 60
"""An object with more different names than these is taken for a map."""
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}.*")
_FIELD_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_SIMPLE_KINDS: dict[type, str] = {type(None): "null", bool: "boolean", Decimal: "number", list: "array"}
_WRAPPED_DATES = frozenset({"d_date", "$date"})


@dataclass
class Seen:
    """What values stood in one place of the documents: how many of each kind, and what is inside of them."""

    kinds: Counter[str] = field(default_factory=Counter)
    integer_digits: int = 0
    scale: int = 0
    fields: dict[str, Seen] = field(default_factory=dict)
    items: Seen | None = None

    @property
    def count(self) -> int:
        """How often there was a value, null not counted."""
        return self.kinds.total() - self.kinds["null"]

    def add(self, value: Any) -> None:
        """Takes one more value into account."""
        kind = _kind(value)
        self.kinds[kind] += 1
        if kind in {"bigint", "number"}:
            self._add_number(Decimal(value))
        elif kind == "object":
            for name, inner in value.items():
                self.fields.setdefault(name, Seen()).add(inner)
        elif kind == "array":
            self.items = self.items or Seen()
            for item in value:
                self.items.add(item)

    def hive_type(self) -> str:
        """Returns the narrowest type that holds everything that was seen."""
        kinds = {kind for kind in self.kinds if kind != "null"}
        if kinds <= {"bigint", "number"} and kinds:
            return self._number_type()
        if kinds == {"object"}:
            return self._object_type()
        if kinds == {"array"}:
            return f"array<{self.items.hive_type() if self.items else 'string'}>"
        if kinds == {"date", "timestamp"}:
            return "timestamp"
        return next(iter(kinds)) if len(kinds) == 1 and kinds <= {"boolean", "date", "timestamp"} else "string"

    def _add_number(self, value: Decimal) -> None:
        self.integer_digits = max(self.integer_digits, value.adjusted() + 1 if value else 1)
        self.scale = max(self.scale, -int(value.as_tuple().exponent))

    def _number_type(self) -> str:
        if set(self.kinds) <= {"bigint", "null"}:
            return "bigint"
        scale = max(self.scale, 0)
        precision = max(_LEAST_DECIMAL_DIGITS, max(self.integer_digits, 1) + scale)
        if scale > _LONGEST_SCALE:
            return "double" if self.integer_digits <= len(str(_LARGEST_EXACT_DOUBLE)) - 1 else "string"
        return f"decimal({precision},{scale})" if precision <= _MOST_DIGITS else "string"

    def _object_type(self) -> str:
        names = [name.lower() for name in self.fields]
        fit = all(_FIELD_NAME.fullmatch(name) for name in self.fields) and len(set(names)) == len(names)
        types = {name: seen.hive_type() for name, seen in self.fields.items()}
        if types and fit and len(types) <= _MOST_STRUCT_FIELDS:
            return f"struct<{','.join(f'{name}:{hive_type}' for name, hive_type in types.items())}>"
        values = set(types.values())
        return f"map<string,{values.pop()}>" if len(values) == 1 else "string"


@dataclass(frozen=True)
class ProposedColumn:
    """A column that the documents suggest; `share` of them have a value there."""

    name: str
    hive_type: str
    path: tuple[str, ...]
    share: float


def read_document(text: str | bytes) -> dict[str, Any] | None:
    """Returns a JSON object with its numbers exact, None for text that is none."""
    try:
        value = json.loads(text, parse_float=Decimal)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def propose(root: Seen, *, skip: frozenset[tuple[str, ...]], taken: frozenset[str], documents: int) -> list[ProposedColumn]:
    """Returns a column for each field of the documents' root, in order of appearance.

    An object that no nested type can hold, because of its fields' names, gives a column for each of its fields.

    Args:
        root: everything that was seen.
        skip: paths that the layout shows anyway (times, and an id).
        taken: names that columns of the layout have.
        documents: how many were read.
    """
    names = set(taken)
    columns: list[ProposedColumn] = []
    for path, seen in _leaves(root, (), skip):
        name = column_name(path[-1])
        while name in names:
            name += "_value"
        names.add(name)
        columns.append(ProposedColumn(name, seen.hive_type(), path, seen.count / documents if documents else 0.0))
    return columns


def _leaves(seen: Seen, path: tuple[str, ...], skip: frozenset[tuple[str, ...]]) -> Iterator[tuple[tuple[str, ...], Seen]]:
    for key, inner in seen.fields.items():
        below = (*path, key)
        if below in skip:
            continue
        is_object = {kind for kind in inner.kinds if kind != "null"} == {"object"}
        if is_object and inner.fields and inner.hive_type() == "string":
            yield from _leaves(inner, below, skip)
        else:
            yield below, inner


def column_name(key: str) -> str:
    """Returns a field's name as Hive's readers like it: `contractType` is `contract_type`."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key)
    name = re.sub(r"[^A-Za-z0-9]+", "_", spaced).strip("_").lower()
    return name or "field"


def _kind(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return "bigint" if value in _BIGINT else "number"
    if isinstance(value, str):
        return _kind_of_text(value)
    if not isinstance(value, dict):
        return _SIMPLE_KINDS[type(value)]
    if len(value) == 1 and set(value) <= _WRAPPED_DATES and isinstance(inner := next(iter(value.values())), str):
        return "timestamp" if _kind_of_text(inner) in {"date", "timestamp"} else "string"
    return "object"


def _kind_of_text(text: str) -> str:
    shape = "date" if _DATE.fullmatch(text) else "timestamp" if _INSTANT.fullmatch(text) else "string"
    if shape != "string":
        try:
            read_timestamp(text)
        except MisfitError:
            return "string"
    return shape
