"""Hive type strings: what they are stored as, and how a wrong one is refused."""

from __future__ import annotations

import pyarrow as pa
import pytest

from spark.decode.types import TIMESTAMP, hive_type, parse_type
from spark.errors import ConfigurationError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("string", pa.string()),
        ("BOOLEAN", pa.bool_()),
        ("tinyint", pa.int64()),
        ("bigint", pa.int64()),
        ("float", pa.float64()),
        ("decimal(18,2)", pa.decimal128(18, 2)),
        ("decimal(9)", pa.decimal128(9, 0)),
        ("decimal", pa.decimal128(38, 18)),
        ("timestamp", TIMESTAMP),
        ("date", pa.date32()),
        (" array < date > ", pa.list_(pa.date32())),
        ("map<string,array<int>>", pa.map_(pa.string(), pa.list_(pa.int64()))),
        ("struct<aB:string,`c`:struct<d:int>>", pa.struct({"aB": pa.string(), "c": pa.struct({"d": pa.int64()})})),
    ],
)
def test_a_hive_type_is_stored_as_its_widest_arrow_type(text: str, expected: pa.DataType) -> None:
    assert parse_type(text) == expected


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("strng", "character 1", "Did you mean string?"),
        ("array<int>>", "character 11", "nothing may follow"),
        ("struct<a:string", "character 16", "expected '>'"),
        ("map<int,string>", "character 8", "keys of a map are strings"),
        ("decimal(40,1)", "character 14", "1 to 38 digits"),
        ("struct<a:int,A:int>", "character 15", "two fields 'A'"),
        ("struct<@t:int>", "character 8", "'@t'"),
        ("", "character 1", "expected a type"),
        ("binary", "character 1", "no type 'binary'"),
    ],
)
def test_a_wrong_type_is_refused_with_its_place(text: str, place: str, words: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        parse_type(text)
    assert place in str(raised.value)
    assert words in str(raised.value)


@pytest.mark.parametrize("text", ["bigint", "double", "decimal(38,4)", "struct<aB:timestamp,c:array<map<string,date>>>"])
def test_the_type_string_comes_back(text: str) -> None:
    assert hive_type(parse_type(text)) == text


def test_a_type_hive_does_not_hold_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no Hive type holds uint8"):
        hive_type(pa.uint8())
