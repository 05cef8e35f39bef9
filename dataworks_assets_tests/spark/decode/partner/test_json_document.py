import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spark.decode.partner import json_document
from spark.decode.partner.batches import SourceField
from spark.decode.partner.json_document import json_fields, json_rows
from spark.errors import InputError

URI = "s3://partner/application/2026-11-20_application-claim.json"


def document(*rows, names=("id", "value"), pii=False) -> bytes:
    return json.dumps({"fields": [{"fieldName": name, "pii": pii} for name in names], "data": list(rows)}).encode()


def pieces(body: bytes, size: int = 11) -> list[bytes]:
    return [body[at : at + size] for at in range(0, len(body), size)]


def read(body: bytes, size: int = 11):
    fields = json_fields(pieces(body, size), uri=URI)
    batches = list(json_rows(pieces(body, size), fields, uri=URI))
    columns = [[text for batch in batches for text in batch.columns[field.name].texts.to_pylist()] for field in fields]
    return list(zip(*columns, strict=True)), [line for batch in batches for line in batch.quarantined]


def test_values_are_told_as_they_were_written():
    body = b'{"fields":[{"fieldName":"id","pii":"False"},{"fieldName":"value","pii":true}],"data":[' + (
        b'{"id":1.50,"value":"x\\ny"},{"value":{"a" : [1, "b c"]},"id":null},{"id":true}]}'
    )
    assert read(body)[0] == [("1.50", "x\ny"), (None, '{"a":[1,"b c"]}'), ("true", None)]
    assert json_fields([body], uri=URI) == (SourceField("id", False), SourceField("value", True))


@pytest.mark.parametrize("body", [document(), b' {"data" : [ ] , "fields" : [] } ', b"\xef\xbb\xbf" + document()])
def test_no_documents_are_no_rows(body):
    assert read(body) == ([], [])


def test_fields_may_stand_behind_the_data_and_other_keys_beside_them():
    body = b'{"n":[1],"data":[{"id":"a]"},{"id":"}{"}],"more":{"data":[1]},"fields":[{"fieldName":"id","pii":"false"}]}'
    assert read(body)[0] == [("a]",), ("}{",)]


def test_an_element_that_is_no_object_is_quarantined_by_its_number():
    rows, refused = read(document({"id": 1}, 7, {"id": 2}, "x"))
    assert rows == [("1", None), ("2", None)]
    assert [(line.line_number, line.raw) for line in refused] == [(2, b"7"), (4, b'"x"')]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "empty"),
        (b"[]", "does not begin with `{`: most likely the wrong data key or iv"),
        (b"\x8f\x12garbage", "does not begin with `{`"),
        (b'{"fields":[]}', "no array `data`"),
        (b'{"data":[]}', "missing required field `fields`"),
        (b'{"fields":[{"fieldName":"a"}],"data":[]}', "missing required field `pii`"),
        (b'{"fields":[{"fieldName":"a","pii":"maybe"}],"data":[]}', "PII mark of the field 'a' is 'maybe'"),
        (document({"id": 1})[:-2], "ends inside of `data`"),
        (document({"id": 1})[:-1], "not the documented JSON object"),
        (document({"id": 1}) + b"x", "not the documented JSON object"),
        (document({"id": 1}).replace(b"}]}", b"},]}"), "one comma between each two"),
        (document({"id": 1}, {"id": 2}).replace(b"1}, {", b"1} {"), "not valid JSON"),
        (document({"id": 1}).replace(b"1}", b"01}"), "not valid JSON"),
        (document({"id": 1, "other": 2}), "'other', which `fields` do not declare"),
        (document({"id": "x"}).replace(b'"x"', b'"\xff"'), "not UTF-8"),
        (document({"id": 1}).replace(b"]}", b'], "data": [1]}'), "twice"),
    ],
)
def test_what_is_not_the_documented_object_is_refused_with_the_reason(body, said):
    with pytest.raises(InputError, match=said):
        read(body)


TEXTS = st.text('ab"\\{}[],:é😀\n', max_size=5)
SCALARS = st.none() | st.booleans() | st.integers() | TEXTS
VALUES = SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(TEXTS, st.lists(SCALARS, max_size=2), max_size=2)


@settings(max_examples=60)
@given(st.lists(st.fixed_dictionaries({"id": VALUES, "value": VALUES}), max_size=6), st.integers(1, 50), st.booleans())
def test_any_documents_in_any_division_come_out_as_they_went_in(rows, size, is_ascii):
    fields = [{"fieldName": name, "pii": False} for name in ("id", "value")]
    body = json.dumps({"fields": fields, "data": rows}, ensure_ascii=is_ascii).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_document, "BATCH_BYTES", size)
        found, refused = read(body, size)
    assert refused == []
    assert found == [tuple(_told(row[name], is_ascii) for name in ("id", "value")) for row in rows]


def _told(value, is_ascii):
    compact = json.dumps(value, separators=(",", ":"), ensure_ascii=is_ascii)
    return value if value is None or isinstance(value, str) else compact


TEXTS = st.sampled_from(["},{", "},", "]}", "a", '"}],"', "\\", "[{"])
ROWS = st.lists(st.fixed_dictionaries({"id": TEXTS, "value": st.one_of(TEXTS, st.lists(st.dictionaries(TEXTS, TEXTS)))}))


@pytest.mark.parametrize("separators", [(",", ":"), (" , ", " : ")])
@given(rows=ROWS, size=st.integers(1, 40), batch=st.integers(1, 60))
def test_where_elements_end_does_not_depend_on_guesses(separators, rows, size, batch):
    fields = [{"fieldName": name, "pii": False} for name in ("id", "value")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_document, "BATCH_BYTES", batch)
        for last in ({"fields": fields, "data": rows}, {"data": rows, "fields": fields}):
            found, quarantined = read(json.dumps(last, separators=separators).encode(), size)
            assert [row[0] for row in found] == [row["id"] for row in rows]
            assert quarantined == []
