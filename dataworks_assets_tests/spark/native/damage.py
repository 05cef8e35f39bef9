"""Reads texts that were damaged at random, each at the very end of its memory: run as a program, for it may end by a signal.

The library is compiled anew so that undefined arithmetic or a misplaced access ends the process as well.
"""

from __future__ import annotations

import ctypes
import mmap
import sys
from pathlib import Path
from random import Random
from unittest import mock

import pyarrow as pa

import spark.native.library
from spark.decode.types import parse_type
from spark.native.columns import ANY, RAW, DocumentReader
from spark.native.compiling import compile_library

TYPES = (
    "string", "boolean", "bigint", "double", "decimal(9,2)", "decimal(38,18)", "timestamp", "date", "array<string>",
    "array<struct<a:bigint,b:timestamp>>", "map<string,bigint>", "map<string,array<decimal(5,2)>>",
    "struct<a:string,b:struct<c:date,d:map<string,string>>>",
)  # fmt: skip
TEXTS = (
    b'{"a":{"d_date":"2019-07-04T07:27:35.104Z"},"b":[1,2.5,-3e5,"x\\u00e9\\ud83d\\ude00"],"c":{"a":1,"b":{"c":"2020-01-01","d":{"k":"v"}}}}',
    b'{"a":"2019-07-04","b":{"a":[],"b":{}},"c":{"k":[1.25,"3.5"],"l":[]}}',
    b'{"a":true,"b":123456789012345678901234567890.12,"c":0.1234567890123456789e-300}',
    b'{"a" : [ {"a":1,"b":"2019-07-04T07:27:35.104+01:00"} , null ] ,"b\\u0061":1,"c":""}',
    b'{"a":[{"a":1},{"a":"x"}],"b":[[[[]]]],"c":{"x":1,"x":2}}',
    b'{"a":"\\\\\\"\\n\\/","b":"' + b"z" * 300 + b'","c":"\\u00e9' + b"y" * 70 + b'"}',
)
TOKENS = (
    *(b"{", b"}", b"[", b"]", b'"', b"\\", b"\\u", b"\\ud83d", b",", b":", b"null", b"true", b"1", b"-", b".", b"e", b" "),
    *(b'"a"', b'"b"', b'"d_date"', b"0", b"9999-12-31T23:59:59.999999Z", b"\x00", b"\x1f", b"\x7f", b"\n"),
)  # fmt: skip
TREES = ({"a": 0, "b": 1, "c": 2}, {"a": 0, "b": {"a": 1}, "c": {"a": 2}})
ROOM = 1 << 16
RECORDS = (
    b'"{""$oid"":""5d1""}"|1562225255104|core|statement|EXPORT|MONGO_UPDATE|"{""$oid"":""5d1""}"|MONGO_UPDATE',
    b'"{""a"":""' + b"x" * 1010 + b'""}"|1|a|b|EXPORT|c|d|e',
)
IDS = (b'{"d_oid":"5d1"}', b'{"a":"' + b"y" * 40 + b'_archive"}')


class Edge:
    """Memory that ends before a page that may not be touched."""

    def __init__(self) -> None:
        self._map = mmap.mmap(-1, ROOM + mmap.PAGESIZE)
        self._address = ctypes.addressof(ctypes.c_char.from_buffer(self._map))
        if ctypes.CDLL(None).mprotect(ctypes.c_void_p(self._address + ROOM), mmap.PAGESIZE, 0):
            raise OSError

    def put(self, text: bytes) -> int:
        """Puts a text, with a NUL behind it, before the edge; returns its address. Another text of before is gone."""
        self._map[ROOM - len(text) - 1 : ROOM] = text + b"\0"
        return self._address + ROOM - len(text) - 1


def damaged(random: Random, texts: tuple[bytes, ...] = TEXTS) -> bytes:
    """One of the texts with up to four changes."""
    text = bytearray(random.choice(texts))
    for _ in range(random.randint(0, 4)):
        at, kind = random.randrange(len(text) + 1), random.random()
        if kind < 0.3:
            text[at:at] = random.choice(TOKENS)
        elif kind < 0.6:
            del text[at : at + random.randint(1, 6)]
        elif kind < 0.8:
            text[at : at + 1] = bytes([random.randrange(256)])
        else:
            text[at:at] = text[random.randrange(len(text) + 1) :][: random.randint(1, 30)]
    return bytes(text)


def read(count: int) -> None:
    """Reads so many texts of up to four documents."""
    random, edge = Random(1), Edge()
    library = spark.native.library.library()
    library.read_documents.argtypes = [
        *library.read_documents.argtypes[:1],
        ctypes.c_void_p,
        *library.read_documents.argtypes[2:],
    ]
    odd = documents = 0
    reader = DocumentReader({}, [])
    for number in range(count):
        if number % 50 == 0:
            types = [random.choice([RAW, ANY, *map(parse_type, TYPES)]) for _ in range(3)]
            reader = DocumentReader(random.choice(TREES), types)
        text = b"\n".join(damaged(random) for _ in range(random.randint(1, 4))) + b"\n"
        address = edge.put(text)
        with mock.patch.object(reader, "_library", mock.Mock(wraps=library)) as at_the_edge:
            at_the_edge.read_documents = lambda plan, _text, *rest: library.read_documents(plan, address, *rest)  # noqa: B023
            found = reader.lines(text, text.count(b"\n"))
            reader.elements(text) if all(data_type in {RAW, ANY} for data_type in types) else None
        if found:
            odd, documents = odd + found.odd, documents + len(found.arrays[0])
            for array in found.arrays:
                check(array)
    sys.stdout.write(f"{count} texts read: {documents} documents, {odd} of them odd\n")


def read_lines_and_ids(count: int) -> None:
    """Finds lines in so many texts and hashes the ids of so many records and documents."""
    random, edge = Random(2), Edge()
    library = spark.native.library.library()
    ends, is_regular = (ctypes.c_int64 * ROOM)(), ctypes.c_bool()
    library.find_lines.argtypes = library.hash_records.argtypes = None
    for _ in range(count):
        body = b"\n".join(damaged(random, RECORDS) for _ in range(random.randint(1, 3))) + random.choice([b"", b"\n"])
        address, size = ctypes.c_void_p(edge.put(body)), ctypes.c_int64(len(body))
        library.hash_records(address, size, ctypes.c_int64(3), ends)
        library.find_lines(address, size, ctypes.c_int64(2), ends, ctypes.byref(is_regular))
        raw = damaged(random, IDS)
        library.hash_ids(edge.put(raw), (ctypes.c_int32 * 2)(0, len(raw)), 1, ends)


def check(array: pa.Array) -> None:
    """Raises unless an array is well formed; bytes that are not UTF-8 are the caller's to look for."""
    try:
        array.validate(full=True)
    except pa.ArrowInvalid as error:
        if "utf8" not in str(error).lower():
            raise


if __name__ == "__main__":
    path = Path(sys.argv[1])
    compile_library(path, flags=["-fsanitize=undefined", "-fsanitize-trap=undefined"])
    spark.native.library.LIBRARY_PATH = path  # type: ignore[misc]
    read_lines_and_ids(int(sys.argv[2]))
    read(int(sys.argv[2]))
