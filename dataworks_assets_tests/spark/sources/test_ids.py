from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark.errors import InputError
from spark.sources.ids import comparison_hashes, comparison_key, hash_keys, id_text

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def test_the_id_column_keeps_the_documents_own_form():
    assert id_text(b'{"d_oid":"5d"}') == b'{"d_oid":"5d"}'


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b'{ "d_oid" : "5d" }', b'{"d_oid":"5d"}'),
        (b'{"b":2,"a":{"d":1,"c":[1, 2]}}', b'{"a":{"c":[1,2],"d":1},"b":2}'),
        (b'{"a":"\\u00e9\\/"}', '{"a":"é/"}'.encode()),
        (b'{"a":"\\ud800"}', b'{"a":"\\ud800"}'),
        (b'{"a":1,"a":2}', b'{"a":2}'),
        (b'"scalar"', b'"scalar"'),
        (b'{"a":123456789012345678901234567890}', b'{"a":123456789012345678901234567890}'),
    ],
)
def test_an_ids_text_is_compact_and_sorted(raw, text):
    assert id_text(raw) == text


@pytest.mark.parametrize(
    ("manifest", "document"),
    [
        (b'{"$oid":"5d"}', b'{"d_oid":"5d"}'),
        (b'{"citizenId":"1"}', b'{"citizenId":"1"}'),
        (b'{"$oid":"cash$in$hand"}', b'{"d_oid":"cashd_ind_hand"}'),
        (b'{"a":"x\\u0000y"}', b'{"a":"xy"}'),
        (b'{"a":"x\\r\\ny"}', b'{"a":"xy"}'),
        (b'{"_archived":"_archivedDateTime"}', b'{"_removed":"_removedDateTime"}'),
        (b'"5d"', b'{"d_oid":"5d"}'),
        (b"17", b'{"d_oid":"17"}'),
        (b'{"b":1,"a":{"$date":"2019"}}', b'{"a":{"d_date":"2019"},"b":1}'),
    ],
)
def test_a_manifests_id_and_its_documents_compare_equal(manifest, document):
    assert comparison_key(manifest) == comparison_key(document)


@pytest.mark.parametrize("raw", [b"", b"{", b'{"a":NaN}', b"abc", b"\xff", b"[" * 3000 + b"]" * 3000])
def test_what_is_no_json_is_an_input_error_without_the_text(raw):
    with pytest.raises(InputError, match="an id is n"):
        comparison_key(raw)


@given(json_values)
def test_a_key_is_its_own_key(value):
    key = comparison_key(json.dumps(value).encode())
    assert comparison_key(key) == key


@given(json_values)
def test_spelling_does_not_matter(value):
    assert comparison_key(json.dumps(value, indent=1).encode()) == comparison_key(
        json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")
    )


@given(st.lists(st.dictionaries(st.sampled_from(["$oid", "d_oid", "b"]), st.text(), min_size=1, max_size=2)))
def test_hashes_in_bulk_are_the_hashes_one_by_one(ids):
    raws = [json.dumps(each, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "backslashreplace") for each in ids]
    assert comparison_hashes(raws).tolist() == [hash_keys([comparison_key(raw)])[0] for raw in raws]
