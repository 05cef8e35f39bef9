"""What every reader of partner files gives: batches of rows, a column by its source name, values as the source wrote them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from spark.decode.lines import QuarantinedLine
from spark.decode.partner.kinds import INTEGER, Kind, kind_of_texts, merged

if TYPE_CHECKING:
    pass

_STRING = msgspec.json.Decoder(str)
_JSON_INTEGER = re.compile(rb"-?[0-9]+")
_LARGEST_PLAIN = 10_000_000.0
_SMALLEST_PLAIN = 0.001
_WITH_BRACKETS = r'^["\[{]'
_PLAIN_DOUBLE = r"^-?[0-9]+\.[0-9]*[1-9]$"


@dataclass(frozen=True)
class SourceField:
    """A column as a file declares it; `pii` None where the format does not say."""

    name: str
    pii: bool | None = None


class SourceColumn(Protocol):
    """A batch of one source column's values."""

    @property
    def texts(self) -> pa.Array:
        """The values as the source wrote them, strings without their quotes; null where there is none."""

    @property
    def hash_texts(self) -> pa.Array:
        """The values as `row_hash_id` takes them."""

    def kind(self) -> Kind:
        """The narrowest type that holds them all."""


@dataclass(frozen=True)
class SourceBatch:
    """Some rows of a file.

    Attributes:
        columns: by source name, all of one length.
        rows: how many.
        quarantined: what was no row; its line number is the row's (CSV) or the element's (JSON), from 1.
        decoded_bytes: bytes of decoded text.
    """

    columns: Mapping[str, SourceColumn]
    rows: int
    quarantined: list[QuarantinedLine] = field(default_factory=list)
    decoded_bytes: int = 0


@dataclass(frozen=True)
class TextColumn:
    """Values of a CSV column."""

    texts: pa.Array

    @property
    def hash_texts(self) -> pa.Array:
        """Texts are hashed as they are."""
        return self.texts

    def kind(self) -> Kind:
        """See `SourceColumn`."""
        return kind_of_texts(self.texts)


@dataclass(frozen=True)
class JsonColumn:
    """Values of a JSON field, as an array of JSON texts; null where it is null or missing."""

    json_texts: pa.Array

    @classmethod
    def of(cls, raws: pa.Array | Sequence[bytes | None]) -> JsonColumn:
        """Returns the column of these JSON texts, UTF-8; None in the place of `null`.

        Raises:
            pa.ArrowInvalid: a text is not UTF-8.
        """
        array = raws if isinstance(raws, pa.Array) else pa.array(raws, pa.binary())
        return cls(array.cast(pa.string()))

    @property
    def _raws(self) -> list[bytes | None]:
        raws: list[bytes | None] = self.json_texts.cast(pa.binary()).to_pylist()
        return raws

    @cached_property
    def texts(self) -> pa.Array:
        """See `SourceColumn`."""
        array = self.json_texts
        if not pc.any(pc.match_substring_regex(array, _WITH_BRACKETS)).as_py():
            return array
        if pc.all(pc.starts_with(array, '"')).as_py() and not pc.any(pc.match_substring(array, "\\")).as_py():
            return pc.binary_slice(array.cast(pa.binary()), 1, -1).cast(pa.string())
        return pa.array([None if raw is None else _text(raw) for raw in self._raws], pa.string())

    @cached_property
    def hash_texts(self) -> pa.Array:
        """See `SourceColumn`: strings as they are, numbers as integers or as Java writes doubles, nested values compact."""
        array = self.json_texts
        if not pc.any(pc.match_substring_regex(array, r"^-?[0-9]+[.eE]|^-0$")).as_py():
            return self.texts
        others = pc.and_(pc.is_valid(array), pc.invert(_is_as_java_writes(array)))
        texts = [_hash_text(raw) for raw in array.filter(others).cast(pa.binary()).to_pylist()]
        return pc.replace_with_mask(array, others, pa.array(texts, pa.string()))

    def kind(self) -> Kind:
        """See `SourceColumn`."""
        array = self.json_texts.drop_null()
        if not len(array):
            return Kind.NOTHING
        if pc.all(pc.match_substring_regex(array, INTEGER)).as_py():
            return Kind.BIGINT
        return merged(_kind(raw) for raw in array.cast(pa.binary()).to_pylist())


def _is_as_java_writes(texts: pa.Array) -> pa.Array:
    """Which texts are a double's shortest in plain form already: `1.5`, not `1.50`, `1e3` or `7`."""
    numbers = pc.if_else(pc.match_substring_regex(texts, _PLAIN_DOUBLE), texts, pa.scalar(None, pa.string()))
    doubles = numbers.cast(pa.float64())
    sizes = pc.abs(doubles)
    is_plain = pc.and_(pc.greater_equal(sizes, _SMALLEST_PLAIN), pc.less(sizes, _LARGEST_PLAIN))
    return pc.and_(is_plain, pc.equal(doubles.cast(pa.string()), numbers)).fill_null(False)


def java_double(value: float) -> str:
    """Returns a double as Java writes it, with the fewest digits that tell it: `3.0`, `1.0E10`, `1.25E-5`."""
    if value in {float("inf"), float("-inf")}:
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0 or _SMALLEST_PLAIN <= abs(value) < _LARGEST_PLAIN:
        return repr(value)
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = whole + fraction
    power = int(exponent or 0) + len(whole) - 1
    leading = len(digits) - len(digits.lstrip("0"))
    digits, power = digits.lstrip("0"), power - leading
    return f"{sign}{digits[0]}.{digits[1:].rstrip('0') or '0'}E{power}"


def _text(raw: bytes) -> str:
    if raw.startswith(b'"'):
        return _string(raw)
    return msgspec.json.format(raw, indent=-1).decode() if raw[:1] in {b"{", b"["} else raw.decode()


def _hash_text(raw: bytes) -> str:
    if raw[:1] in b"-0123456789":
        return str(int(raw)) if _JSON_INTEGER.fullmatch(raw) else java_double(float(raw))
    return _text(raw)


def _string(raw: bytes) -> str:
    try:
        return _STRING.decode(raw)
    except msgspec.DecodeError:  # a lone surrogate's escape: no text, shown as U+FFFD
        import json

        text: str = json.loads(raw)
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _kind(raw: bytes) -> Kind:
    if raw in {b"true", b"false"}:
        return Kind.BOOLEAN
    if raw[:1] not in b"-0123456789":
        return Kind.STRING
    if _JSON_INTEGER.fullmatch(raw):
        return Kind.BIGINT if -(2**63) <= int(raw) < 2**63 else Kind.STRING
    return Kind.DOUBLE
