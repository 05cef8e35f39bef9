import datetime as dt
import hashlib
import json
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark.contract import Column, PartnerFormat, SchemaChange
from spark.decode.partner.batches import JsonColumn, SourceBatch, TextColumn, java_double
from spark.decode.partner.casting import cast_texts
from spark.decode.partner.evolution import evolve_columns, first_columns, standing_columns
from spark.decode.partner.kinds import Kind, kind_of_texts, merged
from spark.decode.partner.names import column_names
from spark.decode.partner.reading import infer_kinds
from spark.decode.partner.rows import Misfits, RowMaker
from spark.decode.types import parse_type

NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def document(**raws: str) -> SourceBatch:
    return SourceBatch({name: JsonColumn.of_texts([None if raw == "null" else raw.encode()]) for name, raw in raws.items()}, 1)


def made(batch: SourceBatch, *columns: Column, style=PartnerFormat.JSON):
    return RowMaker(columns, column_names(list(batch.columns), style=style, uri="u")).rows(batch)


@pytest.mark.parametrize(
    ("type_name", "text", "value"),
    [
        ("string", " 007 ", " 007 "),
        ("bigint", " 007 ", 7),
        ("integer", "1.0", 1),
        ("bigint", "1e3", 1000),
        ("bigint", "+5", 5),
        ("bigint", "9223372036854775807", 2**63 - 1),
        ("double", "1", 1.0),
        ("double", "-.5", -0.5),
        ("double", "1.25e-3", 0.00125),
        ("boolean", "TRUE", True),
        ("timestamp", "2026-11-20 12:00:00", NOON),
        ("timestamp", "2026-11-20T13:00:00+01:00", NOON),
        ("date", "2026-11-20", dt.date(2026, 11, 20)),
        ("decimal(5,2)", "123.40", Decimal("123.40")),
        ("decimal", "0.1", Decimal("0.1").quantize(Decimal(1).scaleb(-18))),
    ],
)
def test_what_keeps_its_value_casts(type_name, text, value):
    array, wrong = cast_texts(pa.array([None, text]), parse_type(type_name))
    assert (array.to_pylist(), list(wrong)) == ([None, value], [])


@pytest.mark.parametrize(
    ("type_name", "text"),
    [
        *(("bigint", text) for text in ("1.5", "x", "", "9223372036854775808", "1e999", "0x1F", "-", ".", "E50", "true")),
        *(("double", text) for text in ("1e999", "9007199254740993", "NaN", "1,5")),
        *(("timestamp", text) for text in ("2026-13-01 00:00:00", "12:00")),
        ("boolean", "1"),
        ("decimal(5,2)", "1234.5"),
        ("decimal(5,2)", "0.001"),
        ("date", "2026-11-20 12:00:00"),
    ],
)
def test_what_would_become_another_value_does_not_cast(type_name, text):
    array, wrong = cast_texts(pa.array([text, None]), parse_type(type_name))
    assert (array.to_pylist(), list(wrong)) == ([None, None], [0])


def test_error_desc_names_each_column_that_did_not_cast_and_the_source_value():
    columns = first_columns([Column(name="a", type="integer"), Column(name="b", type="boolean")], row_hash=False)
    batch = SourceBatch({"A": TextColumn(pa.array(["1", "x"])), "B": TextColumn(pa.array(["true", "no, never"]))}, 2)
    rows, misfits = made(batch, *columns, style=PartnerFormat.CSV)
    assert rows.column("error_desc").to_pylist() == [
        None,
        [
            "Type Conversion for column a. The source value is: x",
            "Type Conversion for column b. The source value is: no, never",
        ],
    ]
    assert misfits == {"a": Misfits(1, 2, Kind.STRING), "b": Misfits(1, 2, Kind.STRING)}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *((3.0, "3.0"), (1e10, "1.0E10"), (1.25e-5, "1.25E-5"), (0.001, "0.001"), (9999999.0, "9999999.0"), (1e7, "1.0E7")),
        *((0.0005, "5.0E-4"), (-123456789.5, "-1.234567895E8"), (0.1 + 0.2, "0.30000000000000004"), (-0.0, "-0.0")),
    ],
)
def test_doubles_are_written_as_java_writes_them(value, text):
    assert java_double(value) == text


def test_the_row_hash_is_of_what_the_source_said_by_source_name_with_nulls_left_out():
    batch = document(
        b='"x || y"',
        a="1.50",
        C="true",
        n="null",
        d="1E10",
        e="-0",
        f='{"k" : [1, 2.50]}',
        g="12345678901234567890",
        h='"\\u00e9"',
    )
    rows, _ = made(batch, *first_columns([Column(name="a", type="bigint")], row_hash=True))
    # C, a, b, d, e, f, g, h: capitals come first in code-point order; the hash does not care that `a` did not cast
    text = 'true||1.5||x || y||1.0E10||0||{"k":[1,2.50]}||12345678901234567890||é'
    assert rows.column("row_hash_id").to_pylist() == [sha256(text)]
    assert rows.column("a").to_pylist() == [None]


