"""What a JSON value is worth under a declared type."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from spark.decode.exact import Judge, mark_lone_surrogates, unmark, walk
from spark.decode.types import parse_type


def judged(raw: str, type_text: str) -> tuple[Any, list[str]]:
    judge = Judge(parse_type(type_text))
    value = pa.array([judge.value(raw.encode(), "c")], judge.data_type)[0].as_py()
    return value, judge.entries


@pytest.mark.parametrize(
    ("type_text", "raw", "expected"),
    [
        ("string", '"a\\u00e9\\n"', "aé\n"),
        ("string", "1.50", "1.50"),
        ("string", "true", "true"),
        ("string", '{"a": [1]}', '{"a": [1]}'),
        ("boolean", "true", True),
        ("bigint", "9223372036854775807", 2**63 - 1),
        ("bigint", "-9223372036854775808", -(2**63)),
        ("bigint", "1.0", 1),
        ("bigint", "1e3", 1000),
        ("bigint", "-0", 0),
        ("double", "1", 1.0),
        ("double", "0.1", 0.1),
        ("double", "9007199254740992", 2.0**53),
        ("double", "1e22", 1e22),
        ("decimal(9,2)", "1.50", Decimal("1.50")),
        ("decimal(9,2)", "1.500", Decimal("1.50")),
        ("decimal(9,2)", '"12.5"', Decimal("12.50")),
        ("decimal(9,2)", "1e2", Decimal("100.00")),
        ("decimal(38,0)", "9" * 38, Decimal("9" * 38)),
        ("decimal(9,2)", "0e99999999", Decimal("0.00")),
        ("timestamp", '"2019-07-04T07:27:35.104Z"', dt.datetime(2019, 7, 4, 7, 27, 35, 104000, dt.UTC)),
        ("timestamp", '{"d_date":"2019-07-04T07:27:35.104+0100"}', dt.datetime(2019, 7, 4, 6, 27, 35, 104000, dt.UTC)),
        ("timestamp", '"2019-07-04T07:27:35"', dt.datetime(2019, 7, 4, 7, 27, 35, tzinfo=dt.UTC)),
        ("timestamp", '"2019-07-04T07:27:35.123456000Z"', dt.datetime(2019, 7, 4, 7, 27, 35, 123456, dt.UTC)),
        ("timestamp", '"9999-12-31T23:59:59.999Z"', dt.datetime(9999, 12, 31, 23, 59, 59, 999000, dt.UTC)),
        ("date", '"2019-07-04"', dt.date(2019, 7, 4)),
        ("date", '{"d_date":"1066-10-14T00:00:00.000Z"}', dt.date(1066, 10, 14)),
        ("array<bigint>", "[1,null]", [1, None]),
        ("struct<a:bigint,b:string>", '{"a":1,"x":2}', {"a": 1, "b": None}),
        ("struct<a:bigint>", '{"a":1,"a":2}', {"a": 2}),
        ("map<string,bigint>", '{"k":1,"k":2}', [("k", 2)]),
        ("bigint", "null", None),
        ("array<bigint>", "null", None),
    ],
)
def test_a_value_that_fits(type_text: str, raw: str, expected: Any) -> None:
    assert judged(raw, type_text) == (expected, [])


@pytest.mark.parametrize(
    ("type_text", "raw"),
    [
        ("boolean", '"true"'),
        ("boolean", "1"),
        ("bigint", "1.5"),
        ("bigint", '"123"'),
        ("bigint", "9223372036854775808"),
        ("bigint", "1" * 5000),
        ("bigint", "1e400"),
        ("bigint", "1e-400"),
        ("bigint", "true"),
        ("double", "1e400"),
        ("double", "9007199254740993"),
        ("double", "1" * 5000),
        ("double", '"1.5"'),
        ("decimal(9,2)", "1.505"),
        ("decimal(9,2)", "12345678.9"),
        ("decimal(9,2)", "1e999999999"),
        ("decimal(9,2)", "1e-999999999"),
        ("decimal(9,2)", "1e99999999999999999999"),
        ("bigint", "1e-99999999999999999999"),
        ("double", "-1e99999999999999999999"),
        ("decimal(9,2)", '"NaN"'),
        ("decimal(9,2)", '"1_0"'),
        ("decimal(9,2)", '" 1"'),
        ("timestamp", '"2019-02-30T00:00:00Z"'),
        ("timestamp", '"2019-07-04T24:00:00Z"'),
        ("timestamp", '"2019-07-04T07:27:35.1234567Z"'),
        ("timestamp", '"0000-01-01T00:00:00Z"'),
        ("timestamp", '"yesterday"'),
        ("timestamp", "1562225255104"),
        ("timestamp", '{"d_date":"2019-07-04T07:27:35Z","x":1}'),
        ("timestamp", '{"d_date":1562225255104}'),
        ("timestamp", "{}"),
        ("date", '"2019-07-04T07:27:35Z"'),
        ("date", '"2019-02-29"'),
        ("array<bigint>", "{}"),
        ("struct<a:bigint>", "[]"),
        ("map<string,bigint>", '"x"'),
    ],
)
def test_a_value_that_does_not_fit_is_null_with_an_entry(type_text: str, raw: str) -> None:
    value, entries = judged(raw, type_text)
    assert value is None
    assert len(entries) == 1
    assert entries[0].startswith(f"c: {raw[:200]}")


def test_what_does_not_fit_inside_a_nested_value_is_null_there_alone() -> None:
    value, entries = judged('{"a":[1,"x"],"b":{"k":1.5}}', "struct<a:array<bigint>,b:map<string,bigint>>")
    assert value == {"a": [1, None], "b": [("k", None)]}
    assert entries == ['c.a[1]: "x" is no bigint', "c.b['k']: 1.5 is no bigint"]


def test_a_long_value_is_cut_in_its_entry() -> None:
    assert len(judged('"' + "x" * 10_000 + '"', "bigint")[1][0]) < 300


@pytest.mark.parametrize("escapes", ["\\ud800", "\\udc00", "a\\uD800b", "\\ud800\\ud800", "\\\\\\ud800"])
def test_lone_surrogates_are_marked_and_unmarked(escapes: str) -> None:
    text = f'"{escapes}"'.encode()
    assert mark_lone_surrogates(text) != text
    assert unmark(mark_lone_surrogates(text)) == text


@pytest.mark.parametrize("escapes", ["\\ud83d\\ude00", "\\\\ud800", "\\u0041\\n"])
def test_other_escapes_are_left_alone(escapes: str) -> None:
    text = f'"{escapes}"'.encode()
    assert mark_lone_surrogates(text) == text


@pytest.mark.parametrize(
    ("path", "expected"), [((), b'{"m":{"t":1}}'), (("m", "t"), b"1"), (("m", "x"), b""), (("m", "t", "y"), b"")]
)
def test_a_path_leads_to_a_value_or_nowhere(path: tuple[str, ...], expected: bytes) -> None:
    assert walk(b'{"m":{"t":1}}', path) == expected
