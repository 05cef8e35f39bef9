"""One digest of everything that a partition's output depends on: an unchanged fingerprint means there is nothing to do."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from spark.contract import DECODER_VERSION, DataFile, SourceObject


def fingerprint(files: Iterable[DataFile], *, config_hash: str) -> str:
    """Returns the digest of the inputs (address, ETag and size, manifests included), the configuration and the decoder version.

    The order of the files does not matter. Tags are left out: a changed tag only re-tags the objects, without reading data.
    """
    parts = sorted(_line(source) for file in files for source in (file.source, file.manifest) if source is not None)
    digest = hashlib.sha256(f"{DECODER_VERSION}\n{config_hash}\n".encode())
    for part in parts:
        digest.update(part.encode())
    return digest.hexdigest()[:32]


def _line(source: SourceObject) -> str:
    return f"{source.uri}\t{source.etag}\t{source.size_bytes}\n"