def test_fixed_row_hashes():
    rows, _ = made(document(id='"a-1"', amount="3.0", paid="true", note="null"), *first_columns([], row_hash=True))
    assert rows.column("row_hash_id").to_pylist() == ["8e6f4e54b3b951f67ad4e0ca3bebb8ac8ef6aff78424fe2576283a1792525d1e"]
    rows, _ = made(document(id="null"), *first_columns([], row_hash=True))
    assert rows.column("row_hash_id").to_pylist() == ["e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"]


NUMBERS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).map(json.dumps),
    st.integers().map(str),
    st.decimals(allow_nan=False, allow_infinity=False, places=3).map(str).filter(lambda text: "E" not in text),
    st.sampled_from(["null", '"1.5"', "1e3", "-0", "0.0", "1.50", "true", "0.0005", "9999999.5", "10000000.5", '{"a":1.0}']),
)


@given(st.lists(NUMBERS, min_size=1, max_size=30))
def test_the_texts_of_a_whole_column_are_hashed_as_those_of_single_values(raws):
    whole = JsonColumn.of_texts([None if raw == "null" else raw.encode() for raw in raws]).hash_texts.to_pylist()
    assert whole == [JsonColumn.of_texts([None if raw == "null" else raw.encode()]).hash_texts.to_pylist()[0] for raw in raws]
    for raw, text in zip(raws, whole, strict=True):
        if raw[0] in "-0123456789" and set(raw) & set(".eE"):
            assert text == java_double(float(raw))


@pytest.mark.parametrize("type_name", ["decimal(9,2)", "decimal(4,4)", "decimal(38,0)"])
@given(st.lists(st.from_regex(r"-?[0-9]{1,8}(\.[0-9]{0,5})?", fullmatch=True), min_size=1, max_size=8))
def test_decimals_of_a_whole_column_are_those_of_single_values(type_name, texts):
    data_type = parse_type(type_name)
    values, wrong = cast_texts(pa.array(texts), data_type)
    one_by_one = [
        cast_texts(pa.array([text, "x"]), data_type) for text in texts
    ]  # the second keeps the first from Arrow's cast
    assert values.to_pylist() == [each[0].to_pylist()[0] for each in one_by_one]
    assert wrong.tolist() == [row for row, each in enumerate(one_by_one) if 0 in each[1].tolist()]


def test_a_table_begins_with_its_configured_columns_as_they_are_on_disk():
    columns = first_columns(
        [Column(name="a", type="integer"), Column(name="b", type="float"), Column(name="c", type="decimal")], row_hash=True
    )
    assert [(column.name, column.type) for column in columns] == [
        ("a", "bigint"),
        ("b", "double"),
        ("c", "decimal(38,18)"),
        ("row_hash_id", "string"),
        ("error_desc", "array<string>"),
    ]


def test_a_new_column_is_added_a_missing_one_stays_and_both_are_told():
    standing = first_columns([Column(name="a", type="bigint"), Column(name="b")], row_hash=False)
    evolved = evolve_columns(standing, {"a": None, "new": Kind.DOUBLE, "blank": Kind.NOTHING})
    assert [(column.name, column.type) for column in evolved.columns[-2:]] == [("new", "double"), ("blank", "string")]
    assert evolved.changes == (
        SchemaChange(change="added", column="new", after="double"),
        SchemaChange(change="added", column="blank", after="string"),
        SchemaChange(change="missing", column="b", before="string"),
    )


def test_columns_configured_later_come_behind_those_the_table_has():
    there = (Column(name="x", type="double"), Column(name="error_desc", type="array<string>"))
    names = [column.name for column in standing_columns(there, [Column(name="x"), Column(name="y")], row_hash=False)]
    assert names == ["x", "error_desc", "y"]


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        (["1", "-20", None], Kind.BIGINT),
        (["1", "2.5"], Kind.DOUBLE),
        (["007"], Kind.STRING),
        (["true", "False"], Kind.BOOLEAN),
        (["2026-11-20 12:00:00"], Kind.TIMESTAMP),
        (["2026-11-31 12:00:00"], Kind.STRING),
        (["1", "x"], Kind.STRING),
        ([""], Kind.STRING),
        ([None], Kind.NOTHING),
    ],
)
def test_a_new_csv_column_has_the_narrowest_type_that_loses_nothing(texts, kind):
    assert kind_of_texts(pa.array(texts, pa.string())) is kind


@pytest.mark.parametrize(
    ("raws", "kind"),
    [
        ("1 2", Kind.BIGINT),
        ("1 2.5", Kind.DOUBLE),
        ('"1"', Kind.STRING),
        ("true null", Kind.BOOLEAN),
        ("[1]", Kind.STRING),
        ("null", Kind.NOTHING),
        ("99999999999999999999", Kind.STRING),
        ("1 true", Kind.STRING),
    ],
)
def test_a_new_json_column_has_the_type_of_its_values(raws, kind):
    assert JsonColumn.of_texts([None if raw == "null" else raw.encode() for raw in raws.split()]).kind() is kind


def test_kinds_of_several_files_are_one():
    assert infer_kinds([document(a="1"), document(a="null"), document(a="2.5")], ["a"]) == {"a": Kind.DOUBLE}
    assert merged([Kind.BIGINT, Kind.TIMESTAMP]) is Kind.STRING
    assert merged([]).column_type == "string"
