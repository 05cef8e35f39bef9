"""Manifests: the producer's record of what a data file holds, to reconcile its content against.

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
import numpy.typing as npt

from spark.errors import InputError
from spark.sources.ids import all_plain_alike, comparison_key, hash_keys

if TYPE_CHECKING:
    from typing_extensions import Buffer

_FIELDS = 8
_BAR, _LINE_FEED, _ZERO, _NINE = b"|\n09"
_ID_BEGIN, _ID_SEPARATOR, _ID_END = b'"{""', b'"":""', b'""}"'
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
    ids = [key for keys in iter_manifest_keys([body], uri=uri) for key in keys]
    return Manifest(ids, len(ids))


def manifest_id_hashes(body: bytes, *, uri: str) -> npt.NDArray[np.uint64]:
    """Returns the hash of every record's id in file order; the n-th is that of `read_manifest(...).ids[n]`.

    Equal to `spark.sources.ids.comparison_hashes` of the documents' ids.

    Raises:
        InputError: a line is not a record; names the line.
    """
    return stream_id_hashes([body], uri=uri)


def stream_id_hashes(chunks: Iterable[Buffer], *, uri: str) -> npt.NDArray[np.uint64]:
    """Returns the same of a manifest that comes in pieces, so that it is never held as a whole."""
    hashes = [hash_keys(keys) for keys in iter_manifest_keys(chunks, uri=uri)]
    return np.concatenate(hashes) if hashes else np.empty(0, dtype=np.uint64)


def count_records(chunks: Iterable[Buffer], *, uri: str) -> int:
    """Returns how many records a manifest has that comes in pieces; raises as `manifest_id_hashes`."""
    return sum(len(keys) for keys in iter_manifest_keys(chunks, uri=uri))


def iter_manifest_keys(chunks: Iterable[Buffer], *, uri: str) -> Iterator[list[bytes]]:
    """Yields the comparison keys of a manifest's ids, a list a block of about 1 MB, so that memory stays bounded.

    Args:
        chunks: the manifest's bytes in any division.
        uri: its address, for errors.

    Raises:
        InputError: a line is not a record; names the line.
    """
    rest, line = b"", 1
    for block in _blocks(chunks):
        text = rest + block
        end = text.rfind(b"\n") + 1
        keys, consumed = _read_block(text[:end], uri=uri, line=line, is_last=False)
        line += int(np.count_nonzero(np.frombuffer(text, np.uint8, consumed) == _LINE_FEED))
        rest = text[consumed:]
        yield keys
    if rest:
        yield _read_block(rest, uri=uri, line=line, is_last=True)[0]


def _blocks(chunks: Iterable[Buffer]) -> Iterator[bytes]:
    for chunk in chunks:
        view = memoryview(chunk)
        for start in range(0, len(view), _BLOCK_BYTES):
            yield bytes(view[start : start + _BLOCK_BYTES])


def _read_block(text: bytes, *, uri: str, line: int, is_last: bool) -> tuple[list[bytes], int]:
    """Returns the keys of the whole records in `text` and how many bytes they take."""
    keys = _read_even(text)
    if keys is None:
        keys = _read_plain(text)
    if keys is not None:
        return keys, len(text)
    return _read_records(text, uri=uri, line=line, is_last=is_last)


def _read_even(text: bytes) -> list[bytes] | None:
    """Reads a block as a matrix where all records have one length, one layout and ids of one key without escapes."""
    first = text[: text.find(b"\n") + 1]
    bars = [position for position, byte in enumerate(first) if byte == _BAR]
    if not first or len(text) % len(first) or len(bars) != _FIELDS - 1 or b"\r" in text:
        return None
    head, separator, _ = first[: bars[0]].partition(_ID_SEPARATOR)
    prefix, ends = head + separator, bars[0] - len(_ID_END)
    key_prefix = b'{"' + head[4:].replace(b"$", b"d_") + b'":"'
    if not separator or not prefix.startswith(_ID_BEGIN) or not all_plain_alike([key_prefix + b'"}']) or ends <= len(prefix):
        return None
    data: npt.NDArray[np.uint8] = np.frombuffer(text, np.uint8)
    records = data.reshape(-1, len(first))
    values = np.ascontiguousarray(records[:, len(prefix) : ends])
    times = records[:, bars[0] + 1 : bars[1]]
    is_even = (
        bool((records[:, bars] == _BAR).all())
        and np.count_nonzero(data == _BAR) == records.shape[0] * len(bars)
        and bool((records[:, -1] == _LINE_FEED).all())
        and np.count_nonzero(data == _LINE_FEED) == records.shape[0]
        and bool(times.size)
        and bool(((times >= _ZERO) & (times <= _NINE)).all())
        and _all_are(records, bars[3] + 1, b"EXPORT|")
        and _all_are(records, 0, prefix)
        and _all_are(records, ends, _ID_END)
    )
    return _plain_keys(values, key_prefix) if is_even else None


def _all_are(records: npt.NDArray[np.uint8], start: int, text: bytes) -> bool:
    """Whether every record holds this text at this place."""
    return bool((records[:, start : start + len(text)] == np.frombuffer(text, np.uint8)).all())


def _plain_keys(values: npt.NDArray[np.uint8], prefix: bytes) -> list[bytes] | None:
    """Returns the key of each row of values; None where one has to be looked at more closely."""
    text = values.tobytes()
    if not all_plain_alike([prefix + text + b'"}']):
        return None
    keys = np.empty((len(values), len(prefix) + values.shape[1] + 2), np.uint8)
    keys[:, : len(prefix)] = np.frombuffer(prefix, np.uint8)
    keys[:, len(prefix) : -2] = values
    keys[:, -2:] = np.frombuffer(b'"}', np.uint8)
    found: list[bytes] = keys.view(f"S{keys.shape[1]}").ravel().tolist()
    return found


def _read_plain(text: bytes) -> list[bytes] | None:
    """Reads a block in a few passes where every record is eight fields on one line; None where one is not."""
    lines = text.count(b"\n")
    if not text.endswith(b"\n") or text.count(b"|") != lines * (_FIELDS - 1) or b"\r" in text:
        return None
    fields = text[:-1].replace(b"\n", b"|").split(b"|")
    if fields[4::_FIELDS].count(b"EXPORT") != lines or not b"".join(fields[1::_FIELDS]).isdigit():
        return None
    ids = fields[0::_FIELDS]
    if (keys := _read_alike(ids)) is not None:
        return keys
    if all(_is_whole_field(field) for field in ids):
        return [_manifest_key(_unquoted(field)) for field in ids]
    return None


def _read_alike(ids: list[bytes]) -> list[bytes] | None:
    """Returns the keys of ids that are all `"{""<the same key>"":""...""}"` without escapes; None where one is not."""
    head, separator, _ = ids[0].partition(_ID_SEPARATOR)
    prefix, suffix = head + separator, _ID_END
    joined = b"\n".join(ids)
    if not separator or not joined.startswith(prefix) or not prefix.startswith(_ID_BEGIN) or not joined.endswith(suffix):
        return None
    values = joined[len(prefix) : -len(suffix)].split(suffix + b"\n" + prefix)
    key_prefix = b'{"' + head[4:].replace(b"$", b"d_") + b'":"'
    keys = [key_prefix + value + b'"}' for value in values]
    return keys if len(keys) == len(ids) and all_plain_alike(keys) else None


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
    """Whether a quoted field begins in it and does not end."""
    return text.count(b'"') % 2 == 1


def _line_end(text: bytes, start: int) -> int:
    end = text.find(b"\n", start)
    return len(text) if end < 0 else end


def _manifest_key(raw: bytes) -> bytes:
    """The comparison key of a manifest's id; one that is no JSON (made from a row key) stands for itself."""
    try:
        return comparison_key(raw)
    except InputError:
        return raw
