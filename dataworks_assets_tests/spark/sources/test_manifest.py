from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark.errors import InputError
from spark.sources.ids import comparison_hashes, comparison_key, hash_keys
from spark.sources.manifest import count_records, read_manifest, stream_id_hashes

PLAIN = b'"{""$oid"":""5d1""}"|1562225255104|core|statement|EXPORT|MONGO_UPDATE|"{""$oid"":""5d1""}"|MONGO_UPDATE\n'


def escaped(field: str) -> str:
    """As the producer escapes: RFC 4180 where it holds a comma, quote or line break, and only there."""
    if not any(found in field for found in ',"\r\n'):
        return field
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="").writerow([field])
    return out.getvalue()


def record(identifier: str, original: str | None = None, timestamp: int = 1562225255104) -> str:
    original = identifier if original is None else original
    return (
        f"{escaped(identifier)}|{timestamp}|penalties-and-deductions|sanction|EXPORT|MONGO_INSERT|"
        f"{escaped(original)}|MONGO_INSERT\n"
    )


def ids(body: bytes) -> list[bytes]:
    """The ids, read one by one; in bulk they have the same hashes."""
    keys = read_manifest(body, uri="s3://manifests/m.csv").ids
    assert stream_id_hashes([body], uri="s3://manifests/m.csv").tolist() == hash_keys(keys).tolist()
    return keys


def test_a_record_is_read():
    manifest = read_manifest(PLAIN, uri="s3://manifests/m.csv")
    assert manifest.ids == [b'{"d_oid":"5d1"}']
    assert manifest.lines == 1


def test_records_keep_their_order():
    assert ids(PLAIN + PLAIN.replace(b"5d1", b"5d0")) == [b'{"d_oid":"5d1"}', b'{"d_oid":"5d0"}']


def test_an_empty_manifest_has_no_records():
    assert ids(b"") == []


def test_the_last_record_may_lack_its_line_feed():
    assert ids(PLAIN + PLAIN[:-1]) == [b'{"d_oid":"5d1"}'] * 2


def test_carriage_returns_and_blank_lines_are_no_records():
    assert ids(PLAIN.replace(b"\n", b"\r\n") + b"\r\n\n" + PLAIN) == [b'{"d_oid":"5d1"}'] * 2


def test_a_pipe_in_a_quoted_id_is_part_of_it():
    assert ids(record('{"$oid":"a|b"}').encode()) == [b'{"d_oid":"a|b"}']


def test_a_pipe_in_an_unquoted_id_is_part_of_it():
    assert ids(record("row|key").encode() + PLAIN) == [b"row|key", b'{"d_oid":"5d1"}']


def test_an_id_that_looks_like_a_records_middle_is_read_whole():
    identifier = "a|1|db|c|EXPORT|b"
    assert ids(record(identifier).encode()) == [identifier.encode()]


def test_a_quoted_id_may_hold_line_breaks():
    assert ids(record("row\nkey").encode() + PLAIN) == [b"row\nkey", b'{"d_oid":"5d1"}']


def test_ids_of_several_shapes_are_read():
    body = record('{"$oid":"1"}') + record('{"citizenId":"2"}') + record('{"b":1,"a":2}') + record("17")
    assert ids(body.encode()) == [b'{"d_oid":"1"}', b'{"citizenId":"2"}', b'{"a":2,"b":1}', b'{"d_oid":"17"}']


def test_an_id_that_is_not_escaped_is_read_all_the_same():
    line = b'{"$oid":"5d"}|1|core|statement|EXPORT|U|{"$oid":"5d"}|U\n'
    assert ids(line) == [b'{"d_oid":"5d"}']


