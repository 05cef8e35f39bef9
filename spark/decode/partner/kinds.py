"""Infers the type of a new column: the narrowest that holds every value of its first day (bigint, double and so on)."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import pyarrow as pa
import pyarrow.compute as pc


class Kind(StrEnum):
    """A type that can be inferred, by its Hive name; `NOTHING` if there was no value."""

    NOTHING = ""
    BIGINT = "bigint"
    DOUBLE = "double"
    BOOLEAN = "boolean"
    TIMESTAMP = "timestamp"
    STRING = "string"

    @property
    def column_type(self) -> str:
        """The type of the column: a string where there was no value."""
        return self.value or Kind.STRING.value


INTEGER = r"^(?:0|-?[1-9][0-9]{0,17})$"
"""Integers that are one beyond doubt: no sign `+`, no leading zero that would be lost, within 64 bits."""
_NUMBER = r"^-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,15})?(?:[eE][+-]?[0-9]{1,2})?$"
_BOOLEAN = r"^(?i:true|false)$"
_TIMESTAMP = r"^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}$"
_OF_TEXT = ((Kind.BIGINT, INTEGER), (Kind.DOUBLE, _NUMBER), (Kind.BOOLEAN, _BOOLEAN), (Kind.TIMESTAMP, _TIMESTAMP))


def merged(kinds: Iterable[Kind]) -> Kind:
    """Returns the kind that holds values of all of these."""
    found = set(kinds) - {Kind.NOTHING}
    if not found:
        return Kind.NOTHING
    if found <= {Kind.BIGINT, Kind.DOUBLE}:
        return Kind.DOUBLE if Kind.DOUBLE in found else Kind.BIGINT
    return found.pop() if len(found) == 1 else Kind.STRING


def kind_of_texts(texts: pa.Array) -> Kind:
    """Returns the kind of a column of plain texts (CSV), nulls left out."""
    texts = texts.drop_null()
    if not len(texts):
        return Kind.NOTHING
    for kind, pattern in _OF_TEXT:
        if pc.all(pc.match_substring_regex(texts, pattern)).as_py():
            return kind if kind is not Kind.TIMESTAMP or _are_timestamps(texts) else Kind.STRING
    return Kind.STRING


def _are_timestamps(texts: pa.Array) -> bool:
    try:
        texts.cast(pa.timestamp("us"))
    except pa.ArrowInvalid:
        return False
    return True
