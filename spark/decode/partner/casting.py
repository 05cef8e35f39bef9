"""Casts a column of texts, as the source wrote its values, to the type of the table's column.

Only lossless casts succeed: `1.0` is a bigint, `1.5` is not; an integer that a double cannot hold exactly is no double.
Surrounding blanks, a `+` sign and leading zeros are allowed. A value that does not cast becomes null, and is reported.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from spark.decode.exact import MisfitError, read_timestamp, scalar_reader
from spark.decode.types import TIMESTAMP

Rows = npt.NDArray[np.int64]

_NONE: Rows = np.empty(0, np.int64)
_PLAIN = {
    pa.int64(): r"^-?[0-9]{1,18}$",
    pa.float64(): r"^-?[0-9]{1,15}(?:\.[0-9]{1,30})?$",
    pa.bool_(): r"^(?:true|false)$",
    TIMESTAMP: r"^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}$",
}
"""Patterns of texts for which Arrow's cast of a whole column gives the same result as casting one by one."""
_NUMBER = re.compile(r"([+-]?)0*([0-9]+)?(?:\.([0-9]*))?([eE][+-]?[0-9]{1,4})?")
_MICROSECONDS_A_DAY = 86_400_000_000


def cast_texts(texts: pa.Array, data_type: pa.DataType) -> tuple[pa.Array, Rows]:
    """Returns the values and the rows that did not cast (null in the values).

    Args:
        texts: a string array, null where the source has no value.
        data_type: a scalar type that `spark.decode.types.parse_type` can give.
    """
    if data_type == pa.string() or texts.null_count == len(texts):
        return texts if data_type == pa.string() else pa.nulls(len(texts), data_type), _NONE
    trimmed = pc.ascii_trim_whitespace(texts)
    plain = _plain(trimmed, data_type)
    return (plain, _NONE) if plain is not None else _one_by_one(trimmed, data_type)


def _plain(texts: pa.Array, data_type: pa.DataType) -> pa.Array | None:
    """Casts a whole column; None if one of its values may need individual treatment."""
    pattern = _plain_decimal(data_type) if pa.types.is_decimal(data_type) else _PLAIN.get(data_type)
    if pattern is None or not pc.all(pc.match_substring_regex(texts, pattern)).as_py():
        return None
    try:
        return texts.cast(pa.timestamp("us")).cast(TIMESTAMP) if data_type == TIMESTAMP else texts.cast(data_type)
    except pa.ArrowInvalid:
        return None


def _plain_decimal(data_type: pa.Decimal128Type) -> str:
    """Returns the pattern of numbers for which the type has enough digits."""
    whole, places = data_type.precision - data_type.scale, data_type.scale
    if not whole:
        return rf"^-?0\.[0-9]{{1,{places}}}$"
    return rf"^-?[0-9]{{1,{whole}}}" + (rf"(?:\.[0-9]{{1,{places}}})?$" if places else "$")


def _one_by_one(texts: pa.Array, data_type: pa.DataType) -> tuple[pa.Array, Rows]:
    read = _reader(data_type)
    values: list[Any] = []
    misfits: list[int] = []
    for row, text in enumerate(texts.to_pylist()):
        try:
            values.append(None if text is None else read(text))
        except MisfitError:
            values.append(None)
            misfits.append(row)
    return pa.array(values, data_type), np.array(misfits, np.int64)


def _reader(data_type: pa.DataType) -> Callable[[str], Any]:
    special: dict[pa.DataType, Callable[[str], Any]] = {pa.bool_(): _boolean, TIMESTAMP: read_timestamp, pa.date32(): _date}
    if data_type in special:
        return special[data_type]
    read = scalar_reader(data_type)
    return lambda text: read(_number(text))


def _boolean(text: str) -> bool:
    if text.lower() not in {"true", "false"}:
        raise MisfitError
    return text.lower() == "true"


def _date(text: str) -> int:
    days, rest = divmod(read_timestamp(text), _MICROSECONDS_A_DAY)
    if rest:
        raise MisfitError
    return days


def _number(text: str) -> bytes:
    """Returns a number's text as JSON writes it."""
    match = _NUMBER.fullmatch(text)
    if match is None or not (match[2] or match[3] or "0" in text.lower().partition("e")[0]):
        raise MisfitError
    sign = "-" if match[1] == "-" else ""
    return f"{sign}{match[2] or '0'}{'.' + match[3] if match[3] else ''}{match[4] or ''}".encode()
