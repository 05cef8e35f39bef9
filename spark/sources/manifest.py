"""Manifests: the producer's record of what a data file holds, against which its content is reconciled.

One record a line, eight fields between pipes: id, timestamp (epoch ms), database, collection, `EXPORT`, outer type,
original id, inner type. A field with a comma, quote or line break is quoted as RFC 4180 has it; a pipe in an id is not
escaped, so the middle of a record is found by its pattern. Comparing with documents belongs to the decoder.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from spark.errors import InputError
from spark.native.ids import Hashes, plain_record_hashes
from spark.sources.ids import comparison_key, hash_keys

if TYPE_CHECKING:
    from typing_extensions import Buffer

_FIELDS = 8
_QUOTED = re.compile(rb'"[^"]*(?:""[^"]*)*"')
_MIDDLE = re.compile(rb"\|-?[0-9]+\|[^|\n]*\|[^|\n]*\|EXPORT\|[^|\n]*\|")
_MIDDLE_ANYWHERE = re.compile(rb"(?=(\|-?[0-9]+\|[^|\n]*\|[^|\n]*\|EXPORT\|[^|\n]*\|))")
_BLOCK_BYTES = 1 << 20
_REMEDY = "Have the producer write the export of this day again"


@dataclass(frozen=True)
class Manifest:
    """What a manifest lists: the comparison keys of its ids in file order (see `spark.sources.ids`), and how many."""

    ids: list[bytes]
    lines: int


def read_manifest(body: bytes, *, uri: str) -> Manifest:
    """Returns every record's id.

    Args:
        body: the manifest's bytes.
        uri: its address, for errors.

    Raises:
        InputError: a line is not a record; names the line.
    """
    ids, _ = _read_block(body, uri=uri, line=1, is_last=True)
    return Manifest(ids, len(ids))


def stream_id_hashes(chunks: Iterable[Buffer], *, uri: str) -> Hashes:
    """Returns the hash of every record's id in file order; the n-th is that of `read_manifest(...).ids[n]`.

    Equal to `spark.sources.ids.comparison_hashes` of the documents' ids. The manifest is never held as a whole.

    Args:
        chunks: the manifest's bytes in any division.
        uri: its address, for errors.

    Raises:
        InputError: a line is not a record; names the line.
    """
    return np.concatenate([np.empty(0, np.uint64), *_iter_hashes(chunks, uri=uri)])


def count_records(chunks: Iterable[Buffer], *, uri: str) -> int:
    """Returns the number of records of a manifest given in chunks; raises like `stream_id_hashes`."""
    return sum(len(hashes) for hashes in _iter_hashes(chunks, uri=uri))


def _iter_hashes(chunks: Iterable[Buffer], *, uri: str) -> Iterator[Hashes]:
    """Yields the hashes in blocks of about 1 MB of input; records that are not plain are read one by one."""
    rest, line = b"", 1
    for block in _blocks(chunks):
        text = b"".join((rest, block))
        end = text.rfind(b"\n") + 1
        hashes = plain_record_hashes(text, end)
        if hashes is None:
            keys, end = _read_block(text[:end], uri=uri, line=line, is_last=False)
            hashes, lines = hash_keys(keys), text.count(b"\n", 0, end)
        else:
            lines = len(hashes)
        line += lines
        rest = text[end:]
        yield hashes
    if rest:
        yield hash_keys(_read_block(rest, uri=uri, line=line, is_last=True)[0])


def _blocks(chunks: Iterable[Buffer]) -> Iterator[memoryview]:
    for chunk in chunks:
        view = memoryview(chunk)
        for start in range(0, len(view), _BLOCK_BYTES):
            yield view[start : start + _BLOCK_BYTES]


def _read_block(text: bytes, *, uri: str, line: int, is_last: bool) -> tuple[list[bytes], int]:
    """Returns the keys of the whole records in `text` and how many bytes they take."""
    keys = _read_even(text)
    if keys is not None:
        return keys, len(text)
    return _read_records(text, uri=uri, line=line, is_last=is_last)


def _read_even(text: bytes) -> list[bytes] | None:
    """Reads a block in a few passes if every record is eight fields on one line; None if one is not."""
    lines = text.count(b"\n")
    if not text.endswith(b"\n") or text.count(b"|") != lines * (_FIELDS - 1) or b"\r" in text:
        return None
    fields = text[:-1].replace(b"\n", b"|").split(b"|")
    if fields[4::_FIELDS].count(b"EXPORT") != lines or not b"".join(fields[1::_FIELDS]).isdigit():
        return None
    ids = fields[0::_FIELDS]
    if all(_is_whole_field(field) for field in ids):
        return [_manifest_key(_unquoted(field)) for field in ids]
    return None


def _is_whole_field(field: bytes) -> bool:
    """Whether a field is quoted from end to end, or holds no quote at all."""
    return b'"' not in field or _QUOTED.fullmatch(field) is not None


def _unquoted(field: bytes) -> bytes:
    return field[1:-1].replace(b'""', b'"') if field.startswith(b'"') else field


def _read_records(text: bytes, *, uri: str, line: int, is_last: bool) -> tuple[list[bytes], int]:
    keys: list[bytes] = []
    position = 0
    while position < len(text):
        found = _read_record(text, position)
        if found is None:
            if not is_last and _is_open(text[position:]):
                break
            raise InputError(
                "not a manifest record: no `|<timestamp>|<database>|<collection>|EXPORT|` with seven fields around it",
                where=f"{uri} line {line + text.count(bytes([10]), 0, position)}",
                remedy=_REMEDY,
            )
        key, position = found
        if key is not None:
            keys.append(key)
    return keys, position


def _read_record(text: bytes, start: int) -> tuple[bytes | None, int] | None:
    """Returns (key, where the next record begins), the key None for a blank line; None where there is no record."""
    line_end = _line_end(text, start)
    if not text[start:line_end].strip(b"\r"):
        return None, line_end + 1
    quoted = _QUOTED.match(text, start)
    middle = _MIDDLE.match(text, quoted.end()) if quoted else None
    if quoted and middle:
        raw, tail = _unquoted(quoted[0]), middle.end()
    else:
        matches = list(_MIDDLE_ANYWHERE.finditer(text, start, line_end))
        if not matches:
            return None
        # An id that itself holds the pattern does so in both id fields, which leaves the true one in the middle.
        chosen = matches[(len(matches) - 1) // 2]
        raw, tail = text[start : chosen.start()], chosen.end(1)
        if _is_open(raw):
            return None
    end = _tail_end(text, tail)
    return None if end is None else (_manifest_key(raw), end)


def _tail_end(text: bytes, start: int) -> int | None:
    """Returns the end of a record whose original id begins at `start`; None where its last fields are missing."""
    quoted = _QUOTED.match(text, start)
    if quoted and text[quoted.end() : quoted.end() + 1] == b"|":
        return _line_end(text, quoted.end()) + 1
    line_end = _line_end(text, start)
    rest = text[start:line_end]
    return line_end + 1 if b"|" in rest and not _is_open(rest) else None


def _is_open(text: bytes) -> bool:
    """Whether a quoted field begins in the text and does not end there."""
    return text.count(b'"') % 2 == 1


def _line_end(text: bytes, start: int) -> int:
    end = text.find(b"\n", start)
    return len(text) if end < 0 else end


def _manifest_key(raw: bytes) -> bytes:
    """The comparison key of a manifest's id; an id that is not JSON (made from a row key) is its own key."""
    try:
        return comparison_key(raw)
    except InputError:
        return raw
