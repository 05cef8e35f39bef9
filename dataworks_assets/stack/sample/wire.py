"""The export's wire format, writing side: documents to encrypted data files and their manifests.

Knows nothing of what the documents say. Everything up to `store_file` is pure, so a test can make a file by hand, and
spoil it, with `FIXED_KEY` and a store in memory, without any service.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from isal import igzip

from spark.sources.keys import IV_BYTES, KEY_BYTES, DataKey
from spark.sources.names import DATA_SUFFIX, MANIFEST_SUFFIX, ObjectName
from spark.store import ObjectStore

_SORTED = msgspec.json.Encoder(order="sorted")
_ENCODER = msgspec.json.Encoder()

FIXED_KEY = DataKey(
    plaintext=bytes(range(KEY_BYTES)), ciphertext=base64.b64encode(b"a key for tests").decode(), key_id="cloudhsm:7,14"
)
"""A key that no service gave: for files that are decrypted with it directly."""


class Record(NamedTuple):
    """One document as it is exported.

    Attributes:
        line: its JSON after sanitising, without the line feed.
        manifest_id: its id before sanitising, as the manifest has it.
        timestamp_ms: its last modification, epoch milliseconds.
    """

    line: bytes
    manifest_id: bytes
    timestamp_ms: int


@dataclass(frozen=True)
class EncodedFile:
    """A data file and its manifest as they will lie in the store; None for one that is not to be there.

    `folder` is where both lie below their prefixes, if not right there.
    """

    name: ObjectName
    body: bytes | None
    metadata: dict[str, str] = field(repr=False)
    manifest: bytes | None
    lines: int = 0
    decoded_bytes: int = 0
    folder: str = ""

    @property
    def topic(self) -> str:
        """The topic it belongs to."""
        return self.name.topic

    @property
    def stem(self) -> str:
        """What the addresses of both have in common below their prefixes."""
        return f"{self.folder}/{self.name.stem}" if self.folder else self.name.stem


@dataclass(frozen=True)
class Destination:
    """Where one day's export of one snapshot type goes."""

    store: ObjectStore
    data_uri: str
    manifest_uri: str


def sanitise(text: bytes) -> bytes:
    """Returns a document's JSON text as the producer sanitises it (not the line breaks of its three collections)."""
    return text.replace(b"$", b"d_").replace(b"\\u0000", b"").replace(b"_archived", b"_removed")


def wrapped_id(identifier: object) -> object:
    """Returns a document's id as the producer has it before sanitising: a scalar becomes `{"$oid": "..."}`."""
    return identifier if isinstance(identifier, dict) else {"$oid": str(identifier)}


def make_record(document: dict[str, Any], *, timestamp_ms: int, id_holder: dict[str, Any] | None, row_key: str = "") -> Record:
    """Returns a document as it is exported.

    Args:
        document: as MongoDB has it: `$oid`, `$date`. Its scalar id is replaced by the wrapped one.
        timestamp_ms: its last modification, epoch milliseconds.
        id_holder: the part of it that holds `_id`: the document itself, or an inner one. None where there is no id.
        row_key: what the manifest's id is made from where there is none.
    """
    if id_holder is None:
        manifest_id = _SORTED.encode({"rowKey": row_key})
    else:
        id_holder["_id"] = wrapped_id(id_holder["_id"])
        manifest_id = _SORTED.encode(id_holder["_id"])
    return Record(sanitise(_ENCODER.encode(document)), manifest_id, timestamp_ms)


def encode_body(lines: Iterable[bytes], key: bytes, iv: bytes, *, level: int = 1) -> bytes:
    """Returns a data file's body: the lines, each ended by a line feed, gzipped, then encrypted.

    Args:
        lines: JSON texts, UTF-8, without line feeds.
        key: 32 bytes.
        iv: 16 bytes, the initial counter block.
        level: of ISA-L's compression, 0 (fastest) to 3.
    """
    return encrypt(igzip.compress(b"".join(line + b"\n" for line in lines), level), key, iv)


def encrypt(text: bytes, key: bytes, iv: bytes) -> bytes:
    """Returns AES-256-CTR of a text; the whole IV is the counter. Decrypting is the same."""
    return Cipher(algorithms.AES(key), modes.CTR(iv)).encryptor().update(text)


def encode_manifest(records: Iterable[Record], *, topic: str, operation: str = "MONGO_UPDATE") -> bytes:
    """Returns the manifest of a data file with these records, one line a record."""
    database, _, collection = topic.removeprefix("db.").partition(".")
    middle = f"|{database}|{collection}|EXPORT|{operation}|".encode()
    end = f"|{operation}\n".encode()
    return b"".join(
        b"".join((escaped := _escape(record.manifest_id), b"|%d" % record.timestamp_ms, middle, escaped, end))
        for record in records
    )


def _escape(text: bytes) -> bytes:
    """CSV escaping (RFC 4180): only where the field holds a comma, a quote or a line break."""
    if b'"' in text or b"," in text or b"\n" in text or b"\r" in text:
        return b'"' + text.replace(b'"', b'""') + b'"'
    return text


def encryption_metadata(key: DataKey, iv: bytes) -> dict[str, str]:
    """Returns the user metadata a reader needs to decrypt a data file."""
    return {"iv": base64.b64encode(iv).decode(), "ciphertext": key.ciphertext, "datakeyencryptionkeyid": key.key_id}


def encode_file(
    name: ObjectName,
    records: Sequence[Record],
    key: DataKey,
    *,
    snapshot_type: str = "full",
    iv: bytes | None = None,
    operation: str = "MONGO_UPDATE",
) -> EncodedFile:
    """Returns a data file and its manifest, ready to be stored.

    Args:
        name: topic, slice and batch.
        records: what it holds.
        key: the producer's data key.
        snapshot_type: full or incremental.
        iv: 16 bytes; fresh ones when None.
        operation: the outer and inner type of the manifest's lines.
    """
    iv = os.urandom(IV_BYTES) if iv is None else iv
    return EncodedFile(
        name=name,
        body=encode_body((record.line for record in records), key.plaintext, iv),
        metadata=encryption_metadata(key, iv) | {"data_product": name.topic, "data_product_type": snapshot_type},
        manifest=encode_manifest(records, topic=name.topic, operation=operation),
        lines=len(records),
        decoded_bytes=sum(len(record.line) + 1 for record in records),
    )


def store_file(destination: Destination, file: EncodedFile) -> int:
    """Puts a data file and its manifest where they belong; returns how many bytes that were.

    Raises:
        StoreError, AccessError: the store refused or failed.
    """
    if file.body is not None:
        uri = f"{destination.data_uri}/{file.stem}{DATA_SUFFIX}"
        destination.store.put(uri, file.body, metadata=file.metadata)
    if file.manifest is not None:
        destination.store.put(f"{destination.manifest_uri}/{file.stem}{MANIFEST_SUFFIX}", file.manifest)
    return len(file.body or b"") + len(file.manifest or b"")
