"""What a data file's user metadata says about its encryption. The key service that decrypts its data key is in `keys`."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from spark.contract import SourceObject
from spark.errors import DataworksError, InputError
from spark.sources.keys import IV_BYTES
from spark.store import ObjectStore

_IN_PARALLEL = 32


@dataclass(frozen=True, slots=True)
class EncryptionMetadata:
    """What a data file's metadata says: the counter block, and the data key as the key service encrypted it (base64)."""

    iv: bytes
    ciphertext: str
    key_id: str

    @property
    def pair(self) -> tuple[str, str]:
        """The (ciphertext, key id) pair that is sent to the key service."""
        return self.ciphertext, self.key_id


def read_encryption_metadata(store: ObjectStore, source: SourceObject) -> EncryptionMetadata:
    """Returns what a data file's user metadata says of its encryption.

    Raises:
        InputError: an entry is missing or malformed; names the object and the entry.
        InputChangedError, NotFoundError, AccessError, StoreError
    """
    metadata = store.metadata(source.uri, etag=source.etag)
    iv = _decoded(metadata, "iv", source.uri)
    if len(iv) != IV_BYTES:
        raise _malformed("iv", f"is {len(iv)} bytes long instead of {IV_BYTES}", source.uri)
    _decoded(metadata, "ciphertext", source.uri)
    return EncryptionMetadata(iv, metadata["ciphertext"], _entry(metadata, "datakeyencryptionkeyid", source.uri))


def read_all_encryption_metadata(
    store: ObjectStore, sources: Sequence[SourceObject]
) -> dict[str, EncryptionMetadata | DataworksError]:
    """Returns, by address, what each data file's metadata says, or why it cannot be used; reads 32 at a time."""
    with ThreadPoolExecutor(_IN_PARALLEL) as pool:
        results = pool.map(lambda source: _read_or_error(store, source), sources)
        return dict(zip((source.uri for source in sources), results, strict=True))


def _read_or_error(store: ObjectStore, source: SourceObject) -> EncryptionMetadata | DataworksError:
    try:
        return read_encryption_metadata(store, source)
    except DataworksError as error:
        return error


def _entry(metadata: dict[str, str], name: str, uri: str) -> str:
    value = metadata.get(name, "")
    if not value:
        raise _malformed(name, "is missing", uri)
    return value


def _decoded(metadata: dict[str, str], name: str, uri: str) -> bytes:
    value = _entry(metadata, name, uri)
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _malformed(name, "is not base64", uri) from error


def _malformed(name: str, what: str, uri: str) -> InputError:
    return InputError(
        f"the object's metadata entry {name} {what}",
        where=uri,
        remedy="The file cannot be decrypted: have the producer export it again with its metadata",
    )
