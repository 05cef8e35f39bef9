"""Whole columns at once and value by value give the same answers."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spark.decode.lines import Documents, read_lines, sort_out_lines
from spark.decode.plan import Answers, NotDocumentsError, Plan, Want, _judged
from spark.decode.types import parse_type

SCALARS = ("string", "boolean", "bigint", "double", "decimal(9,2)", "decimal(38,18)", "timestamp", "date")
NAMES = ("a", "b", "c")

types = st.recursive(
    st.sampled_from(SCALARS),
    lambda inner: st.one_of(
        inner.map("array<{}>".format),
        inner.map("map<string,{}>".format),
        st.tuples(inner, inner).map(lambda pair: f"struct<a:{pair[0]},b:{pair[1]}>"),
    ),
    max_leaves=4,
)
instants = st.sampled_from([
    "2019-07-04T07:27:35.104Z", "2019-07-04T00:00:00.000Z", "2019-07-04T07:27:35", "2019-07-04", "2019-07-04T07:27:35.1+01:00",
    "2019-02-30T00:00:00Z", "9999-12-31T23:59:59.999Z", "0000-01-01T00:00:00Z", "2019-07-04T07:27:35.1234567Z",
    "2019-07-04T07:27:35.123456000Z", "1850-01-01T00:00:00Z", "2019-07-04T24:00:00Z", "20190704", "",
])  # fmt: skip
numbers = st.one_of(
    st.integers(-5, 5),
    st.sampled_from([2**53, 2**53 + 1, -(2**53) - 1, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 10**40]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([1.0, 1.5, 1.25, 1.255, -0.0, 1e22, 1234567.89, 12345678.9]),
)
any_json = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, instants, st.text(max_size=5), st.just({"d_date": "2020-01-01T00:00:00Z"})),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from([*NAMES, "d_date"]), inner, max_size=3)
    ),
    max_leaves=6,
)


def fitting(data_type: pa.DataType) -> st.SearchStrategy[Any]:
    """JSON values that mostly fit a type."""
    if pa.types.is_struct(data_type):
        return st.fixed_dictionaries({}, optional={field.name: values_of(field.type) for field in data_type})
    if pa.types.is_map(data_type):
        return st.dictionaries(st.text(max_size=3), values_of(data_type.item_type), max_size=3)
    if pa.types.is_list(data_type):
        return st.lists(values_of(data_type.value_type), max_size=3)
    if pa.types.is_decimal(data_type):
        return st.one_of(numbers, st.sampled_from(["1.5", "-12.25", "1e3", "1_0", " 1", "NaN", "+1", "1.", "01"]))
    if pa.types.is_temporal(data_type):
        return st.one_of(instants, instants.map(lambda text: {"d_date": text}))
    return {pa.string(): st.text(max_size=6), pa.bool_(): st.booleans()}.get(data_type, numbers)


def values_of(data_type: pa.DataType) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), fitting(data_type), fitting(data_type), fitting(data_type))


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[Want], bytes]:
    paths = [("a",), ("b",), ("b", "a"), ("c", "a"), ("c", "b"), ("c",)]
    declared = draw(st.lists(st.tuples(st.sampled_from(paths), types), min_size=1, max_size=4))
    wants = [Want(path, parse_type(text)) for path, text in declared]
    any_share = draw(st.sampled_from([0, 1]))
    lines = []
    for _ in range(draw(st.integers(1, 4))):
        document: dict[str, Any] = draw(st.dictionaries(st.sampled_from(NAMES), any_json, max_size=2)) if any_share else {}
        for want in wants:
            place: Any = document
            for name in want.path[:-1]:
                place = place.setdefault(name, {}) if isinstance(place, dict) else {}
            if isinstance(place, dict):
                place[want.path[-1]] = draw(values_of(want.data_type))
        lines.append(json.dumps(document, ensure_ascii=draw(st.booleans())).encode())
    return wants, b"\n".join(lines) + b"\n"


def exactly(wants: list[Want], documents: Documents) -> Answers:
    """Each value judged by itself."""
    answers = Answers()
    every_row = np.arange(len(documents.ends))
    for want in wants:
        answers.columns[want] = _judged(documents, every_row, want, answers)
    return answers


@settings(max_examples=100)
@given(cases())
def test_whole_texts_and_single_values_give_the_same_columns_and_misfits(case: tuple[list[Want], bytes]) -> None:
    wants, text = case
    documents = sort_out_lines(text, 1)
    at_once, one_by_one = Plan(wants).answer(documents), exactly(wants, documents)
    for want in wants:
        at_once.columns[want].validate(full=True)
        assert at_once.columns[want].equals(one_by_one.columns[want])
    assert set(at_once.misfits) == set(one_by_one.misfits)


def answer(text: bytes, *wants: Want) -> Answers:
    return Plan(wants).answer(read_lines(text, 1))


def test_a_want_without_a_type_is_the_text_as_it_stands() -> None:
    want = Want(("_id",), None)
    assert answer(b'{"_id": {"b" : 1} }\n{}\n', want).columns[want].to_pylist() == [b'{"b" : 1}', None]


def test_wants_whose_paths_cross_are_all_answered() -> None:
    whole, part, text = Want(("m",), parse_type("struct<t:string>")), Want(("m", "t"), pa.string()), Want(("m",), None)
    columns = answer(b'{"m":{"t":"x"}}\n', whole, part, text).columns
    assert columns[whole].to_pylist() == [{"t": "x"}]
    assert columns[part].to_pylist() == ["x"]
    assert columns[text].to_pylist() == [b'{"t":"x"}']


def test_a_path_through_what_is_no_object_leads_nowhere() -> None:
    want = Want(("m", "t"), pa.string())
    assert answer(b'{"m":"x"}\n{"m":{"t":"y"}}\n{}\n', want).columns[want].to_pylist() == [None, "y", None]


@pytest.mark.parametrize("text", [b'{"a":1}{"a":2}\n', b'{"a":\n1}\n', b'{"a":1\n', b'{"a":"\\ud800"}\n', b"[1]\n"])
def test_lines_that_are_no_documents_are_told(text: bytes) -> None:
    with pytest.raises(NotDocumentsError):
        Plan([Want(("a",), None)]).answer(read_lines(text, 1))


def test_a_column_that_keeps_failing_is_answered_all_the_same() -> None:
    plan, want = Plan([Want(("a",), pa.int64())]), Want(("a",), pa.int64())
    for _ in range(6):
        answers = plan.answer(read_lines(b'{"a":"x"}\n{"a":1}\n', 1))
        assert answers.columns[want].to_pylist() == [None, 1]
        assert answers.misfits == [(0, want, ': "x" is no bigint')]


def test_a_lone_surrogate_becomes_a_replacement_character_with_an_entry() -> None:
    want = Want(("a",), pa.string())
    documents = sort_out_lines(b'{"a":"x\\ud800y"}\n{"a":"\\ud83d\\ude00 \\\\ud800"}\n', 1)
    answers = Plan([want]).answer(documents)
    assert answers.columns[want].to_pylist() == ["x\ufffdy", "\U0001f600 \\ud800"]
    assert answers.misfits == [(0, want, ': a lone surrogate became U+FFFD in "x\\ud800y"')]


def test_a_string_column_that_holds_other_values_is_still_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spark.decode.plan._judged", lambda *_: pytest.fail("judged value by value"))
    want = Want(("a",), pa.string())
    texts = (
        answer(b'{"a":1.50}\n{"a":"x\\"y\\u00e9"}\n{"a":"z"}\n{"a":null}\n{}\n{"a":{"b" : 1}}\n', want)
        .columns[want]
        .to_pylist()
    )
    assert texts == ["1.50", 'x"yé', "z", None, None, '{"b" : 1}']
