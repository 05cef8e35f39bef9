"""`_published.json` of a day: the files that its tables show, for readers without a catalog.

Derived from the catalog and written after it is switched; the document never decides what is published.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import UTC, datetime

import msgspec

from spark.contract import Document, TableResult, decode, encode
from spark.errors import ConflictError, NotFoundError
from spark.store import ObjectStore

_TRIES = 8


class PublishedTable(Document, frozen=True):
    """One table's day."""

    attempt: str
    location: str
    rows: int
    files: tuple[str, ...]


class DayDocument(Document, frozen=True):
    """All tables of the day, by `database.table`."""

    export_date: str
    updated_utc: str
    nonce: str
    tables: dict[str, PublishedTable]
    version: int = 1


def day_document_uri(output_uri: str, export_date: str) -> str:
    """Returns where a day's document lies."""
    return f"{output_uri}/{export_date}/_published.json"


def update_day(store: ObjectStore, output_uri: str, export_date: str, *, shown: Sequence[tuple[str, TableResult]]) -> None:
    """Puts the (attempt, table) pairs into the day's document, replacing its entries for these tables.

    Raises:
        ConflictError: concurrent changes won repeatedly.
    """
    uri = day_document_uri(output_uri, export_date)
    entries = {
        f"{result.database}.{result.name}": PublishedTable(
            attempt=attempt, location=result.location, rows=result.rows, files=tuple(file.uri for file in result.files)
        )
        for attempt, result in shown
    }
    for _ in range(_TRIES - 1):
        with suppress(ConflictError):
            return _put(store, uri, export_date, entries=entries)
    return _put(store, uri, export_date, entries=entries)


def forget_tables(store: ObjectStore, output_uri: str, export_date: str, *, names: Collection[str]) -> None:
    """Removes tables (`database.table`) from a day's document, if there is one."""
    uri = day_document_uri(output_uri, export_date)
    try:
        body, etag = store.read_versioned(uri)
    except NotFoundError:
        return
    there = decode(body, DayDocument, where=uri)
    left = {name: table for name, table in there.tables.items() if name not in names}
    if left:
        document = msgspec.structs.replace(there, tables=left, nonce=uuid.uuid4().hex)
        store.put(uri, encode(document), replace=etag)
    else:
        store.delete([uri])


def _put(store: ObjectStore, uri: str, export_date: str, *, entries: dict[str, PublishedTable]) -> None:
    there: dict[str, PublishedTable] = {}
    etag = None
    try:
        body, etag = store.read_versioned(uri)
        there = decode(body, DayDocument, where=uri).tables
    except NotFoundError:
        pass
    document = DayDocument(
        export_date=export_date,
        updated_utc=datetime.now(UTC).isoformat(timespec="seconds"),
        nonce=uuid.uuid4().hex,
        tables=dict(sorted({**there, **entries}.items())),
    )
    store.put(uri, encode(document), create=etag is None, replace=etag)
