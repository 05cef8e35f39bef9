from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from xxhash import xxh64_intdigest

from spark.errors import InputError
from spark.native.ids import plain_hashes, plain_record_hashes
from spark.sources.ids import comparison_key
from spark.sources.manifest import read_manifest

RECORD = '"{""$oid"":""5d1""}"|1562225255104|core|statement|EXPORT|MONGO_UPDATE|"{""$oid"":""5d1""}"|MONGO_UPDATE\n'


@given(st.text(alphabet=st.characters(codec="utf-8", min_codepoint=0x20, exclude_characters='"\\$')))
def test_plain_ids_have_the_librarys_hash(value: str) -> None:
    raw = f'{{"d_oid":"{value}"}}'.encode()
    hashes = plain_hashes(pa.array([b'{"a":""}', raw, raw], pa.binary()))
    if "_archived" in value:
        assert hashes is None
    else:
        assert hashes is not None
        assert hashes.tolist() == [xxh64_intdigest(b'{"a":""}'), *[xxh64_intdigest(raw)] * 2]


def test_a_part_of_an_array_is_hashed() -> None:
    whole = pa.array([b'{"a":"%d"}' % number for number in range(5)], pa.binary())
    assert plain_hashes(whole.slice(2, 2)).tolist() == plain_hashes(whole).tolist()[2:4]  # type: ignore[union-attr]
    assert plain_hashes(whole.slice(2, 0)).tolist() == []  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "raw",
    [
        *(b"", b"{", b'{"', b'"a"', b"17", b"null", b"{}", b'{"":""}', b'{"a":1}', b'{"a":"b"', b'{"a":"b}', b'{"a":"b"}}'),
        *(b'{"d_oid":"a","b":"c"}', b'{"d_oid":"a\\n"}', b'{"d_oid":"a$"}', b'{"$oid":"a"}', b'{ "a":"b"}', b'{"a" :"b"}'),
        *(
            b'{"d_oid":"_archived"}',
            b'{"x_archivedDateTime":"a"}',
            b'{"d_oid":"a"}\n{"d_oid":"b"}',
            b'{"a":"\x01"}',
            b'{"a b":""}',
        ),
    ],
)
def test_ids_that_need_a_closer_look_are_left(raw: bytes) -> None:
    plain = b'{"d_oid":"a"}'
    assert plain_hashes(pa.array([plain, plain], pa.binary())) is not None
    assert plain_hashes(pa.array([plain, raw, plain], pa.binary())) is None


def test_plain_records_have_the_hashes_of_their_comparison_keys() -> None:
    other_original = RECORD.replace('|"{""$oid"":""5d1', '|"{""$oid"":""6e2')
    body = (RECORD + RECORD.replace("5d1", "é {}") + RECORD.replace("$oid", "citizen$Id") + other_original).encode()
    hashes = plain_record_hashes(body + b"never looked at", len(body))
    assert hashes is not None
    expected = ['{"d_oid":"5d1"}', '{"d_oid":"é {}"}', '{"citizend_Id":"5d1"}', '{"d_oid":"5d1"}']
    assert hashes.tolist() == [xxh64_intdigest(key.encode()) for key in expected]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        *[("5d1", value) for value in ("a|b", "a$b", 'a""b', "a\\nb", "_archived", "a\rb", "x" * 2000)],
        *[("$oid", key) for key in ("$archived", "_archived", "", "o id", "k" * 2000)],
        *[("|MONGO_UPDATE\n", end) for end in ("|MONGO\rUPDATE\n", "|MONGO|UPDATE\n", "\n", "|MONGO_UPDATE")],
        *[("|15622", time) for time in ("|-15622", "|15a22", "| 15622", "||15622")],
        ("EXPORT", "IMPORT"),
        ('5d1""}"|M', '5d1""}|M'),
        ('"{""$oid"":""5d1""}"|15', '{"$oid":"5d1"}|15'),
        ('"{""$oid"":""5d1""}"|15', '"{""$oid"":""5d1"",""a"":""b""}"|15'),
        ('"{""$oid"":""5d1""}"|15', '"{""$oid"":""5d1"" }"|15'),
    ],
)
def test_records_that_need_a_closer_look_are_left(old: str, new: str) -> None:
    odd = RECORD.replace(old, new).encode()
    assert odd != RECORD.encode()
    body = RECORD.encode() + odd + RECORD.encode()
    assert plain_record_hashes(body, len(body)) is None


@given(st.data())
def test_no_record_is_read_otherwise_than_one_by_one(data: st.DataObject) -> None:
    """However records are damaged: in bulk they give the hashes that they have one by one, or are left."""
    text = RECORD * 3
    for _ in range(data.draw(st.integers(0, 3))):
        at, until = (data.draw(st.integers(0, len(text))) for _ in range(2))
        token = data.draw(st.sampled_from(['"', '""', "|", "\n", "\r", "$", "\\", "_archived", "é", "a", "{", "}", "1", ""]))
        text = text[:at] + token + text[max(at, min(until, at + 3)) :]
    body = text.encode()
    end = body.rfind(b"\n") + 1
    hashes = plain_record_hashes(body, end)
    try:
        keys = read_manifest(body[:end], uri="m").ids
    except InputError:
        assert hashes is None
    else:
        assert hashes is None or hashes.tolist() == [xxh64_intdigest(key) for key in keys]


@given(st.binary(max_size=12) | st.sampled_from([b'{"a":"%b"}' % part for part in (b"", b"\xc3\xa9", b"x" * 40)]))
def test_what_is_hashed_in_bulk_is_its_own_comparison_key(raw: bytes) -> None:
    if plain_hashes(pa.array([raw], pa.binary())) is not None:
        assert comparison_key(raw) == raw
