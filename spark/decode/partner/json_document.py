"""A partner's JSON: one object of `fields` (names with PII marks) and `data` (documents), streamed element by element.

Nothing larger than a batch of documents (or one longer document) is held in memory. The small text around the elements is
kept and parsed as JSON at the end, which proves that the whole text is the documented object.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

import msgspec
import pyarrow as pa

from spark.decode.collector import paused_collector
from spark.decode.lines import QuarantinedLine
from spark.decode.partner.batches import JsonColumn, SourceBatch, SourceField
from spark.decode.partner.elements import brackets, cut_elements
from spark.decode.partner.skeleton import TOO_DEEP, all_fields, begun_fields
from spark.errors import InputError
from spark.native.columns import ANY, DocumentReader

if TYPE_CHECKING:
    from typing_extensions import Buffer

BATCH_BYTES = 4 << 20
_AROUND_LIMIT_BYTES = 16 << 20
_ELEMENT_LIMIT_BYTES = 256 << 20
_AGAIN = "Have the partner deliver the file again"
_NULL = b"null"
_DATA_KEY = b'"data"'
_KEY_LOOK_BACK = 4096

Columns = tuple[int, list[pa.Array]]
"""The number of documents, and the values of each of their fields as `ANY`."""

Decode = Callable[[bytes], Columns | None]
"""Decodes a text of elements separated by commas; None if it is not one."""


@dataclass
class _Document:
    """The text of one object on its way: first what stands before the elements, then they, then what follows."""

    body: Iterator[bytes]
    uri: str
    before: bytes = b""
    after: bytes = b""
    text: bytes = b""
    offset: int = 0
    _taken_bytes: int = field(default=0)

    def open(self) -> None:
        """Reads up to the first element."""
        found: int | None = None
        while found is None:
            if not self._more():
                self._no_document("it has no array `data`" if self.text.strip() else "the object is empty", self.text)
            if not self.text.lstrip().startswith(b"{"):
                self._no_document("it does not begin with `{`: most likely the wrong data key or iv", b"")
            found = _data_start(self.text)
            if found is None and len(self.text) > _AROUND_LIMIT_BYTES:
                self._no_document(f"no array `data` begins within {_AROUND_LIMIT_BYTES} bytes", b"")
        self.before, self.text = self.text[:found], self.text[found:]
        self.offset = found

    def elements(self, decode: Decode | None = None) -> Iterator[tuple[bytes, Columns | None]]:
        """Yields texts of whole elements between commas, without the array's brackets; then reads what follows.

        With `decode` each comes with what it gave, where the text is such that it was tried: an end that was only guessed is
        the end of an element if all before it decodes.
        """
        is_first, is_last = True, False
        while not is_last:
            guessed = self._guessed_cut(decode, is_first=is_first) if decode else None
            if guessed is not None:
                cut, piece, columns = guessed
                yield piece, columns
                is_first = False
            else:
                cut, is_last = self._next_cut()
                piece = self.text[:cut].strip()
                if piece:
                    yield piece if is_first else self._without_comma(piece), None
                    is_first = False
            self.offset += cut
            self.text = self.text[cut:]
        while self._more():
            if len(self.text) > _AROUND_LIMIT_BYTES:
                self._fail(f"more than {_AROUND_LIMIT_BYTES} bytes follow `data`")
        self.after = self.text

    def _guessed_cut(self, decode: Decode, *, is_first: bool) -> tuple[int, bytes, Columns] | None:
        """Returns where elements end that need not be looked for bracket by bracket, their text, and what it decodes to."""
        if len(self.text) < BATCH_BYTES:
            self._more(BATCH_BYTES)
        cut = self.text.rfind(b"},") + 1
        piece = self.text[:cut].strip()
        if not cut or (piece.startswith(b",") is is_first):
            return None
        piece = piece if is_first else piece[1:]
        columns = decode(piece)
        return None if columns is None else (cut, piece, columns)

    def _next_cut(self) -> tuple[int, bool]:
        """Reads until there are whole elements; returns where they end, and whether the array ends there."""
        cut, end = cut_elements(self.text) if len(self.text) >= BATCH_BYTES else (0, None)
        while not cut and end is None:
            if len(self.text) > _ELEMENT_LIMIT_BYTES:
                self._fail(f"an element of `data` is longer than {_ELEMENT_LIMIT_BYTES} bytes")
            is_ended = not self._more(BATCH_BYTES)
            cut, end = cut_elements(self.text)
            if is_ended and end is None:
                self._fail("the file ends inside of `data`: it was truncated, or a quote or bracket is missing")
        return cut, end is not None

    def _without_comma(self, piece: bytes) -> bytes:
        if not piece.startswith(b",") or not piece[1:].strip():
            self._fail("elements of `data` without one comma between each two of them")
        return piece[1:]

    def fields(self) -> tuple[SourceField, ...] | None:
        """Returns the declared fields, None where they stand after the elements and were not read yet."""
        if not self.after:
            return begun_fields(self.before, uri=self.uri)
        try:
            return all_fields(self.before + self.after, uri=self.uri)
        except ValueError as error:
            self._no_document(str(error), b"", error)

    def read_bytes(self) -> int:
        """Returns the bytes that were read since the last call."""
        taken, self._taken_bytes = self._taken_bytes, 0
        return taken

    def _more(self, at_least: int = 1 << 18) -> bool:
        """Adds text; returns whether there was any."""
        pieces = [self.text]
        size = 0
        while size < at_least:
            piece = next(self.body, None)
            if piece is None:
                break
            pieces.append(piece)
            size += len(piece)
        self.text = b"".join(pieces)
        self._taken_bytes += size
        return size > 0

    def _fail(self, what: str) -> NoReturn:
        raise InputError(what, where=f"{self.uri}, byte {self.offset}", remedy=_AGAIN)

    def _no_document(self, why: str, text: bytes, error: Exception | None = None) -> NoReturn:
        remedy = "Compare the object's metadata (`iv`, `ciphertext`, `datakeyencryptionkeyid`) with the partner's"
        if text or error:
            remedy = 'It has to be {"fields": [{"fieldName", "pii"}], "data": [...]}. ' + _AGAIN
        raise InputError(f"not the documented JSON object: {why}", where=self.uri, remedy=remedy) from error


def json_fields(body: Iterable[Buffer], *, uri: str) -> tuple[SourceField, ...]:
    """Returns the declared fields; reads the whole object only where `data` stands before `fields`.

    Raises:
        InputError: it is not the documented object; says why, and where.
    """
    document = _Document(_pieces(body), uri)
    document.open()
    declared = document.fields()
    if declared is None:
        for _ in document.elements():
            pass
        declared = document.fields()
    return declared or ()


def json_rows(body: Iterable[Buffer], fields: Sequence[SourceField], *, uri: str) -> Iterator[SourceBatch]:
    """Yields the documents of `data`, in batches.

    Args:
        body: the object's decrypted bytes in any division.
        fields: as returned by `json_fields`.
        uri: its address, for errors.

    Raises:
        InputError: it is not the documented object, or a document has a field that is not declared; says which, and where.
    """
    document = _Document(_pieces(body), uri)
    document.open()
    decoder = _Decoder([field.name for field in fields], document)
    elements = document.elements(decoder.columns)
    while True:
        with paused_collector():
            found = next(elements, None)
            batch = None if found is None else decoder.batch(*found)
        if batch is None:
            break
        yield batch
    if document.fields() != tuple(fields):
        raise InputError("`fields` say something else now than when they were read first", where=uri, remedy="Run again")


class _Decoder:
    """Decodes elements into columns by the declared names."""

    def __init__(self, names: list[str], document: _Document) -> None:
        self._names = names
        self._document = document
        self._reader = DocumentReader({name: number for number, name in enumerate(names)}, [ANY] * len(names))
        self._next = 1

    def columns(self, text: bytes) -> Columns | None:
        """Returns the columns of elements that are all documents of declared fields; None where one is odd."""
        return self._reader.elements(text)

    def batch(self, text: bytes, columns: Columns | None) -> SourceBatch:
        """Returns the columns of elements; `columns` are theirs, where that was tried."""
        quarantined: list[QuarantinedLine] = []
        columns = self.columns(text) if columns is None else columns
        first = self._next
        try:
            if columns is None:
                rows, named, quarantined = self._one_by_one(text)
            else:
                rows, arrays = columns
                named = {name: JsonColumn.of(array) for name, array in zip(self._names, arrays, strict=True)}
        except RecursionError as error:
            place = f"{self._document.uri}, `data` from its element {first} on"
            raise InputError(f"an element is {TOO_DEEP}", where=place, remedy=_AGAIN) from error
        except pa.ArrowInvalid as error:
            place = f"{self._document.uri}, `data` from its element {first} on"
            raise InputError(f"bytes that are not UTF-8 ({error})", where=place, remedy=_AGAIN) from error
        self._next += rows + len(quarantined)
        return SourceBatch(named, rows, quarantined, self._document.read_bytes())

    def _one_by_one(self, text: bytes) -> tuple[int, dict[str, JsonColumn], list[QuarantinedLine]]:
        try:
            elements = msgspec.json.decode(b"[%b]" % text, type=list[msgspec.Raw])
        except msgspec.DecodeError as error:
            place = f"{self._document.uri}, `data` from byte {self._document.offset}"
            raise InputError(f"not valid JSON: {error}", where=place, remedy=_AGAIN) from error
        rows: list[dict[str, msgspec.Raw]] = []
        quarantined: list[QuarantinedLine] = []
        for number, raw in enumerate(map(bytes, elements), self._next):
            if raw.startswith(b"{"):
                rows.append(self._declared(raw, number))
            else:
                quarantined.append(QuarantinedLine(number, "an element of `data` that is not an object", raw))
        found = {name: [bytes(row.get(name, _NULL)) for row in rows] for name in self._names}
        columns = {name: JsonColumn.of_texts([None if raw == _NULL else raw for raw in raws]) for name, raws in found.items()}
        return len(rows), columns, quarantined

    def _declared(self, raw: bytes, number: int) -> dict[str, msgspec.Raw]:
        found = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
        unknown = sorted(set(found) - set(self._names))
        if unknown:
            raise InputError(
                f"`data` has the field {unknown[0]!r}, which `fields` do not declare: whether it is PII is not said",
                where=f"{self._document.uri}, element {number} of `data`",
                remedy="Have the partner declare every field",
            )
        return found


def _pieces(body: Iterable[Buffer]) -> Iterator[bytes]:
    """The text without a byte-order mark at its start."""
    is_first = True
    for buffer in body:
        piece = bytes(buffer)
        if piece:
            yield piece.removeprefix(codecs.BOM_UTF8) if is_first else piece
            is_first = False


def _data_start(text: bytes) -> int | None:
    """Returns where the elements of `data` begin: behind the bracket that its key opens in the outermost object."""
    at, depths = brackets(text)
    for position in map(int, at[depths == 2]):  # noqa: PLR2004 - in the outermost object
        if text[position : position + 1] == b"[":
            key = text[max(0, position - _KEY_LOOK_BACK) : position].rstrip()
            if key.endswith(b":") and key[:-1].rstrip().endswith(_DATA_KEY):
                return position + 1
    return None
