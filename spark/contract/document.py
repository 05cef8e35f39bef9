"""The base class of the contract's documents, and their serialisation."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from spark.errors import ConfigurationError

CONTRACT_VERSION = 1


class Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base class of every part of a document: immutable, keyword-only, refuses unknown fields."""


DocumentT = TypeVar("DocumentT", bound=Document)


def encode(document: Document) -> bytes:
    """Returns the document as UTF-8 JSON."""
    return msgspec.json.encode(document)


def decode(text: bytes, kind: type[DocumentT], *, where: str) -> DocumentT:
    """Parses a document from UTF-8 JSON.

    Raises:
        ConfigurationError: the text is not a document of this kind and version; names `where` and the field.
    """
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.DecodeError as error:
        raise ConfigurationError(
            f"not a {kind.__name__} of version {CONTRACT_VERSION}: {error}",
            where=where,
            remedy="Deploy the job and the code location from the same release",
        ) from error
