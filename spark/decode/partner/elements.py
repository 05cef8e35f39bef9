"""Finds where the elements of a JSON array end, in text of any size, by brackets, quotes and escapes only, without parsing."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt

Positions = npt.NDArray[np.int64]

_QUOTE = 2
_MARKS: npt.NDArray[np.int8] = np.zeros(256, np.int8)
for _characters, _mark in ((b"{[", 1), (b"}]", -1), (b'"', _QUOTE)):
    _MARKS[list(_characters)] = _mark
_ESCAPE = re.compile(rb"\\.", re.DOTALL)


def brackets(text: bytes) -> tuple[Positions, Positions]:
    """Returns the positions of brackets outside of strings, and the nesting depth after each, relative to the text's start.

    The text has to begin outside of a string; it may end anywhere.
    """
    if b"\\" in text:
        text = _ESCAPE.sub(b"__", text)
    codes = _MARKS[np.frombuffer(text, np.uint8)]
    at = np.flatnonzero(codes != 0)  # of booleans it is several times faster
    marks = codes[at]
    is_quote = marks == _QUOTE
    outside = ~is_quote & (np.cumsum(is_quote) % 2 == 0)
    return at[outside], np.cumsum(marks[outside], dtype=np.int64)


def cut_elements(text: bytes) -> tuple[int, int | None]:
    """Returns (end of the last whole bracketed element, position of the array's own closing bracket, None if it is not there).

    The text begins inside of the array, between two elements. Elements without brackets before the end are part of what
    follows them.
    """
    at, depths = brackets(text)
    closed = np.flatnonzero(depths < 0)
    if len(closed):
        end = int(at[closed[0]])
        return end, end
    whole = np.flatnonzero(depths == 0)
    return (int(at[whole[-1]]) + 1 if len(whole) else 0), None