@pytest.mark.parametrize(
    "line",
    [
        b"not a record\n",
        b'"{""$oid"":""5d""}"|notime|core|statement|EXPORT|U|x|U\n',
        b'"{""$oid"":""5d""}"|1|core|statement|IMPORT|U|x|U\n',
        b'"{""$oid"":""5d""}"|1|core|statement|EXPORT|U\n',
        b'"{""$oid"":""5d""}"|1|core|statement|EXPORT|U|x\n',
        b'"never closed|1|core|\n',
    ],
)
def test_a_line_that_is_no_record_is_named_without_its_text(line):
    body = PLAIN + PLAIN + line + PLAIN
    for read in (lambda: ids(body), lambda: stream_id_hashes([body], uri="s3://manifests/m.csv")):
        with pytest.raises(InputError) as caught:
            read()
        assert caught.value.where == "s3://manifests/m.csv line 3"
        assert "5d" not in str(caught.value)


def test_lines_are_counted_over_blocks():
    with pytest.raises(InputError, match=r"line 20001"):
        stream_id_hashes([PLAIN * 20_000 + b"broken\n"], uri="m")


def test_a_block_may_end_anywhere():
    body = (PLAIN + record("row\nkey").encode()) * 3
    expected = ids(body)
    for size in range(1, 60):
        chunks = [body[start : start + size] for start in range(0, len(body), size)]
        assert stream_id_hashes(chunks, uri="m").tolist() == hash_keys(expected).tolist()


def test_hashes_equal_those_of_the_documents_ids():
    body = record('{"$oid":"1"}') + record('{"citizenId":"2"}')
    hashes = stream_id_hashes([body.encode()], uri="m")
    assert hashes.tolist() == comparison_hashes([b'{"d_oid":"1"}', b'{"citizenId":"2"}']).tolist()


identifiers = st.dictionaries(st.text(min_size=1, max_size=5), st.text(max_size=8), min_size=1, max_size=2).map(
    lambda value: json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
)
row_keys = st.text(alphabet="ab|,\"\r\n'$", min_size=1, max_size=8).filter(
    lambda text: text.strip("\r\n") and not text.strip("\r\n").startswith('"')
)


def encodable(text: str) -> bool:
    return text.encode("utf-8", "ignore").decode() == text


@given(st.lists(st.tuples(identifiers.filter(encodable), st.integers(-10, 10**13)), max_size=5))
def test_what_a_producer_writes_is_read_back(records):
    body = "".join(record(identifier, timestamp=timestamp) for identifier, timestamp in records).encode()
    assert ids(body) == [comparison_key(identifier.encode()) for identifier, _ in records]


@given(st.lists(row_keys, max_size=4))
def test_ids_made_from_row_keys_are_read_back(keys):
    assert ids("".join(map(record, keys)).encode()) == [key.encode() for key in keys]


EVEN = b'"{""$oid"":""%b""}"|1234567890123|core|claim|EXPORT|MONGO_INSERT|"{""$oid"":""%b""}"|MONGO_INSERT\n'


@pytest.mark.parametrize("odd", [b"abcd", b"a$cd", b"a|cd", b'a""d', b"a\\nd", b"\xc3\xa9cd", b"{{{{", b"a\x01cd"])
def test_records_of_one_length_are_read_as_any_others(odd):
    even = b"".join(EVEN % (value, value) for value in (b"0000", odd, b"1111"))
    longer = EVEN % (b"22222", b"22222")
    assert ids(even) == ids(even + longer)[:-1]


def test_an_archived_id_among_records_of_one_length_is_renamed():
    even = b"".join(EVEN % (value, value) for value in (b"x_archived", b"0123456789"))
    assert ids(even) == [b'{"d_oid":"x_removed"}', b'{"d_oid":"0123456789"}']


def test_a_manifest_in_pieces_gives_the_same_hashes():
    body = b"".join(EVEN % (b"%04d" % number, b"%04d" % number) for number in range(500))
    pieces = [body[start : start + 777] for start in range(0, len(body), 777)]
    assert (stream_id_hashes(pieces, uri="m") == stream_id_hashes([body], uri="m")).all()
    assert count_records(pieces, uri="m") == 500
