"""What a task of the stage returns: small, typed and picklable; never rows, ids or keys."""

from __future__ import annotations

from dataclasses import dataclass, field

from spark.contract import Finding, WrittenFile
from spark.decode.partner.rows import Misfits


@dataclass(frozen=True)
class FileOutcome:
    """What one data file held. `lines` counts good and quarantined documents, not blank lines."""

    uri: str
    input_bytes: int
    decoded_bytes: int = 0
    lines: int = 0
    quarantined: int = 0
    first_quarantined: int = 0
    """Line number of the first quarantined line."""
    first_cause: str = ""
    """Why it was quarantined, without any of its content."""
    manifest_lines: int | None = None
    ids_compared: int = 0
    notes: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class IdHashes:
    """Where a task wrote the id hashes of its part of a slice that several tasks share.

    Attributes:
        uri: of the object with the hashes, one per row, and the rows' lines.
        files: the part's files with their numbers of rows, in order.
    """

    slice_start: int
    slice_end: int
    uri: str
    files: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class ShardOutcome:
    """What one shard wrote. `tables` follows the order of the collection's tables."""

    collection: str
    export_date: str
    number: int
    tables: tuple[tuple[WrittenFile, ...], ...]
    quarantine: tuple[WrittenFile, ...] = ()
    files: tuple[FileOutcome, ...] = ()
    findings: tuple[Finding, ...] = ()
    spread_ids: tuple[IdHashes, ...] = ()
    preview: tuple[dict[str, str | None], ...] = ()
    misfits: dict[str, Misfits] = field(default_factory=dict)
    """By column, the number of values that did not cast, for sources whose tables take them as null."""
    seconds: float = 0.0
    ids_seconds: float = 0.0
    """The share of `seconds` spent on reconciling ids and looking for duplicates."""


def failed(check: str, *, object_uri: str = "", place: str = "", cause: str, remedy: str, transient: bool = False) -> Finding:
    """A finding that refuses its collection's day."""
    return Finding(check=check, passed=False, object=object_uri, place=place, cause=cause, remedy=remedy, transient=transient)
