"""Which lines are documents: against the standard library's JSON, over texts made of everything that is doubtful."""

from __future__ import annotations

import json
from typing import NoReturn

from hypothesis import given, settings
from hypothesis import strategies as st

from spark.contract import ExportCollection, Layout, OutputTable
from spark.decode.documents import Decoder
from spark.decode.lines import read_lines
from spark.decode.stream import Chunk

TEXT_ONLY = ExportCollection(
    name="c", topic="t", snapshot_type="full", id_path=None, tables=(OutputTable(database="d", name="t", layout=Layout.TEXT),)
)
pieces = st.sampled_from([
    b"{", b"}", b"[", b"]",
    b'"', b"\\", b"\\u", b"d800", b"\\ud83d\\ude00", b"\\udc00", b",", b":", b"1", b"-", b"0", b".", b"e+",
    b"true", b"null", b"NaN", b" ", b"\t", b"\r", b"\x00", b"\x1f", b"\x7f", b"\xff", b"\xc3", b"\xc3\xa9", b"\xed\xa0\x80",
    b"\xf0\x9f\x98\x80", b"\xe2\x80\xa8", b'"a":1', b"{}", b'{"a":', b'"x"', b"\xef\xbb\xbf", b"\n", b"\n", b'{"b":[1]}\n',
])  # fmt: skip


def refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def is_document(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line.decode(), parse_constant=refuse), dict)
    except ValueError:
        return False


@settings(max_examples=500)
@given(st.lists(pieces, min_size=1, max_size=12).map(b"".join))
def test_a_line_is_a_document_blank_or_quarantined(text: bytes) -> None:
    lines = text.replace(b"\r\n", b"\n").removesuffix(b"\n").split(b"\n")
    chunk = Decoder(TEXT_ONLY).decode(Chunk(text, 0))
    documents = [line for line in lines if is_document(line)]
    others = [(number, line) for number, line in enumerate(lines, 1) if line.strip(b" \t\r") and not is_document(line)]
    assert [text.encode() for text in chunk.tables[0].column("record").to_pylist()] == documents
    assert [(line.line_number, line.raw) for line in chunk.quarantined] == others
    assert (chunk.lines, chunk.blank_lines) == (len(lines), len(lines) - len(documents) - len(others))


def test_well_formed_lines_are_told_without_looking_at_each() -> None:
    assert read_lines(b'{"a":1}\n{"a":"\xc3\xa9"}\n', 1).is_regular
    assert not read_lines(b'{"a":1}\n{"a":"\xc3"}\n', 1).is_regular
    assert not read_lines(b'{"a":1}\n\n{"a":1}\n', 1).is_regular


def test_documents_are_numbered_from_the_first_line_given() -> None:
    assert read_lines(b"{}\n{}\n", 7).line_numbers.tolist() == [7, 8]
