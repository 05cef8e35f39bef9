"""Days that an operator gave up, acknowledging that their source is gone or will never be right.

One object per collection and day under the control prefix. Without one, an expired day stays a failure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime

import msgspec

from dataworks_assets.systems.kickstart.scope import KickstartScope
from spark.contract import Document
from spark.store import ObjectStore

CollectionDay = tuple[str, date]


class Acknowledgement(Document, frozen=True):
    """Why, by whom and when (UTC, ISO 8601) a day was given up."""

    reason: str
    by: str = ""
    at_utc: str = ""


def read_acknowledged(store: ObjectStore, scope: KickstartScope) -> Mapping[CollectionDay, Acknowledgement]:
    """Returns every acknowledgement by collection and day."""
    prefix = _prefix(scope)
    uris = [listed.uri for listed in store.list(prefix)]
    found: dict[CollectionDay, Acknowledgement] = {}
    for uri, body in zip(uris, store.read_many(uris), strict=True):
        name, _, day = uri.removeprefix(f"{prefix}/").removesuffix(".json").rpartition("/")
        if body is not None:
            found[name, date.fromisoformat(day)] = msgspec.json.decode(body, type=Acknowledgement)
    return found


def acknowledge(store: ObjectStore, scope: KickstartScope, days: Iterable[CollectionDay], *, reason: str, by: str) -> None:
    """Records that days are given up."""
    entry = Acknowledgement(reason=reason, by=by, at_utc=datetime.now(UTC).isoformat(timespec="seconds"))
    for name, day in days:
        store.put(f"{_prefix(scope)}/{name}/{day.isoformat()}.json", msgspec.json.encode(entry))


def _prefix(scope: KickstartScope) -> str:
    return f"{scope.control_uri}/acknowledged/{scope.snapshot_type}"
