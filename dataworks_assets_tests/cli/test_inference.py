"""Types found in documents hold everything that was seen, and are ones a column may declare."""

from __future__ import annotations

import json
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataworks_assets.cli.inference import Seen, column_name, propose, read_document
from spark.decode.exact import Judge
from spark.decode.types import parse_type


def type_of(*values):
    seen = Seen()
    for value in values:
        seen.add(read_document(json.dumps({"v": value}))["v"] if not isinstance(value, Decimal) else value)
    return seen.hive_type()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([True, None], "boolean"),
        ([1, -(2**63)], "bigint"),
        ([2**63], "decimal(19,0)"),
        ([10**40], "string"),
        ([1, 2.5], "decimal(18,1)"),
        ([19.99, 100], "decimal(18,2)"),
        ([51.507351], "double"),
        ([Decimal("12345678901234567890.123456")], "string"),
        (["a"], "string"),
        (["2026-11-20"], "date"),
        (["2026-13-40"], "string"),
        (["2026-11-20T01:02:03.004Z"], "timestamp"),
        (["2026-11-20", "2026-11-20T01:02:03Z"], "timestamp"),
        ([{"d_date": "2026-11-20T01:02:03.004Z"}], "timestamp"),
        ([{"d_date": "soon"}], "string"),
        ([None], "string"),
        ([], "string"),
        ([1, "a"], "string"),
        ([1, True], "string"),
        ([[1], [2.5]], "array<decimal(18,1)>"),
        ([[]], "array<string>"),
        ([{"a": 1}, {"b": [True]}], "struct<a:bigint,b:array<boolean>>"),
        ([{"a": 1}, 5], "string"),
        ([{"a-b": 1}], "map<string,bigint>"),
        ([{"a-b": 1, "c": "x"}], "string"),
        ([{"a": 1, "A": "x"}], "string"),
        ([{f"k{index}": True for index in range(100)}], "map<string,boolean>"),
        ([{}], "string"),
    ],
)
def test_the_narrowest_type_that_holds_all_is_found(values, expected):
    assert type_of(*values) == expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(st.dictionaries(st.text(min_size=1, max_size=6), JSON, max_size=5), min_size=1, max_size=4))
def test_every_proposed_column_can_be_declared(documents):
    root = Seen()
    for document in documents:
        root.add(read_document(json.dumps(document)) or {})
    columns = propose(root, skip=frozenset(), taken=frozenset({"id"}), documents=len(documents))
    assert all(isinstance(parse_type(column.hive_type), pa.DataType) for column in columns)
    assert len({column.name for column in columns} | {"id"}) == len(columns) + 1


TEXTS = st.sampled_from(["2026-11-20", "2026-11-20T01", "2026-11-20 01:02:03", "2026-11-20T25:00:00Z", "0000-01-01"])


@given(st.lists(JSON | TEXTS | st.builds(lambda text: {"d_date": text}, TEXTS), min_size=1, max_size=5))
def test_everything_that_was_seen_fits_the_type(values):
    judge = Judge(parse_type(type_of(*values)))
    for value in values:
        judge.value(json.dumps(value).encode(), "v")
    assert judge.entries == []


def test_a_column_says_how_many_documents_have_it():
    root = Seen()
    for document in ({"a": 1, "b": None}, {"a": 2}):
        root.add(document)
    found = propose(root, skip=frozenset(), taken=frozenset(), documents=2)
    assert [(column.name, column.share) for column in found] == [("a", 1.0), ("b", 0.0)]


def test_what_the_layout_shows_anyway_is_no_column():
    root = Seen()
    root.add({"_id": {"d_oid": "1"}, "a": 1})
    assert [column.name for column in propose(root, skip=frozenset({("_id",)}), taken=frozenset(), documents=1)] == ["a"]


def test_an_object_that_no_type_holds_gives_its_fields():
    root = Seen()
    root.add({"message": {"@type": "x", "_id": {"d_oid": "1"}, "size": 3}})
    found = propose(root, skip=frozenset({("message", "_id")}), taken=frozenset(), documents=1)
    assert [(column.name, column.path) for column in found] == [("type", ("message", "@type")), ("size", ("message", "size"))]


@pytest.mark.parametrize(
    ("key", "expected"),
    [("contractType", "contract_type"), ("@type", "type"), ("a-b c", "a_b_c"), ("ID", "id"), ("é", "field")],
)
def test_names_are_made_fit_for_hive(key, expected):
    assert column_name(key) == expected


def test_text_that_is_no_object_is_no_document():
    assert [read_document(text) for text in ("[1]", "5", "{", "")] == [None] * 4
