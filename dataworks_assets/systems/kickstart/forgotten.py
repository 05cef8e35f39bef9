"""Remembers the first day of each history that CLEAN_UP_FLG forgot, so that its days count as open again.

One object per collection under the control prefix. If the run that forgot the days dies or rebuilds only some of them, the
next catch-up begins at that first day.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

import msgspec

from dataworks_assets.systems.kickstart.acknowledged import CollectionDay
from dataworks_assets.systems.kickstart.scope import KickstartScope
from spark.contract import Document
from spark.store import ObjectStore


class Forgotten(Document, frozen=True):
    """The first day (ISO date) of a forgotten history."""

    first_day: str


def read_forgotten(store: ObjectStore, scope: KickstartScope) -> Mapping[str, date]:
    """Returns the first forgotten day of each collection that has one."""
    prefix = _prefix(scope)
    uris = [listed.uri for listed in store.list(prefix)]
    bodies = zip(uris, store.read_many(uris), strict=True)
    return {
        uri.removeprefix(f"{prefix}/").removesuffix(".json"): date.fromisoformat(
            msgspec.json.decode(body, type=Forgotten).first_day
        )
        for uri, body in bodies
        if body is not None
    }


def remember_forgotten(store: ObjectStore, scope: KickstartScope, days: Iterable[CollectionDay]) -> None:
    """Stores the first of each collection's days, unless an earlier one is already stored."""
    first = dict(read_forgotten(store, scope))
    for name, day in days:
        if day <= first.get(name, day):
            first[name] = day
            store.put(f"{_prefix(scope)}/{name}.json", msgspec.json.encode(Forgotten(day.isoformat())))


def _prefix(scope: KickstartScope) -> str:
    return f"{scope.control_uri}/forgotten/{scope.snapshot_type}"
