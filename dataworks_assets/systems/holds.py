"""Holds: an operator's word that a collection is not to be published until it is released.

An object a collection under the control prefix; a run leaves a held collection alone and says so. One that is laid on while a
run goes on keeps it from publishing what it has not published yet.
"""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from dataworks_assets.systems.scope import Scope
from spark.publish.holds import Hold, holds_uri, reasons_of_holds
from spark.store import ObjectStore


def read_holds(store: ObjectStore, scope: Scope) -> dict[str, str]:
    """Returns the reason of every hold by collection name."""
    return reasons_of_holds(store, scope.control_uri, scope.snapshot_type)


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
    return f"{holds_uri(scope.control_uri, scope.snapshot_type)}/{name}.json"
