r"""What a single JSON value is worth under a declared type: the one place that says what fits and what does not.

`spark.native` does the same for whole texts of documents whose values fit, some twenty times faster; wherever it
meets one that may not fit it leaves the value to this module. Nothing is ever rounded, cut or turned into another value:

- string: a JSON string's text; any other value's JSON text as it stands (`1.50`, `{"a":1}`).
- boolean: `true` and `false`. bigint: a number of integral value (`1`, `1.0`, `1e3`) within 64 bits; never a string.
- double: a number, as the nearest double; an integer that a double cannot hold exactly, or one beyond it, does not fit.
- decimal(p,s): a number, or a string that is one (JSON has no other exact form), that needs no more digits.
- timestamp: ISO 8601 text, bare or wrapped (`{"d_date":"..."}`), with a zone or taken as UTC, to the microsecond.
- date: the same at midnight UTC, or `YYYY-MM-DD`.
- struct, array, map: an object, an array, an object; what does not fit inside becomes null there.
- `null` and a missing value are null under every type. A lone surrogate becomes U+FFFD in a string, with an entry.
"""

from __future__ import annotations

import datetime as dt
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec
import pyarrow as pa

from spark.decode.types import TIMESTAMP, hive_type

INSTANTS = range(-62_135_596_800_000_000, 253_402_300_800_000_000)
"""Microseconds since 1970 of the years 1 to 9999 UTC: what every reader knows."""

LARGEST_EXACT_DOUBLE = 2**53
"""Integers up to here are all exact in a double."""

_SHOWN_CHARACTERS = 200
_NUMBER = re.compile(rb"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_INTEGER = re.compile(rb"-?[0-9]+")
_LONGEST_INT64 = 20
_BIGINT = range(-(2**63), 2**63)
_MICROSECONDS_A_DAY = 86_400_000_000
_INSTANT = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:[ T]([0-9]{2})(?::([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,6})0*)?)?)?(Z|[+-][0-9]{2}(?::?[0-5][0-9])?)?)?"
)
_LARGEST_HOUR = 23
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)

_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])
_STRING = msgspec.json.Decoder(str)

_MARK = f"\ufdd0{secrets.token_hex(8)}:"
"""Stands for a lone surrogate's escape while a document is decoded; random, so that no document holds it by itself."""
_LONE = re.compile(
    rb"\\(?:u([dD][89abAB][0-9a-fA-F]{2})(\\u[dD][c-fC-F][0-9a-fA-F]{2})?|u([dD][c-fC-F][0-9a-fA-F]{2})|.)", re.S
)
_MARKED = re.compile(_MARK + "([0-9a-fA-F]{4})")
_MARKED_BYTES = re.compile(_MARKED.pattern.encode())


def mark_lone_surrogates(text: bytes) -> bytes:
    """Returns JSON text with every lone surrogate escape replaced by a mark that a decoder accepts."""

    def mark(match: re.Match[bytes]) -> bytes:
        lone = match[3] or (match[1] if match[2] is None else None)
        return _MARK.encode() + lone if lone else match[0]

    return _LONE.sub(mark, text)


def unmark(text: bytes) -> bytes:
    r"""Returns JSON text with its marks turned back into the escapes they stand for (`\ud800`)."""
    return _MARKED_BYTES.sub(rb"\\u\1", text)


class MisfitError(ValueError):
    """A value does not fit its type. Never leaves this room."""


@dataclass
class Judge:
    """Judges values of one type. `entries` collects what did not fit, as `<path>: <value> is no <type>`."""

    data_type: pa.DataType
    entries: list[str] = field(default_factory=list)

    def value(self, raw: bytes, path: str) -> Any:
        """Returns what Arrow takes for the value, None where it is null or does not fit."""
        return self._value(raw, self.data_type, path)

    def _value(self, raw: bytes, data_type: pa.DataType, path: str) -> Any:
        if raw in {b"", b"null"}:
            return None
        try:
            return self._fitting(raw, data_type, path)
        except MisfitError:
            self.entries.append(f"{path}: {_shown(raw)} is no {hive_type(data_type)}")
            return None

    def _fitting(self, raw: bytes, data_type: pa.DataType, path: str) -> Any:
        if pa.types.is_struct(data_type):
            return self._struct(raw, data_type, path)
        if pa.types.is_map(data_type):
            return self._map(raw, data_type, path)
        if pa.types.is_list(data_type):
            items = _array(raw)
            return [self._value(bytes(item), data_type.value_type, f"{path}[{n}]") for n, item in enumerate(items)]
        if data_type == pa.string():
            return self._string(raw, path)
        return scalar_reader(data_type)(raw)

    def _string(self, raw: bytes, path: str) -> str:
        if not raw.startswith(b'"'):
            return unmark(raw).decode()
        return self._text(json_string(raw), raw, path)

    def _text(self, text: str, raw: bytes, path: str) -> str:
        if _MARK not in text:
            return text
        self.entries.append(f"{path}: a lone surrogate became U+FFFD in {_shown(raw)}")
        return _MARKED.sub("\ufffd", text)

    def _struct(self, raw: bytes, data_type: pa.StructType, path: str) -> dict[str, Any]:
        found = _object(raw)
        return {
            inner.name: self._value(bytes(found.get(inner.name, b"")), inner.type, f"{path}.{inner.name}")
            for inner in data_type
        }

    def _map(self, raw: bytes, data_type: pa.MapType, path: str) -> list[tuple[str, Any]]:
        return [
            (self._text(key, raw, path), self._value(bytes(item), data_type.item_type, f"{path}[{key!r}]"))
            for key, item in _object(raw).items()
        ]


