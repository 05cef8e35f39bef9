"""A partner's CSV: RFC 4180 with a header, UTF-8, streamed. An unquoted empty field is null, `""` the empty string.

A row with a different number of fields is quarantined unchanged. A quote that is never closed fails the file.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import csv as arrow_csv

from spark.decode.lines import QuarantinedLine
from spark.decode.partner.batches import SourceBatch, SourceField, TextColumn
from spark.errors import InputError

if TYPE_CHECKING:
    from typing_extensions import Buffer

BLOCK_BYTES = 8 << 20
"""Maximum length of a row."""
_HEADER_BYTES = 1 << 20
_READ_BYTES = 1 << 20
_AGAIN = "Have the partner deliver the file again"
_AS_UTF8 = "Have the partner deliver it as UTF-8"


def csv_fields(body: Iterable[Buffer], *, uri: str) -> tuple[SourceField, ...]:
    """Returns the names in the header, unchanged; reads no more of the object than necessary.

    Raises:
        InputError: the object is empty, is not UTF-8 or has no header.
    """
    text = bytearray()
    for piece in body:
        text += piece
        if len(text) >= _HEADER_BYTES or _has_row(text):
            break
    begin = bytes(text[:_HEADER_BYTES])
    _check_encoding(begin, uri)
    try:
        lines = io.StringIO(codecs.getincrementaldecoder("utf-8-sig")().decode(begin), newline="")
        names = next(csv.reader(lines, strict=True), [])
    except UnicodeDecodeError as error:
        raise InputError(f"byte {error.start} is not UTF-8", where=uri, remedy=_AS_UTF8) from error
    except csv.Error as error:
        raise InputError(f"the header does not parse: {error}", where=f"{uri}, row 1", remedy=_AGAIN) from error
    if not names:
        raise InputError("the first line is blank where the header should be", where=uri, remedy=_AGAIN)
    return tuple(SourceField(name) for name in names)


def _has_row(text: bytearray) -> bool:
    """Whether a line ends outside of quotes."""
    quotes = start = 0
    while (end := text.find(b"\n", start)) >= 0:
        quotes += text.count(b'"', start, end)
        if quotes % 2 == 0:
            return True
        start = end + 1
    return False


def csv_rows(body: Iterable[Buffer], fields: tuple[SourceField, ...], *, uri: str) -> Iterator[SourceBatch]:
    """Yields the file's rows.

    Args:
        body: the object's bytes in any division.
        fields: as returned by `csv_fields`.
        uri: its address, for errors.

    Raises:
        InputError: a quote is never closed, a row is longer than a block, or bytes are not UTF-8; names the row.
    """
    source = _Source(body)
    refused: list[QuarantinedLine] = []
    rows = 0
    try:
        reader = _open(source, len(fields), refused)
        for batch in _batches(reader):
            rows += batch.num_rows
            columns = {field.name: TextColumn(batch.column(at)) for at, field in enumerate(fields)}
            quarantined, refused[:] = list(refused), []
            yield SourceBatch(columns, batch.num_rows, quarantined, source.taken_bytes())
    except pa.ArrowInvalid as error:
        raise _explained(error, source, rows, uri) from error
    if source.quotes % 2:
        raise _unclosed(rows, uri)
    if refused or source.read_bytes != source.told_bytes:
        yield SourceBatch(
            {field.name: TextColumn(pa.array([], pa.string())) for field in fields}, 0, refused, source.taken_bytes()
        )


def _open(source: _Source, columns: int, refused: list[QuarantinedLine]) -> Any:
    def refuse(row: Any) -> str:
        reason = f"{row.actual_columns} fields where the header has {row.expected_columns}"
        refused.append(QuarantinedLine(row.number or 0, reason, row.text.encode()))
        return "skip"

    return arrow_csv.open_csv(
        pa.PythonFile(io.BufferedReader(source, _READ_BYTES), mode="r"),  # buffered: a short read would be a short block
        read_options=arrow_csv.ReadOptions(
            use_threads=False,
            block_size=BLOCK_BYTES,
            column_names=[str(number) for number in range(columns)],
            skip_rows_after_names=1,
        ),
        parse_options=arrow_csv.ParseOptions(
            double_quote=True, escape_char=False, newlines_in_values=True, invalid_row_handler=refuse
        ),
        convert_options=arrow_csv.ConvertOptions(
            strings_can_be_null=True, quoted_strings_can_be_null=False, null_values=[""], default_column_type=pa.string()
        ),
    )


def _batches(reader: Any) -> Iterator[pa.RecordBatch]:
    while True:
        try:
            yield reader.read_next_batch()
        except StopIteration:
            return


class _Source(io.RawIOBase):
    """The object as a file: counts bytes and quotes as they pass, and terminates an unterminated last line."""

    def __init__(self, body: Iterable[Buffer]) -> None:
        super().__init__()
        self._pieces = iter(body)
        self._piece = memoryview(b"")
        self._is_ended = True
        self.quotes = 0
        self.read_bytes = 0
        self.told_bytes = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        target = memoryview(buffer)
        while not len(self._piece):
            piece = next(self._pieces, None)
            if piece is None and self._is_ended:
                return 0
            text = b"\n" if piece is None else bytes(piece)
            self._piece, self._is_ended = memoryview(text), text.endswith((b"\n", b"\r"))
            self.quotes += text.count(b'"')
            self.read_bytes += 0 if piece is None else len(text)
        size = min(len(target), len(self._piece))
        target[:size] = self._piece[:size]
        self._piece = self._piece[size:]
        return size

    def taken_bytes(self) -> int:
        """Returns the bytes that were read since the last call."""
        taken, self.told_bytes = self.read_bytes - self.told_bytes, self.read_bytes
        return taken


def _check_encoding(head: bytes, uri: str) -> None:
    if not head:
        raise InputError("the object is empty (0 bytes)", where=uri, remedy=_AGAIN)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in head:
        raise InputError("the file is UTF-16 or binary, not UTF-8", where=uri, remedy=_AS_UTF8)


def _explained(error: pa.ArrowInvalid, source: _Source, rows: int, uri: str) -> InputError:
    said = str(error)
    if "UTF8" in said:
        return InputError(f"bytes that are not UTF-8 ({said})", where=f"{uri}, after row {rows + 1}", remedy=_AS_UTF8)
    if source.quotes % 2:
        return _unclosed(rows, uri)
    return InputError(f"the file does not parse: {said.rstrip('.')}", where=f"{uri}, after row {rows + 1}", remedy=_AGAIN)


def _unclosed(rows: int, uri: str) -> InputError:
    return InputError(
        "a quote is opened and never closed",
        where=f"{uri}, of {rows + 1} rows read",
        remedy=f"A quote inside a field is doubled. {_AGAIN}",
    )
