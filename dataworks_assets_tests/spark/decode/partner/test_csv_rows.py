import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark.decode.partner import csv_rows
from spark.decode.partner.csv_rows import csv_fields
from spark.errors import InputError

URI = "s3://partner/vacancy/2026-11-20_vacancy.csv"


def names(body: bytes) -> list[str]:
    return [field.name for field in csv_fields([body], uri=URI)]


def read(body: bytes, *, piece_bytes: int = 7):
    fields = csv_fields([body], uri=URI)
    pieces = [body[at : at + piece_bytes] for at in range(0, len(body), piece_bytes)]
    batches = list(csv_rows.csv_rows(pieces, fields, uri=URI))
    columns = [[text for batch in batches for text in batch.columns[field.name].texts.to_pylist()] for field in fields]
    return list(zip(*columns, strict=True)), [line for batch in batches for line in batch.quarantined]


def test_quoted_fields_hold_line_breaks_commas_quotes_and_backslashes():
    rows, refused = read(b'a,b\r\n"x\r\ny, z","say ""hi"" \\n"\r\n')
    assert (rows, refused) == ([("x\r\ny, z", 'say "hi" \\n')], [])


def test_the_header_is_read_from_its_first_pieces_and_no_others_even_where_it_holds_line_breaks():
    pieces = iter([b'id,"two', b"\nlin", b'es",c', b"\n1,2,3\n", b"4,5,6\n"])
    assert [field.name for field in csv_fields(pieces, uri=URI)] == ["id", "two\nlines", "c"]
    assert list(pieces) == [b"4,5,6\n"]


def test_an_unquoted_empty_field_is_null_and_a_quoted_one_the_empty_string():
    assert read(b'a,b\n,""\n')[0] == [(None, "")]


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_both_line_ends_and_a_missing_last_one_are_read(end):
    assert read(end.join([b"a,b", b"1,2", b"3,4"]))[0] == [("1", "2"), ("3", "4")]


def test_a_byte_order_mark_is_no_part_of_the_first_name():
    assert names(b"\xef\xbb\xbfa,b\n1,2\n") == ["a", "b"]
    assert read(b"\xef\xbb\xbfa,b\n1,2\n")[0] == [("1", "2")]


@pytest.mark.parametrize("body", [b"a,b", b"a,b\n", b'"a","b\nc"\n'])
def test_a_header_alone_has_no_rows(body):
    assert read(body) == ([], [])


def test_a_ragged_row_is_quarantined_with_its_number_and_bytes():
    rows, refused = read(b"a,b\n1,2\n3\n4,5,6\n7,8\n")
    assert rows == [("1", "2"), ("7", "8")]
    assert [(line.line_number, line.raw) for line in refused] == [(3, b"3"), (4, b"4,5,6")]
    assert refused[0].reason == "1 fields where the header has 2"


@pytest.mark.parametrize("body", [b'a,b\n1,2\n3,"x\n4,5\n', b'a,b\n1,"x\n2,"y"\n', b'a,b\n1,"'])
def test_a_quote_that_is_never_closed_fails_the_file(body):
    with pytest.raises(InputError, match="a quote is opened and never closed"):
        read(body)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "the object is empty"),
        (b"\n1,2\n", "the first line is blank"),
        ("a,b\n1,2\n".encode("utf-16"), "UTF-16"),
        ("a,b\n1,2\n".encode("utf-16-le"), "UTF-16"),
        (b"a,b\n1,2\n3,\xe9\n", "not UTF-8"),
        (b"a,\xe9\n1,2\n", "not UTF-8"),
    ],
)
def test_what_is_no_utf_8_csv_is_refused_with_the_reason(body, said):
    with pytest.raises(InputError, match=said):
        read(body)


def test_many_blocks_are_read_as_one(monkeypatch):
    monkeypatch.setattr(csv_rows, "BLOCK_BYTES", 1024)
    body = b"a,b\n" + b"".join(b'%d,"line\nbreak"\n' % number for number in range(500))
    rows, _ = read(body, piece_bytes=100)
    assert rows == [(str(number), "line\nbreak") for number in range(500)]


TEXT = st.text(st.characters(exclude_characters="\0\r", exclude_categories=["Cs"]), max_size=8)


@given(st.lists(st.tuples(TEXT, TEXT), max_size=8))
def test_what_a_writer_quoted_is_read_as_it_was(rows):
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows([("a", "b"), *rows])
    assert read(out.getvalue().encode()) == (rows, [])