def json_string(raw: bytes) -> str:
    """Returns the text of a JSON string."""
    return _STRING.decode(raw)


def walk(raw: bytes, path: tuple[str, ...]) -> bytes:
    """Returns the JSON value that a path leads to inside another one; empty where it leads nowhere."""
    for name in path:
        if not raw.startswith(b"{"):
            return b""
        raw = bytes(_OBJECT.decode(raw).get(name, b""))
    return raw


def read_timestamp(text: str) -> int:
    """Returns microseconds since 1970 UTC of an ISO 8601 text.

    Raises:
        MisfitError: it is none, or not a possible one, or finer than a microsecond.
    """
    match = _INSTANT.fullmatch(text)
    if match is None:
        raise MisfitError
    year, month, day, hour, minute, second = (int(number or 0) for number in match.groups()[:6])
    fraction, zone = match[7], match[8]
    try:
        instant = dt.datetime(year, month, day, hour, minute, second, tzinfo=dt.UTC)
    except ValueError as error:
        raise MisfitError from error
    value = (instant - _EPOCH) // _MICROSECOND + int((fraction or "0").ljust(6, "0")) - _zone_microseconds(zone)
    if value not in INSTANTS:
        raise MisfitError
    return value


def _zone_microseconds(zone: str | None) -> int:
    if zone is None or zone == "Z":
        return 0
    hours, minutes = int(zone[1:3]), int(zone[-2:]) if len(zone) > len("+01") else 0
    if hours > _LARGEST_HOUR:
        raise MisfitError
    return (hours * 60 + minutes) * 60_000_000 * (-1 if zone.startswith("-") else 1)


def _timestamp(raw: bytes) -> int:
    return read_timestamp(_instant_text(raw))


def _date(raw: bytes) -> int:
    days, rest = divmod(read_timestamp(_instant_text(raw)), _MICROSECONDS_A_DAY)
    if rest:
        raise MisfitError
    return days


def _instant_text(raw: bytes) -> str:
    if raw.startswith(b"{"):
        wrapped = _object(raw)
        if list(wrapped) != ["d_date"]:
            raise MisfitError
        raw = bytes(wrapped["d_date"])
    if not raw.startswith(b'"'):
        raise MisfitError
    return json_string(raw)


def _boolean(raw: bytes) -> bool:
    if raw not in {b"true", b"false"}:
        raise MisfitError
    return raw == b"true"


def _bigint(raw: bytes) -> int:
    if not _NUMBER.fullmatch(raw):
        raise MisfitError
    if _INTEGER.fullmatch(raw) and len(raw) <= _LONGEST_INT64:
        value = int(raw)
    else:
        value = int(_exact_decimal(raw, pa.decimal128(19, 0)))
    if value not in _BIGINT:
        raise MisfitError
    return value


def _double(raw: bytes) -> float:
    if not _NUMBER.fullmatch(raw):
        raise MisfitError
    value = float(raw)
    if value in {float("inf"), float("-inf")}:
        raise MisfitError
    if abs(value) >= LARGEST_EXACT_DOUBLE and _INTEGER.fullmatch(raw) and int(raw) != int(value):
        raise MisfitError
    return value


def _decimal_reader(data_type: pa.Decimal128Type) -> Callable[[bytes], Decimal]:
    def read(raw: bytes) -> Decimal:
        text = raw[1:-1] if raw.startswith(b'"') else raw
        if not _NUMBER.fullmatch(text):
            raise MisfitError
        return _exact_decimal(text, data_type)

    return read


def _exact_decimal(text: bytes, data_type: pa.Decimal128Type) -> Decimal:
    """Returns the number that a JSON number's text is, if the type has the digits for all of it."""
    try:
        value = Decimal(text.decode())
    except InvalidOperation as error:
        raise MisfitError from error
    if not value:
        return Decimal(0)
    sign, digits, exponent = value.as_tuple()
    significant = tuple(map(int, "".join(map(str, digits)).rstrip("0")))
    places = -(int(exponent) + len(digits) - len(significant))
    if value.adjusted() >= data_type.precision - data_type.scale or places > data_type.scale:
        raise MisfitError
    return Decimal((sign, significant, -places))


def scalar_reader(data_type: pa.DataType) -> Callable[[bytes], Any]:
    """Returns what reads the JSON text of one value of a scalar type; it raises MisfitError where the value does not fit."""
    if pa.types.is_decimal(data_type):
        return _decimal_reader(data_type)
    readers: dict[pa.DataType, Callable[[bytes], Any]] = {
        pa.bool_(): _boolean,
        pa.int64(): _bigint,
        pa.float64(): _double,
        TIMESTAMP: _timestamp,
        pa.date32(): _date,
    }
    return readers[data_type]


def _object(raw: bytes) -> dict[str, msgspec.Raw]:
    if not raw.startswith(b"{"):
        raise MisfitError
    return _OBJECT.decode(raw)


def _array(raw: bytes) -> list[msgspec.Raw]:
    if not raw.startswith(b"["):
        raise MisfitError
    return _ARRAY.decode(raw)


def _shown(raw: bytes) -> str:
    text = unmark(raw).decode()
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
