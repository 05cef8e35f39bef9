"""The Python interface of the compiled search for line ends."""

from __future__ import annotations

import ctypes

import numpy as np
import numpy.typing as npt

from spark.native.library import library

_USUAL_LINE_BYTES = 64


def line_ends(text: bytes) -> tuple[npt.NDArray[np.int64], bool]:
    """Returns where each line feed stands, and whether every line begins with `{` and ends with `}`.

    Args:
        text: lines, each with its line feed.
    """
    is_regular = ctypes.c_bool()
    lines = len(text) // _USUAL_LINE_BYTES + 1
    while True:
        ends: npt.NDArray[np.int64] = np.empty(lines, np.int64)
        lines = library().find_lines(text, len(text), len(ends), ends.ctypes.data, ctypes.byref(is_regular))
        if lines <= len(ends):
            return ends[:lines], is_regular.value
