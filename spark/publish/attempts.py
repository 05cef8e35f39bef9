"""Lists the attempts in the store, published or not: `<output>/<a table's folder of a day>/<attempt>/...`.

Only the catalog says which of them are published.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from spark.contract import DAY_FOLDER, OutputTable
from spark.publish.manifest import MANIFEST_NAME
from spark.store import Listed, ObjectStore


@dataclass(frozen=True)
class StoredAttempt:
    """One table's attempt at a day; `modified_utc` is that of its newest object."""

    location: str
    export_date: str
    database: str
    table: str
    attempt: str
    objects: int
    size_bytes: int
    modified_utc: datetime
    has_manifest: bool


def list_stored(store: ObjectStore, output_uri: str, tables: Iterable[OutputTable] = ()) -> Iterator[StoredAttempt]:
    """Yields every attempt below the prefix, in the order of its objects; skips other objects.

    Args:
        store: holds the attempts.
        output_uri: the prefix.
        tables: their folder templates say where days lie; if empty, the usual template applies.
    """
    layouts = {(table.folder, "" if "{database}" in table.folder else table.database) for table in tables}
    patterns = [(_pattern(folder), database) for folder, database in sorted(layouts or {(DAY_FOLDER, "")})]
    objects: list[Listed] = []
    place: _Place | None = None
    for item in store.list(output_uri):
        found = _place_of(item.uri[len(output_uri) + 1 :], patterns)
        if found != place and place is not None:
            yield _attempt(output_uri, place, objects)
            objects = []
        place = found
        if found is not None:
            objects.append(item)
    if place is not None:
        yield _attempt(output_uri, place, objects)


class _Place(NamedTuple):
    """What an object's address says about its attempt; `folder` is relative to the output."""

    folder: str
    export_date: str
    database: str
    table: str
    attempt: str


def _pattern(folder: str) -> re.Pattern[str]:
    """Returns a pattern that matches an attempt's folder, made from a table's template."""
    parts = {"date": r"\d{4}-\d{2}-\d{2}", "database": "[^/]+", "table": "[^/]+"}
    named = {name: f"(?P<{name}>{part})" for name, part in parts.items()}
    text = "".join(
        re.escape(literal) + (named[field] if field else "") for literal, field, _, _ in string.Formatter().parse(folder)
    )
    return re.compile(rf"{text}/(?P<attempt>\d{{8}}T\d{{6}}-[0-9a-f]{{8}})(?=/)")


def _place_of(key: str, patterns: Sequence[tuple[re.Pattern[str], str]]) -> _Place | None:
    for pattern, database in patterns:
        match = pattern.match(key)
        if match is not None:
            named = match.groupdict()
            return _Place(match[0], named["date"], named.get("database", database), named["table"], named["attempt"])
    return None


def _attempt(output_uri: str, place: _Place, objects: list[Listed]) -> StoredAttempt:
    location = f"{output_uri}/{place.folder}"
    return StoredAttempt(
        location=location,
        export_date=place.export_date,
        database=place.database,
        table=place.table,
        attempt=place.attempt,
        objects=len(objects),
        size_bytes=sum(item.size_bytes for item in objects),
        modified_utc=max(item.modified_utc for item in objects),
        has_manifest=any(item.uri == f"{location}/{MANIFEST_NAME}" for item in objects),
    )
