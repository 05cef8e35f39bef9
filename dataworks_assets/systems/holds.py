"""Holds: an operator's word that a collection is not to be published until it is released.

An object a collection under the control prefix; a run leaves a held collection alone and says so.
"""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from dataworks_assets.systems.scope import Scope
from spark.contract import Document
from spark.store import ObjectStore


class Hold(Document, frozen=True):
    """Why, by whom and since when (UTC, ISO 8601) a collection is held."""

    reason: str
    by: str = ""
    since_utc: str = ""


def read_holds(store: ObjectStore, scope: Scope) -> dict[str, str]:
    """Returns the reason of every hold by collection name."""
    prefix = f"{scope.control_uri}/holds/{scope.snapshot_type}"
    uris = [listed.uri for listed in store.list(prefix)]
    holds = zip(uris, store.read_many(uris), strict=True)
    return {_name_of(uri, prefix): msgspec.json.decode(body, type=Hold).reason for uri, body in holds if body is not None}


def hold(store: ObjectStore, scope: Scope, name: str, *, reason: str, by: str) -> None:
    """Holds a collection from now on; holding it again changes the reason."""
    scope.select([name])
    document = Hold(reason=reason, by=by, since_utc=datetime.now(UTC).isoformat(timespec="seconds"))
    store.put(_uri_of(scope, name), msgspec.json.encode(document))


def release(store: ObjectStore, scope: Scope, name: str) -> bool:
    """Takes a hold away; returns whether there was one."""
    scope.select([name])
    uri = _uri_of(scope, name)
    held = store.exists(uri)
    store.delete([uri])
    return held


def _uri_of(scope: Scope, name: str) -> str:
    return f"{scope.control_uri}/holds/{scope.snapshot_type}/{name}.json"


def _name_of(uri: str, prefix: str) -> str:
    return uri.removeprefix(f"{prefix}/").removesuffix(".json")
