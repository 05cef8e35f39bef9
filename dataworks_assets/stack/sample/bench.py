"""Large exports for benchmarks: many files of realistic documents, made fast, as an export or as plain files.

Documents are filled-in copies of a few thousand generated ones, with fresh ids and references in each. What is measured with
them belongs to the benchmark.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from random import Random

import msgspec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from isal import isal_zlib

from dataworks_assets.stack.sample.benefits import epoch_ms, moment, statement
from dataworks_assets.stack.sample.wire import Destination, EncodedFile, encryption_metadata, sanitise, store_file
from spark.contract import Column
from spark.sources.keys import IV_BYTES, DataKey
from spark.sources.names import ObjectName

TOPIC = "db.bench.statement"
COLUMNS: tuple[Column, ...] = (
    Column(name="statement_id", path=("statementId",)),
    Column(name="person_id", path=("personId",)),
    Column(name="contract_id", path=("contractId",)),
    Column(name="period", type="struct<startDate:timestamp,endDate:timestamp>", path=("assessmentPeriod",)),
    Column(name="payment_amount", type="decimal(18,2)", path=("paymentAmount",)),
    Column(name="currency"),
    Column(name="note"),
    Column(name="lines", type="array<struct<type:string,amount:decimal(18,2),description:string>>"),
    Column(name="payments", type="array<struct<payee:string,sortCode:string,share:double>>"),
    Column(name="final", type="boolean"),
)
"""The declared columns of the benchmark's documents, for the typed layout."""

_DAY = date(2026, 11, 20)
_TEMPLATES = 4_000
_BLOCK_DOCUMENTS = 1_000
_HEX = (24, 32, 24, 24, 24)
_HEX_BYTES = sum(_HEX) // 2
_GZIP_WINDOW = 31
_IN_PARALLEL = 2
_SMALL = b'{"_id":{"d_oid":"%b"},"_lastModifiedDateTime":{"d_date":"2026-11-20T04:00:00.000Z"},"value":"%b"}'


@dataclass(frozen=True)
class BenchRequest:
    """What to write.

    Attributes:
        files: how many data files.
        file_bytes: size of the JSON text of each.
        small: documents of 100 bytes in the place of 1.1 KB, for measures that go by documents.
        seed: the same seed gives the same documents.
        topic: as in the object names.
    """

    files: int = 16
    file_bytes: int = 40_000_000
    small: bool = False
    seed: int = 1
    topic: str = TOPIC


@dataclass(frozen=True)
class BenchSummary:
    """What was written; sizes in bytes, `decoded_bytes` of the JSON text and `input_bytes` of the objects."""

    files: int
    rows: int
    decoded_bytes: int
    input_bytes: int


def write_bench_export(destination: Destination, key: DataKey, request: BenchRequest) -> BenchSummary:
    """Writes the files as an export of one collection, one slice with a batch a file, with manifests."""
    with ThreadPoolExecutor(_IN_PARALLEL) as pool:
        written = list(pool.map(lambda number: _write(destination, key, request, number), range(1, request.files + 1)))
    rows, decoded, stored = (sum(column) for column in zip(*written, strict=True))
    return BenchSummary(request.files, rows, decoded, stored)


def write_plain_files(folder: Path, request: BenchRequest) -> list[Path]:
    """Writes the same documents as plain JSON files, for readers that cannot decrypt; returns their paths."""
    paths = [folder / f"{number:06d}.json" for number in range(1, request.files + 1)]
    for number, path in enumerate(paths, start=1):
        with path.open("wb") as file:
            for lines, _ in blocks(request, number):
                file.write(b"\n".join(lines) + b"\n")
    return paths


def blocks(request: BenchRequest, number: int) -> Iterator[tuple[list[bytes], list[bytes]]]:
    """Yields the documents of one file with their ids (the hex digits of `d_oid`), a thousand at a time."""
    random = Random(f"{request.seed} {number}")  # noqa: S311 - nothing here is secret
    size_bytes = 0
    while size_bytes < request.file_bytes:
        lines, ids = _small_block(random) if request.small else _block(random)
        kept = len(lines)
        for index, line in enumerate(lines):
            size_bytes += len(line) + 1
            if size_bytes >= request.file_bytes:
                kept = index + 1
                break
        yield lines[:kept], ids[:kept]


def _block(random: Random) -> tuple[list[bytes], list[bytes]]:
    source = random.randbytes(_HEX_BYTES * _BLOCK_DOCUMENTS).hex().encode()
    filled = [_cut(source, 2 * _HEX_BYTES * index) for index in range(_BLOCK_DOCUMENTS)]
    lines = [
        template % values for template, values in zip(random.choices(_templates(), k=_BLOCK_DOCUMENTS), filled, strict=True)
    ]
    return lines, [values[0] for values in filled]


def _cut(source: bytes, start: int) -> tuple[bytes, ...]:
    parts = []
    for length in _HEX:
        parts.append(source[start : start + length])
        start += length
    return tuple(parts)


def _small_block(random: Random) -> tuple[list[bytes], list[bytes]]:
    source = random.randbytes(16 * _BLOCK_DOCUMENTS).hex().encode()
    ids = [source[start : start + 24] for start in range(0, len(source), 32)]
    return [_SMALL % (identifier, identifier[:8]) for identifier in ids], ids


@cache
def _templates() -> Sequence[bytes]:
    """Documents with a `%b` for the id and for each reference in them."""
    random = Random(0)  # noqa: S311 - nothing here is secret
    made = []
    for number in range(_TEMPLATES):
        document = {
            "_id": {"$oid": "\x01"},
            "createdDateTime": moment(_DAY, number),
            "_lastModifiedDateTime": moment(_DAY, number * 1000),
            **statement(random, _DAY),
            "statementId": "\x01",
            "personId": "\x01",
            "contractId": "\x01",
        }
        document["payments"][0]["payee"] = "\x01"
        made.append(sanitise(msgspec.json.encode(document)).replace(b"%", b"%%").replace(b"\\u0001", b"%b"))
    return made


def _write(destination: Destination, key: DataKey, request: BenchRequest, number: int) -> tuple[int, int, int]:
    iv = os.urandom(IV_BYTES)
    compressor = isal_zlib.compressobj(level=1, wbits=_GZIP_WINDOW)
    encryptor = Cipher(algorithms.AES(key.plaintext), modes.CTR(iv)).encryptor()
    body, manifest = bytearray(), bytearray()
    rows = size_bytes = 0
    database, _, collection = request.topic.removeprefix("db.").partition(".")
    middle = f"|{epoch_ms(_DAY)}|{database}|{collection}|EXPORT|MONGO_INSERT|".encode()
    for lines, ids in blocks(request, number):
        text = b"\n".join(lines) + b"\n"
        body += encryptor.update(compressor.compress(text))
        escaped = [b'"{""$oid"":""%b""}"' % identifier for identifier in ids]
        manifest += b"".join(b"".join((each, middle, each, b"|MONGO_INSERT\n")) for each in escaped)
        rows += len(lines)
        size_bytes += len(text)
    body += encryptor.update(compressor.flush())
    file = EncodedFile(
        name=ObjectName(request.topic, 0, 256, number),
        body=bytes(body),
        metadata=encryption_metadata(key, iv) | {"data_product": request.topic, "data_product_type": "full"},
        manifest=bytes(manifest),
    )
    store_file(destination, file)
    return rows, size_bytes, len(body)
