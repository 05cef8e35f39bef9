"""The Python interface of the compiled hashing of ids; what it does, and what it leaves to others, is described in `ids.c`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from spark.native.library import library

Hashes = npt.NDArray[np.uint64]

_LEAST_RECORD_BYTES = 24
"""A plain record has no fewer: an id of one letter, a digit, `EXPORT`, seven bars and the line feed."""

_LEFT = -1


def plain_hashes(ids: pa.BinaryArray) -> Hashes | None:
    """Returns the XXH64 of each id, none of them null; None if one is not plain, so not its own comparison key."""
    hashes: Hashes = np.empty(len(ids), np.uint64)
    if not len(ids):
        return hashes
    _, offsets, data = ids.buffers()
    first = offsets.address + ids.offset * np.dtype(np.int32).itemsize
    found = data is not None and library().hash_ids(data.address, first, len(ids), hashes.ctypes.data)
    return hashes if found else None


def plain_record_hashes(text: bytes, size: int) -> Hashes | None:
    """Returns the XXH64 of each record's comparison key; None if one is not plain.

    Args:
        text: whole records, one a line, each with its line feed.
        size: how many of its bytes they are.
    """
    hashes: Hashes = np.empty(size // _LEAST_RECORD_BYTES + 1, np.uint64)
    records = library().hash_records(text, size, len(hashes), hashes.ctypes.data)
    return None if records == _LEFT else hashes[:records].copy()
