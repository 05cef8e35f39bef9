"""The output of every reader of partner files: batches of rows, columns by source name, values as the source wrote them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from spark.decode.lines import QuarantinedLine
from spark.decode.partner.kinds import INTEGER, Kind, kind_of_texts, merged
from spark.native.columns import Form

_STRING = msgspec.json.Decoder(str)
_JSON_INTEGER = re.compile(rb"-?[0-9]+")
_LARGEST_PLAIN = 10_000_000.0
_SMALLEST_PLAIN = 0.001
_FORMS = {b'"': Form.STRING, b"t": Form.BOOLEAN, b"f": Form.BOOLEAN}
_KINDS = {Form.STRING: Kind.STRING, Form.BOOLEAN: Kind.BOOLEAN, Form.NESTED: Kind.STRING}
_PLAIN_DOUBLE = r"^-?[0-9]+\.[0-9]*[1-9]$"


@dataclass(frozen=True)
class SourceField:
    """A column as a file declares it; `pii` is None if the format does not say."""

    name: str
    pii: bool | None = None


class SourceColumn(Protocol):
    """A batch of one source column's values."""

    @property
    def texts(self) -> pa.Array:
        """The values as the source wrote them, strings without quotes; null for missing values."""

    @property
    def hash_texts(self) -> pa.Array:
        """The values in the form that goes into `row_hash_id`."""

    def kind(self) -> Kind:
        """The narrowest type that holds them all."""


@dataclass(frozen=True)
class SourceBatch:
    """Some rows of a file.

    Attributes:
        columns: by source name, all of one length.
        rows: the number of rows.
        quarantined: what is no row; its line number is that of the row (CSV) or of the element (JSON), from 1.
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
    """Values of a JSON field, null where one is null or missing.

    Attributes:
        plain_texts: the text of strings, the unchanged JSON text of any other value.
        forms: the form of each value (`spark.native.columns.Form`), 0 if there is none.
    """

    plain_texts: pa.Array
    forms: npt.NDArray[np.int8]

    @classmethod
    def of(cls, values: pa.StructArray) -> JsonColumn:
        """Returns the column of values read as `ANY`.

        Raises:
            pa.ArrowInvalid: a text is not UTF-8.
        """
        texts, forms = values.flatten()
        texts.validate(full=True)
        return cls(texts, np.asarray(forms.fill_null(0)))

    @classmethod
    def of_texts(cls, raws: Sequence[bytes | None]) -> JsonColumn:
        """Returns the column of JSON texts, each looked at by itself; None where there is none.

        Raises:
            pa.ArrowInvalid: a text is not UTF-8.
        """
        texts = pa.array([None if raw is None else _plain_text(raw) for raw in raws], pa.binary()).cast(pa.string())
        return cls(texts, np.array([0 if raw is None else _form(raw) for raw in raws], np.int8))

    @cached_property
    def texts(self) -> pa.Array:
        """See `SourceColumn`; nested values compact."""
        is_nested = self.forms == Form.NESTED
        if not is_nested.any():
            return self.plain_texts
        texts = [msgspec.json.format(text, indent=-1) for text in self.plain_texts.filter(pa.array(is_nested)).to_pylist()]
        return pc.replace_with_mask(self.plain_texts, is_nested, pa.array(texts, pa.string()))

    @cached_property
    def hash_texts(self) -> pa.Array:
        """See `SourceColumn`: strings as they are, numbers as integers or as Java writes doubles, nested values compact."""
        if Form.NUMBER not in self.forms:
            return self.texts
        numbers = pc.if_else(pa.array(self.forms == Form.NUMBER), self.plain_texts, pa.scalar(None, pa.string()))
        others = pc.and_(pc.is_valid(numbers), pc.invert(_is_as_java_writes(numbers)))
        texts = [_number_text(text) for text in numbers.filter(others).to_pylist()]
        return pc.replace_with_mask(self.texts, others, pa.array(texts, pa.string()))

    def kind(self) -> Kind:
        """See `SourceColumn`."""
        texts = self.plain_texts.filter(pa.array((self.forms == Form.INTEGER) | (self.forms == Form.NUMBER)))
        return merged([*(_KINDS[Form(form)] for form in set(self.forms.tolist()) & _KINDS.keys()), _kind_of_numbers(texts)])


def _is_as_java_writes(texts: pa.Array) -> pa.Array:
    """Which texts are a double's shortest in plain form already: `1.5`, not `1.50`, `1e3` or `7`."""
    numbers = pc.if_else(pc.match_substring_regex(texts, _PLAIN_DOUBLE), texts, pa.scalar(None, pa.string()))
    doubles = numbers.cast(pa.float64())
    sizes = pc.abs(doubles)
    is_plain = pc.and_(pc.greater_equal(sizes, _SMALLEST_PLAIN), pc.less(sizes, _LARGEST_PLAIN))
    return pc.and_(is_plain, pc.equal(doubles.cast(pa.string()), numbers)).fill_null(False)


def java_double(value: float) -> str:
    """Returns a double as Java writes it, with the fewest digits that identify it: `3.0`, `1.0E10`, `1.25E-5`."""
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


def _plain_text(raw: bytes) -> bytes | str:
    if not raw.startswith(b'"'):
        return raw
    try:
        return _STRING.decode(raw)
    except msgspec.DecodeError:  # a lone surrogate's escape: no text, shown as U+FFFD
        import json

        text: str = json.loads(raw)
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _form(raw: bytes) -> Form:
    if raw[:1] in b"-0123456789":
        return Form.INTEGER if _JSON_INTEGER.fullmatch(raw) and raw != b"-0" else Form.NUMBER
    return _FORMS.get(raw[:1], Form.NESTED)


def _number_text(text: str) -> str:
    return "0" if text == "-0" else java_double(float(text))


def _kind_of_numbers(texts: pa.Array) -> Kind:
    if not len(texts) or pc.all(pc.match_substring_regex(texts, INTEGER)).as_py():
        return Kind.BIGINT if len(texts) else Kind.NOTHING
    return merged(map(_kind_of_number, texts.to_pylist()))


def _kind_of_number(text: str) -> Kind:
    if not _JSON_INTEGER.fullmatch(text.encode()):
        return Kind.DOUBLE
    return Kind.BIGINT if -(2**63) <= int(text) < 2**63 else Kind.STRING
