"""Splits a chunk's lines into documents and lines that are no document.

A chunk of well-formed lines is recognised in a few passes over its bytes. Any other chunk is examined line by line, and only
its documents are passed on. The content of a document is not examined here.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from spark.decode.exact import mark_lone_surrogates
from spark.native.lines import line_ends

_BLANKS = b" \t\r"
_INLINE_BYTES = 12
_VIEW = np.dtype([("bytes", np.int32), ("head", np.uint32), ("buffer", np.int32), ("offset", np.int32)])
_LEVELS = 5_000
_SPARE_LEVELS = 200
"""What must be left of the levels when a document is proved: it is decoded again, from elsewhere in the program."""


@dataclass(frozen=True, slots=True)
class QuarantinedLine:
    """A line that is no row: its number in the file (from 1), why, and its bytes without the line end.

    `kind` says why without what the document says, where the reason has something of it: it is fit for logs.
    """

    line_number: int
    reason: str
    raw: bytes
    kind: str = ""

    @property
    def cause(self) -> str:
        """Why, without any of the document's content."""
        return self.kind or self.reason


@dataclass(slots=True)
class Documents:
    """A chunk's documents, one a line.

    Attributes:
        text: the lines that are documents, each with its line feed.
        ends: where each line feed stands in `text`.
        line_numbers: each document's line number in the file.
        lines: all lines of the chunk, `blank_lines` and quarantined ones among them.
        is_regular: the text is UTF-8, and each line begins with `{` and ends with `}`.
        is_proved: each line was seen to be one JSON object.
        marked: the documents with lone surrogates marked, where there are any.
    """

    text: bytes
    ends: npt.NDArray[np.int64]
    line_numbers: npt.NDArray[np.int64]
    lines: int
    blank_lines: int = 0
    quarantined: list[QuarantinedLine] = field(default_factory=list)
    is_regular: bool = False
    is_proved: bool = False
    marked: list[bytes] | None = None

    def texts(self, keep: npt.NDArray[np.bool_] | None = None) -> pa.Array:
        """Returns the documents (those to keep) as an Arrow array of views into `text`, which is not copied."""
        starts = np.concatenate(([0], self.ends[:-1] + 1)) if len(self.ends) else self.ends
        ends = self.ends
        if keep is not None:
            starts, ends = starts[keep], ends[keep]
        buffers = [None, pa.py_buffer(_views(self.text, starts, ends)), pa.py_buffer(self.text)]
        return pa.Array.from_buffers(pa.string_view(), len(ends), buffers)

    def line(self, row: int) -> bytes:
        """Returns a document's bytes as a decoder takes them, without blanks before it."""
        if self.marked is not None:
            return self.marked[row].lstrip(_BLANKS)
        start = int(self.ends[row - 1]) + 1 if row else 0
        return self.text[start : int(self.ends[row])].lstrip(_BLANKS)


def read_lines(text: bytes, first_line: int) -> Documents:
    """Returns a chunk's lines as documents if all look like one; their JSON is not validated.

    Args:
        text: whole lines; the last line feed may be missing.
        first_line: the number of the first line in the file.
    """
    text = _with_line_feeds(text)
    ends, is_regular = line_ends(text)
    numbers = np.arange(first_line, first_line + len(ends))
    return Documents(text, ends, numbers, len(ends), is_regular=is_regular and _is_utf8(text))


def sort_out_lines(text: bytes, first_line: int) -> Documents:
    """Returns the documents of a chunk, each proved to be one JSON object, and the lines that are none."""
    _allow_deep_nesting()
    found = Documents(b"", np.empty(0, np.int64), np.empty(0, np.int64), 0, is_proved=True)
    good: list[bytes] = []
    numbers: list[int] = []
    marked: list[bytes] = []
    for number, line in enumerate(_with_line_feeds(text).split(b"\n")[:-1], first_line):
        found.lines += 1
        if not line.strip(_BLANKS):
            found.blank_lines += 1
            continue
        reason, decodable = _prove(line)
        if reason:
            found.quarantined.append(QuarantinedLine(number, reason, line))
            continue
        good.append(line)
        numbers.append(number)
        marked.append(decodable)
    found.text = b"".join(line + b"\n" for line in good)
    found.ends = np.cumsum([len(line) + 1 for line in good], dtype=np.int64) - 1
    found.line_numbers = np.array(numbers, np.int64)
    if any(line is not decodable for line, decodable in zip(good, marked, strict=True)):
        found.marked = marked
    return found


def _allow_deep_nesting() -> None:
    """Raises the interpreter's recursion limit, for good, so that the decoder can follow deeply nested documents.

    The limit applies to the process: lowering it again could fail a thread that is deep inside another document.
    """
    sys.setrecursionlimit(max(sys.getrecursionlimit(), _LEVELS))


class _AnyObject(msgspec.Struct, gc=False):
    """Any JSON object; its content is checked and thrown away."""


_PROOF = msgspec.json.Decoder(_AnyObject)


def _prove(line: bytes) -> tuple[str, bytes]:
    """Returns (why it is no document, what to decode)."""
    try:
        line.decode()
    except UnicodeDecodeError as error:
        return f"not UTF-8: byte {error.start}", line
    try:
        found = _prove_json(line)
        if line.count(b"[") + line.count(b"{") > _SPARE_LEVELS:
            _prove_json(b'{"":' * _SPARE_LEVELS + found[1] + b"}" * _SPARE_LEVELS)
    except RecursionError:
        return f"nested deeper than about {_LEVELS - _SPARE_LEVELS} levels", line
    return found


def _prove_json(line: bytes) -> tuple[str, bytes]:
    try:
        _PROOF.decode(line)
    except msgspec.ValidationError as error:
        return f"not a JSON object: {error}", line
    except msgspec.DecodeError as error:
        marked = mark_lone_surrogates(line) if b"\\" in line else line
        if marked == line:
            return f"not JSON: {error}", line
        return _prove_json(marked)[0], marked
    return "", line


def _views(text: bytes, starts: npt.NDArray[np.int64], ends: npt.NDArray[np.int64]) -> npt.NDArray[np.void]:
    """Returns Arrow's views of parts of a text: length, then either the text itself or its beginning and its place."""
    views = np.zeros(len(starts), _VIEW)
    views["bytes"] = ends - starts
    views["offset"] = starts
    data = np.frombuffer(text, np.uint8)
    is_inline = views["bytes"] <= _INLINE_BYTES
    long = starts[~is_inline] if is_inline.any() else starts
    views["head"][~is_inline] = data[long[:, None] + np.arange(4)].view(np.uint32)[:, 0]
    for row in np.flatnonzero(is_inline):
        views[row : row + 1].view(np.uint8)[4:] = np.frombuffer(
            text[starts[row] : ends[row]].ljust(_INLINE_BYTES, b"\0"), np.uint8
        )
    return views


def _with_line_feeds(text: bytes) -> bytes:
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n")
    return text if text.endswith(b"\n") else text + b"\n"


def _is_utf8(text: bytes) -> bool:
    offsets = np.array([0, len(text)], np.int32)
    array = pa.StringArray.from_buffers(1, pa.py_buffer(offsets), pa.py_buffer(text))
    try:
        array.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True
