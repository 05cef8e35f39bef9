"""Holds: an operator's order that a collection must not be published until it is released.

One object per held collection under the control prefix. A run leaves a held collection alone and says so; a hold placed
during a run stops whatever of the collection is not published yet.
"""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from dataworks_assets.systems.scope import Scope
from spark.publish.holds import Hold, holds_uri, reasons_of_holds
from spark.store import ObjectStore


def read_holds(store: ObjectStore, scope: Scope) -> dict[str, str]:
    """Returns the reason for each hold, by collection name."""
    return reasons_of_holds(store, scope.control_uri, scope.snapshot_type)


def hold(store: ObjectStore, scope: Scope, name: str, *, reason: str, by: str) -> None:
    """Places a hold on a collection; holding it again changes the reason."""
    scope.select([name])
    document = Hold(reason=reason, by=by, since_utc=datetime.now(UTC).isoformat(timespec="seconds"))
    store.put(_uri_of(scope, name), msgspec.json.encode(document))


def release(store: ObjectStore, scope: Scope, name: str) -> bool:
    """Removes a hold; returns whether there was one."""
    scope.select([name])
    uri = _uri_of(scope, name)
    held = store.exists(uri)
    store.delete([uri])
    return held


def _uri_of(scope: Scope, name: str) -> str:
    return f"{holds_uri(scope.control_uri, scope.snapshot_type)}/{name}.json"
