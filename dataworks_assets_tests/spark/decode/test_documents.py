"""From a file's lines to the rows of its collection's tables, and the lines that are no row."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import json
from typing import Any

import pyarrow as pa
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from spark.contract import Column, ExportCollection, Layout, Misfit, OutputTable
from spark.decode.documents import DecodedChunk, Decoder, decode_file, schema_of
from spark.decode.stream import Chunk
from spark.sources.manifest import stream_id_hashes

MODIFIED = dt.datetime(2019, 7, 4, 7, 27, 35, 104000, dt.UTC)
GOOD = b'{"_id":{"d_oid":"5d"},"_lastModifiedDateTime":{"d_date":"2019-07-04T07:27:35.104Z"},"n":1}'


def table(layout: Layout = Layout.RAW, **fields: Any) -> OutputTable:
    return OutputTable(database="d", name="t", layout=layout, **fields)


def collection(*tables: OutputTable, **fields: Any) -> ExportCollection:
    return ExportCollection(name="core/t", topic="db.core.t", snapshot_type="full", tables=tables or (table(),), **fields)


def typed(**types: str) -> ExportCollection:
    return collection(table(Layout.TYPED, columns=tuple(Column(name=name, type=text) for name, text in types.items())))


def decoded(text: bytes, of: ExportCollection | None = None) -> DecodedChunk:
    return Decoder(of or collection()).decode(Chunk(text, 0))


def rows(text: bytes, of: ExportCollection | None = None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = decoded(text, of).tables[0].to_pylist()
    return found


def reasons(chunk: DecodedChunk) -> list[tuple[int, str]]:
    return [(line.line_number, line.reason) for line in chunk.quarantined]


def test_a_raw_row_is_id_times_and_the_text_byte_for_byte() -> None:
    assert rows(GOOD + b"\n") == [
        {"id": '{"d_oid":"5d"}', "record_timestamp": MODIFIED, "created": None, "removed": None, "record": GOOD.decode()}
    ]


@pytest.mark.parametrize(
    "line",
    [
        b'{"_id":1,"n":1.50,"m":123456789012345678901234567890,"n":2}',
        b'{"_id":1,"s":"\xe2\x80\xa8\xe2\x80\xa9\xc2\x85"}',
        b'  {"_id" : 1}\t',
        b'{"_id":1,"s":"\\ud800"}',
        b'{"_id":1,"s":"\\u0000\\/"}',
    ],
)
def test_the_text_is_untouched(line: bytes) -> None:
    assert rows(GOOD + b"\n" + line + b"\n")[1]["record"].encode() == line


def test_a_carriage_return_before_the_line_feed_is_no_part_of_the_text() -> None:
    assert [row["record"] for row in rows(b'{"_id":1}\r\n{"_id":\r2}\r\n\r\n')] == ['{"_id":1}', '{"_id":\r2}']


def test_blank_lines_are_counted_and_ignored() -> None:
    chunk = decoded(b"\n" + GOOD + b"\n \t\n" + GOOD)
    assert (chunk.lines, chunk.blank_lines, chunk.line_numbers.tolist()) == (4, 2, [2, 4])


def test_a_missing_last_line_feed_is_noted() -> None:
    chunk = decoded(GOOD)
    assert (chunk.tables[0].num_rows, chunk.notes) == (1, ["the last line has no line feed"])


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"[1]", "not a JSON object: Expected `object`, got `array`"),
        (b"null", "not a JSON object: Expected `object`, got `null`"),
        (b'{"_id":1', "not JSON: "),
        (b'{"_id":1}{"_id":2}', "not JSON: "),
        (b'{"_id":1,"s":"\x01"}', "not JSON: "),
        (b'{"_id":1,"s":"\t"}', "not JSON: "),
        (b'{"_id":1,"n":01}', "not JSON: "),
        (b'{"_id":1,"n":NaN}', "not JSON: "),
        (b'{"_id":1,"s":"\\ud800\\x"}', "not JSON: "),
        (b'{"_id":1,"s":"\xff"}', "not UTF-8: byte 14"),
        (b'{"_id":1,"s":"\xed\xa0\x80"}', "not UTF-8: byte 14"),
        (b'{"n":1}', "the document has no _id"),
        (b'{"_id":null}', "the document has no _id"),
        (b'{"_id":1,"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested deeper than about 4800 levels"),
    ],
)
def test_a_line_that_is_no_row_is_kept_with_number_reason_and_bytes(line: bytes, reason: str) -> None:
    chunk = decoded(GOOD + b"\n" + line + b"\n" + GOOD + b"\n")
    assert [(each.line_number, each.raw) for each in chunk.quarantined] == [(2, line)]
    assert chunk.quarantined[0].reason.startswith(reason)
    assert chunk.line_numbers.tolist() == [1, 3]
    assert chunk.tables[0].column("record").to_pylist() == [GOOD.decode()] * 2


def test_a_document_over_two_lines_is_two_bad_lines() -> None:
    assert [line for line, _ in reasons(decoded(b'{"_id":\n1}\n{"_id":2}{"_id":3}\n'))] == [1, 2, 3]


@pytest.mark.parametrize("levels", [500, 970, 999, 4000])
def test_deep_nesting_is_a_document(levels: int) -> None:
    line = b'{"_id":1,"n":5,"a":' + b'{"a":' * levels + b"1" + b"}" * levels + b"}"
    chunk = decoded(line + b"\n", typed(n="bigint", a="struct<a:struct<b:bigint>>"))
    assert chunk.quarantined == []
    assert chunk.tables[0].to_pylist()[0] | {"record": ""} | {"a": 0} == {
        "id": "1", "record_timestamp": None, "created": None, "removed": None, "record": "", "n": 5, "a": 0, "_errors": None
    }  # fmt: skip


def test_a_document_of_60_mb_is_a_row() -> None:
    line = b'{"_id":1,"s":"' + b"x" * 60_000_000 + b'"}'
    assert decoded(line + b"\n").tables[0].column("record")[0].as_py() == line.decode()


def test_lines_are_numbered_through_the_file() -> None:
    decoder = Decoder(collection())
    decoder.decode(Chunk(GOOD + b"\n\n", 0))
    assert reasons(decoder.decode(Chunk(GOOD + b"\n[]\n", 100)))[0][0] == 4


def test_ids_hash_like_the_manifests() -> None:
    manifest = b'"{""$oid"":""5d""}"|1|core|t|EXPORT|a|b|c\n"{""a"":2,""b"":1}"|1|core|t|EXPORT|a|b|c\n'
    chunk = decoded(GOOD + b'\n{"_id":{"b" : 1,"a":2}}\n')
    assert chunk.ids.tolist() == stream_id_hashes([manifest], uri="s3://m").tolist()
    assert chunk.tables[0].column("id").to_pylist() == ['{"d_oid":"5d"}', '{"a":2,"b":1}']


def test_a_collection_without_ids_has_none() -> None:
    chunk = decoded(b'{"n":1}\n', collection(id_path=None))
    assert (len(chunk.ids), chunk.id_texts, chunk.tables[0].column("id").to_pylist()) == (0, None, [None])


def test_ids_and_times_stand_where_the_configuration_says() -> None:
    of = collection(id_path=("message", "_id"), timestamp_path=("TIME_STAMP",), created_path=None, removed_path=None)
    row = rows(b'{"message":{"_id":{"citizenId":"x"}},"TIME_STAMP":"2019-07-04T07:27:35.104Z"}\n', of)[0]
    assert (row["id"], row["record_timestamp"]) == ('{"citizenId":"x"}', MODIFIED)


def test_a_time_that_cannot_be_is_null_and_noted_without_its_value() -> None:
    decoder, text = Decoder(collection()), GOOD + b'\n{"_id":1,"_lastModifiedDateTime":"secret"}\n'
    chunk = decoder.decode(Chunk(text, 0))
    assert chunk.tables[0].column("record_timestamp").to_pylist() == [MODIFIED, None]
    assert chunk.notes == ["record_timestamp of t does not fit its type in some lines, first in line 2"]
    assert decoder.decode(Chunk(text, len(text))).notes == []


def test_a_misfit_is_null_with_an_entry_naming_column_and_value() -> None:
    row = rows(b'{"_id":1,"n":1.5,"s":"\\ud800"}\n', typed(n="bigint", s="string"))[0]
    assert (row["n"], row["s"]) == (None, "\ufffd")
    assert row["_errors"] == ["n: 1.5 is no bigint", 's: a lone surrogate became U+FFFD in "\\ud800"']


def test_a_misfit_can_refuse_the_row_in_all_tables() -> None:
    strict = table(Layout.TYPED, columns=(Column(name="n", type="bigint"),), misfit=Misfit.REFUSE)
    chunk = decoded(b'{"_id":1,"n":"x"}\n{"_id":2,"n":2}\n', collection(table(), strict))
    assert reasons(chunk) == [(1, 'n: "x" is no bigint')]
    assert [batch.column("id").to_pylist() for batch in chunk.tables] == [["2"], ["2"]]
    assert (len(chunk.ids), chunk.line_numbers.tolist()) == (1, [2])


def test_columns_come_from_their_paths() -> None:
    columns = (Column(name="type", path=("message", "@type")), Column(name="1_abroad", path=("message", "1 abroad")))
    of = collection(table(Layout.COLUMNS, columns=columns), id_path=None)
    assert rows(b'{"message":{"@type":"T","1 abroad":7}}\n', of) == [{"type": "T", "1_abroad": "7"}]


def test_several_tables_of_one_collection_have_the_same_rows() -> None:
    text = table(Layout.TEXT, text_column="val")
    some = table(Layout.COLUMNS, columns=(Column(name="n", type="bigint"),))
    chunk = decoded(GOOD + b"\n[]\n" + GOOD + b"\n", collection(text, some, table()))
    assert [batch.num_rows for batch in chunk.tables] == [2, 2, 2]
    assert chunk.tables[0].to_pylist() == [{"val": GOOD.decode()}] * 2
    assert chunk.tables[1].column("n").to_pylist() == [1, 1]


@pytest.mark.parametrize(
    ("of", "names"),
    [
        (table(), ["id", "record_timestamp", "created", "removed", "record"]),
        (table(text_column="val"), ["id", "record_timestamp", "created", "removed", "val"]),
        (table(Layout.TEXT, text_column="val"), ["val"]),
        (table(Layout.COLUMNS, columns=(Column(name="a"),)), ["a"]),
        (table(Layout.COLUMNS, columns=(Column(name="a", type="int"),)), ["a", "_errors"]),
        (table(Layout.COLUMNS, columns=(Column(name="a", type="int"),), misfit=Misfit.REFUSE), ["a"]),
        (
            table(Layout.TYPED, columns=(Column(name="a", type="int"),)),
            ["id", "record_timestamp", "created", "removed", "record", "a", "_errors"],
        ),
    ],
)
def test_a_layout_has_its_columns(of: OutputTable, names: list[str]) -> None:
    assert schema_of(of).names == names


def test_times_are_utc_microseconds() -> None:
    assert schema_of(table()).field("created").type == pa.timestamp("us", tz="UTC")


def test_a_file_is_decoded_from_its_encrypted_bytes() -> None:
    lines = b"".join(b'{"_id":{"d_oid":"%d"}}\n' % number for number in range(1000))
    key, iv = bytes(32), bytes(16)
    body = Cipher(algorithms.AES(key), modes.CTR(iv)).encryptor().update(gzip.compress(lines))
    chunks = list(decode_file([body], key=key, iv=iv, collection=collection(), uri="s3://input/x"))
    assert sum(chunk.decoded_bytes for chunk in chunks) == len(lines)
    texts = "\n".join(record for chunk in chunks for record in chunk.tables[0].column("record").to_pylist()) + "\n"
    assert hashlib.sha256(texts.encode()).digest() == hashlib.sha256(lines).digest()


def test_a_type_that_changes_from_line_to_line_is_judged_line_by_line() -> None:
    values: list[Any] = [1, "1", {"a": 1}, [1], True, None, 2]
    text = "".join(json.dumps({"_id": n, "v": value}) + "\n" for n, value in enumerate(values)).encode()
    assert [row["v"] for row in rows(text, typed(v="bigint"))] == [1, None, None, None, None, None, 2]
    as_text = ["1", "1", '{"a": 1}', "[1]", "true", None, "2"]
    assert [row["v"] for row in rows(text, typed(v="string"))] == as_text
