"""Whole columns of values that fit; what may not fit is left to the exact way."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spark.decode.exact import MisfitError, read_timestamp
from spark.decode.plain import UnfitError, Wrapped, node_of
from spark.decode.types import TIMESTAMP, parse_type

two_digits = st.integers(0, 61).map("{:02d}".format)
instants = st.builds(
    "".join,
    st.tuples(
        st.sampled_from(["2019", "0000", "0001", "9999", "1582", "12019"]),
        st.just("-"), two_digits, st.just("-"), two_digits,
        st.sampled_from(["", "T", " ", "t"]), st.sampled_from(["", "07", "23", "24", "07:30", "07:30:59", "07:30:60", "0730"]),
        st.sampled_from(["", ".1", ".123456", ".1234567", ".123456000", ".", ",1"]),
        st.sampled_from(["", "Z", "z", "+01", "-0130", "+23:59", "+24:00", "+0060", "+1", " Z"]),
    ),
)  # fmt: skip


def microseconds_at_once(text: str) -> int | None:
    try:
        return int(node_of(TIMESTAMP).arrow([text]).cast(pa.int64())[0].as_py())
    except UnfitError:
        return None


def microseconds_exactly(text: str) -> int | None:
    try:
        return read_timestamp(text)
    except MisfitError:
        return None


@settings(max_examples=1000, deadline=None)
@given(instants)
def test_an_instant_read_at_once_is_the_one_read_exactly(text: str) -> None:
    at_once = microseconds_at_once(text)
    assert at_once is None or at_once == microseconds_exactly(text)


@pytest.mark.parametrize(
    ("type_text", "values", "expected"),
    [
        ("string", ["a", None, ""], ["a", None, ""]),
        ("bigint", [1, None], [1, None]),
        ("timestamp", [Wrapped("2019-07-04T07:27:35Z"), None], [1562225255000000, None]),
        ("date", ["2019-07-04", Wrapped("2019-07-05")], [18081, 18082]),
        ("array<bigint>", [[1, None], None, []], [[1, None], None, []]),
        ("map<string,bigint>", [{"a": 1}, None, {}], [[("a", 1)], None, []]),
    ],
)
def test_values_that_fit_become_a_column(type_text: str, values: list[Any], expected: list[Any]) -> None:
    data_type = parse_type(type_text)
    assert node_of(data_type).arrow(values).equals(pa.array(expected, data_type))


@pytest.mark.parametrize(
    ("type_text", "value"),
    [
        ("bigint", 2**63),
        ("double", 2.0**53),
        ("timestamp", "2019-02-30T00:00:00Z"),
        ("timestamp", "0000-12-31T23:59:59Z"),
        ("timestamp", "9999-12-31T23:59:59-01:00"),
        ("date", "2019-07-04T00:00:01Z"),
    ],
)
def test_a_value_that_may_not_fit_is_left_to_the_exact_way(type_text: str, value: Any) -> None:
    with pytest.raises(UnfitError):
        node_of(parse_type(type_text)).arrow([value])
