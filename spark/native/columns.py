"""The Python interface of the compiled JSON reader: takes a tree of wanted values, returns a text's Arrow arrays.

What it reads, and what it leaves to others, is described in `documents.c`.
"""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from spark.decode.types import TIMESTAMP
from spark.native.library import library

Tree = Mapping[str, "Tree | int"]
"""Names of an object's fields, each with the tree below it, or with the number of the want at this path."""

RAW = pa.binary()
"""Used in place of a type: the value's JSON text, unchanged."""


class Form(IntEnum):
    """What a JSON value is; an integer has neither point nor exponent (and `-0` is a number)."""

    STRING = 1
    BOOLEAN = 2
    INTEGER = 3
    NUMBER = 4
    NESTED = 5


ANY = pa.struct([("text", pa.string()), ("form", pa.int8())])
"""Used in place of a type: a string's text or another value's unchanged JSON text, and its `Form`."""

_KINDS = (
    *("BRANCH", "RAW", "STRING", "BOOLEAN", "INTEGER", "DOUBLE", "DECIMAL", "TIMESTAMP", "DATE", "FORM"),
    *("STRUCT", "LIST", "MAP", "ANY"),
)
_KIND = {name: number for number, name in enumerate(_KINDS)}
_SCALARS = {
    RAW: "RAW",
    pa.string(): "STRING",
    pa.bool_(): "BOOLEAN",
    pa.int64(): "INTEGER",
    pa.float64(): "DOUBLE",
    TIMESTAMP: "TIMESTAMP",
    pa.date32(): "DATE",
    pa.int8(): "FORM",
}
_ARRAY_BYTES = 80
_NO_MEMORY, _NO_DOCUMENTS = -1, -2

_Node = tuple[bytes, tuple[int, ...]]


@dataclass(frozen=True)
class Found:
    """The values in a text.

    Attributes:
        arrays: by want, one row per document; the value of an unfit row is arbitrary.
        unfit: by want, the rows whose value may not fit its type.
        odd: number of odd documents: all their wants are unfit, and they may not be documents at all.
    """

    arrays: list[pa.Array]
    unfit: list[npt.NDArray[np.intp]]
    odd: int


class DocumentReader:
    """Reads the wanted values of whole texts of documents."""

    def __init__(self, tree: Tree, types: Sequence[pa.DataType]) -> None:
        """Takes the tree of the wants and their types: `RAW`, `ANY`, or what `spark.decode.types.parse_type` can give.

        Raises:
            ConfigurationError: the library was not built, or not for this machine.
        """
        self._types = list(types)
        self._library = library()
        nodes = list(_branch(b"", tree, self._types))
        numbers = [number for _, node in nodes for number in node]
        names = b"".join(name for name, _ in nodes)
        self._plan = self._library.new_plan((ctypes.c_int32 * len(numbers))(*numbers), names, len(self._types))
        if not self._plan:
            raise MemoryError
        weakref.finalize(self, self._library.free_plan, self._plan)

    def lines(self, text: bytes, documents: int) -> Found | None:
        """Returns the values of documents that stand one a line; None if there are not so many lines.

        Args:
            text: UTF-8, each line with its line feed.
            documents: how many lines there are.
        """
        flags: npt.NDArray[np.uint8] = np.zeros((len(self._types), documents), np.uint8)
        read = self._read(text, documents, is_lines=True, flags_address=flags.ctypes.data)
        if read is None:
            return None
        odd, arrays = read
        return Found(arrays, [np.flatnonzero(each) for each in flags], odd)

    def elements(self, text: bytes) -> tuple[int, list[pa.Array]] | None:
        """Returns how many documents with commas between them there are and their values, all wanted as `RAW`.

        Returns:
            None if one of them is odd, or has a key that is not wanted.
        """
        return self._read(text, len(text), is_lines=False, flags_address=None)

    def _read(
        self, text: bytes, documents: int, *, is_lines: bool, flags_address: int | None
    ) -> tuple[int, list[pa.Array]] | None:
        structures = (ctypes.c_char * (_ARRAY_BYTES * len(self._types)))()
        address = ctypes.addressof(structures)
        result = self._library.read_documents(self._plan, text, len(text), documents, is_lines, flags_address, address)
        if result == _NO_MEMORY:
            raise MemoryError
        if result == _NO_DOCUMENTS:
            return None
        places = range(address, address + len(structures), _ARRAY_BYTES)
        return result, [pa.Array._import_from_c(place, data_type) for place, data_type in zip(places, self._types, strict=True)]


def _branch(name: bytes, tree: Tree, types: Sequence[pa.DataType]) -> Iterator[_Node]:
    yield name, (_KIND["BRANCH"], -1, 0, 0, len(name), len(tree))
    for inner, below in tree.items():
        if isinstance(below, int):
            yield from _values(inner.encode(), types[below], below)
        else:
            yield from _branch(inner.encode(), below, types)


def _values(name: bytes, data_type: pa.DataType, want: int) -> Iterator[_Node]:
    precision = scale = 0
    below: list[tuple[str, pa.DataType]] = []
    if pa.types.is_struct(data_type):
        kind, below = "ANY" if data_type == ANY else "STRUCT", [(inner.name, inner.type) for inner in data_type]
    elif pa.types.is_map(data_type):
        entries = pa.struct([("key", data_type.key_type), ("value", data_type.item_type)])
        kind, below = "MAP", [("", entries)]
    elif pa.types.is_list(data_type):
        kind, below = "LIST", [("", data_type.value_type)]
    elif pa.types.is_decimal(data_type):
        kind, precision, scale = "DECIMAL", data_type.precision, data_type.scale
    else:
        kind = _SCALARS[data_type]
    yield name, (_KIND[kind], want, precision, scale, len(name), len(below))
    for inner, inner_type in below:
        yield from _values(inner.encode(), inner_type, want)
