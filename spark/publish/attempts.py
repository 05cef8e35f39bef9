"""What the store holds of attempts, published or not: `<output>/<export date>/<database>/<table>/<attempt>/...`.

What of it is published is the catalog's to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from spark.publish.manifest import MANIFEST_NAME
from spark.store import Listed, ObjectStore

_PLACE = re.compile(r"(?P<day>\d{4}-\d{2}-\d{2})/(?P<database>[^/]+)/(?P<table>[^/]+)/(?P<attempt>\d{8}T\d{6}-[0-9a-f]{8})/")


@dataclass(frozen=True)
class StoredAttempt:
    """One table's attempt at a day; `modified_utc` is its youngest object's."""

    location: str
    export_date: str
    database: str
    table: str
    attempt: str
    objects: int
    size_bytes: int
    modified_utc: datetime
    has_manifest: bool


def list_stored(store: ObjectStore, output_uri: str) -> Iterator[StoredAttempt]:
    """Yields every attempt below the prefix, in the order of its objects; other objects there are no attempts."""
    objects: list[Listed] = []
    place = ""
    for item in store.list(output_uri):
        match = _PLACE.match(item.uri[len(output_uri) + 1 :])
        found = match[0] if match else ""
        if found != place and objects:
            yield _attempt(output_uri, place, objects)
            objects = []
        place = found
        if found:
            objects.append(item)
    if objects:
        yield _attempt(output_uri, place, objects)


def _attempt(output_uri: str, place: str, objects: list[Listed]) -> StoredAttempt:
    export_date, database, table, attempt, _ = place.split("/")
    location = f"{output_uri}/{place.rstrip('/')}"
    return StoredAttempt(
        location=location,
        export_date=export_date,
        database=database,
        table=table,
        attempt=attempt,
        objects=len(objects),
        size_bytes=sum(item.size_bytes for item in objects),
        modified_utc=max(item.modified_utc for item in objects),
        has_manifest=any(item.uri == f"{location}/{MANIFEST_NAME}" for item in objects),
    )
