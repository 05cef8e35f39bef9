"""Stored holds: one object per held collection under the control prefix. Placing them happens elsewhere."""

from __future__ import annotations

import msgspec

from spark.contract import Document
from spark.store import ObjectStore


class Hold(Document, frozen=True):
    """Why, by whom and since when (UTC, ISO 8601) a collection is held."""

    reason: str
    by: str = ""
    since_utc: str = ""


def holds_uri(control_uri: str, snapshot_type: str) -> str:
    """Returns the prefix of the holds of a system's snapshot type."""
    return f"{control_uri}/holds/{snapshot_type}"


def reasons_of_holds(store: ObjectStore, control_uri: str, snapshot_type: str) -> dict[str, str]:
    """Returns the reason for each hold, by collection name.

    Raises:
        StoreError: they cannot be read; never taken for "nothing is held".
    """
    prefix = holds_uri(control_uri, snapshot_type)
    uris = [listed.uri for listed in store.list(prefix)]
    holds = zip(uris, store.read_many(uris), strict=True)
    return {
        uri.removeprefix(f"{prefix}/").removesuffix(".json"): msgspec.json.decode(body, type=Hold).reason
        for uri, body in holds
        if body is not None
    }
