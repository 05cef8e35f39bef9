"""Keys for the files of an application, fetched in its driver, with one key service call per distinct (ciphertext, key id).

A file whose metadata or key cannot be obtained becomes a finding of its collection's day; the others go on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from spark.contract import Finding, SourceObject
from spark.errors import DataworksError, KeyServiceError, StoreError
from spark.sources.encryption import EncryptionMetadata, read_all_encryption_metadata
from spark.sources.keys import FileKey, KeyRefusedError, KeyService
from spark.store import ObjectStore

KEY_SERVICE_PLACE = "key service "
"""Prefix of the place in findings that come from the key service."""


@dataclass(frozen=True)
class Unlocked:
    """Keys by file address, and a finding for each file without a key."""

    keys: dict[str, FileKey]
    locked: dict[str, Finding]


def unlock(store: ObjectStore, service: KeyService, sources: Sequence[SourceObject]) -> Unlocked:
    """Returns the key of every file, or the reason why there is none."""
    metadata = read_all_encryption_metadata(store, sources)
    answers = service.resolve(entry.pair for entry in metadata.values() if isinstance(entry, EncryptionMetadata))
    keys: dict[str, FileKey] = {}
    locked: dict[str, Finding] = {}
    for uri, entry in metadata.items():
        answer = answers[entry.pair] if isinstance(entry, EncryptionMetadata) else entry
        if isinstance(entry, EncryptionMetadata) and isinstance(answer, bytes):
            keys[uri] = FileKey(key=answer, iv=entry.iv)
        elif isinstance(answer, DataworksError):
            locked[uri] = finding_of(answer, object_uri=uri)
    return Unlocked(keys, locked)


def finding_of(error: DataworksError, *, object_uri: str, check: str = "read") -> Finding:
    """Returns an object's error as a failed finding of its collection's day.

    An error of the store or of the key service never lies in the data, even if it needs an operator: the day has failed, it
    is not refused. The one exception is a data key that the service cannot decrypt.
    """
    of_service = isinstance(error, KeyServiceError) and not isinstance(error, KeyRefusedError)
    where = error.where.removeprefix(object_uri).strip(" :,")
    return Finding(
        check=check,
        passed=False,
        object=object_uri,
        place=f"{KEY_SERVICE_PLACE}{error.where}" if isinstance(error, KeyServiceError) else where,
        cause=error.what,
        remedy=error.remedy,
        transient=error.transient or of_service or isinstance(error, StoreError),
    )
