"""Hive type strings and the Arrow types that hold them, both ways.

The types on disk are chosen so that a schema may evolve without rewriting old partitions: every integer is stored as
bigint and every floating-point number as double. What a JSON value has to be to fit a type is judged in `exact`.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import NoReturn

import pyarrow as pa

from spark.errors import ConfigurationError

TIMESTAMP = pa.timestamp("us", tz="UTC")

_MAX_PRECISION = 38
_DEFAULT_PRECISION = 38
_DEFAULT_SCALE = 18

_SIMPLE: dict[str, pa.DataType] = {
    "string": pa.string(),
    "text": pa.string(),
    "boolean": pa.bool_(),
    "tinyint": pa.int64(),
    "smallint": pa.int64(),
    "int": pa.int64(),
    "integer": pa.int64(),
    "bigint": pa.int64(),
    "float": pa.float64(),
    "double": pa.float64(),
    "timestamp": TIMESTAMP,
    "date": pa.date32(),
}
_NAMES = (*_SIMPLE, "decimal", "struct", "array", "map")
_TOKEN = re.compile(r"\s*(?:(?P<word>[^\s<>(),:`]+)|(?P<mark>[<>(),:])|`(?P<quoted>[^`]*)`)")
_FIELD_NAME = re.compile(r"[\w$. ]+")


def parse_type(text: str) -> pa.DataType:
    """Returns the Arrow type that a Hive type string is stored as.

    Args:
        text: such as `bigint`, `decimal(18,2)` or `struct<a:string,b:array<timestamp>>`; case does not matter, except in
            the names of struct fields, which are matched to the document's as they are written.

    Raises:
        ConfigurationError: names the type string and the character where it goes wrong.
    """
    parser = _Parser(text)
    result = parser.type()
    parser.end()
    return result


def hive_type(data_type: pa.DataType) -> str:
    """Returns the Hive type string of an Arrow type that `parse_type` can give.

    Raises:
        ConfigurationError: Hive tables here hold no such type.
    """
    if pa.types.is_struct(data_type):
        return f"struct<{','.join(f'{field.name}:{hive_type(field.type)}' for field in data_type)}>"
    if pa.types.is_map(data_type):
        return f"map<{hive_type(data_type.key_type)},{hive_type(data_type.item_type)}>"
    if pa.types.is_list(data_type):
        return f"array<{hive_type(data_type.value_type)}>"
    if pa.types.is_decimal(data_type):
        return f"decimal({data_type.precision},{data_type.scale})"
    names: dict[pa.DataType, str] = {
        pa.string(): "string",
        pa.bool_(): "boolean",
        pa.int64(): "bigint",
        pa.float64(): "double",
        TIMESTAMP: "timestamp",
        pa.date32(): "date",
        pa.binary(): "binary",
    }
    if data_type not in names:
        raise ConfigurationError(f"no Hive type holds {data_type}", remedy=f"Use one of {', '.join(_NAMES)}")
    return names[data_type]


@dataclass
class _Parser:
    """Reads one type string from left to right."""

    text: str
    position: int = 0

    def type(self) -> pa.DataType:
        start = self.position
        name = self._word("a type").lower()
        if name == "decimal":
            return self._decimal()
        if name == "struct":
            return self._struct()
        if name == "array":
            self._expect("<")
            item = self.type()
            self._expect(">")
            return pa.list_(item)
        if name == "map":
            return self._map()
        if name not in _SIMPLE:
            self.position = start
            self._fail_on_name(name)
        return _SIMPLE[name]

    def end(self) -> None:
        if self.text[self.position :].strip():
            self._fail(f"nothing may follow here, but there is {self.text[self.position :].strip()!r}")

    def _decimal(self) -> pa.DataType:
        if self._peek() != "(":
            return pa.decimal128(_DEFAULT_PRECISION, _DEFAULT_SCALE)
        self._expect("(")
        precision, scale = self._integer(), 0
        if self._peek() == ",":
            self._expect(",")
            scale = self._integer()
        self._expect(")")
        if not 1 <= precision <= _MAX_PRECISION or scale > precision:
            self._fail(f"decimal({precision},{scale}) is not 1 to {_MAX_PRECISION} digits, of which no more after the point")
        return pa.decimal128(precision, scale)

    def _struct(self) -> pa.DataType:
        self._expect("<")
        fields: list[pa.Field] = []
        seen: set[str] = set()
        while True:
            name = self._field_name()
            if name.lower() in seen:
                self._fail(f"the struct has two fields {name!r} (Hive does not tell upper from lower case)")
            seen.add(name.lower())
            self._expect(":")
            fields.append(pa.field(name, self.type()))
            if self._peek() != ",":
                break
            self._expect(",")
        self._expect(">")
        return pa.struct(fields)

    def _map(self) -> pa.DataType:
        self._expect("<")
        key = self.type()
        if key != pa.string():
            self._fail("the keys of a map are strings: JSON has no others")
        self._expect(",")
        value = self.type()
        self._expect(">")
        return pa.map_(key, value)

    def _next(self) -> re.Match[str] | None:
        return _TOKEN.match(self.text, self.position)

    def _peek(self) -> str:
        match = self._next()
        return (match["mark"] or "") if match else ""

    def _word(self, wanted: str) -> str:
        match = self._next()
        if match is None or match["word"] is None:
            self._fail(f"expected {wanted}")
        self.position = match.end()
        return str(match["word"])

    def _field_name(self) -> str:
        match = self._next()
        name = match and (match["word"] or match["quoted"])
        if match is None or not name:
            self._fail("expected the name of a field")
        if not _FIELD_NAME.fullmatch(name):
            self._fail(f"Hive allows letters, digits, `_`, `$`, `.` and blanks in a struct's field, not {name!r}")
        self.position = match.end()
        return str(name)

    def _integer(self) -> int:
        word = self._word("a number")
        if not re.fullmatch(r"[0-9]{1,3}", word):
            self._fail(f"expected a number, not {word!r}")
        return int(word)

    def _expect(self, mark: str) -> None:
        match = self._next()
        if match is None or match["mark"] != mark:
            self._fail(f"expected {mark!r}")
        self.position = match.end()

    def _fail_on_name(self, name: str) -> NoReturn:
        near = difflib.get_close_matches(name, _NAMES, n=1)
        self._fail(f"there is no type {name!r}", f"Did you mean {near[0]}?" if near else "")

    def _fail(self, what: str, remedy: str = "") -> NoReturn:
        where = f"type {self.text!r}, character {self.position + 1}"
        raise ConfigurationError(what, where=where, remedy=remedy or f"Types are {', '.join(_NAMES)}")
