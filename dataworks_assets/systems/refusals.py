"""Refusals: which inputs of a collection's day were refused for their data, so that no sensor asks for the same failure again.

One object a collection and day under the control prefix, written when a job refuses it and removed when it publishes it.
Sensors leave a refused day alone until its inputs or its configuration change; an operator may always ask.
"""

from __future__ import annotations

import msgspec

from dataworks_assets.systems.scope import Scope
from spark.contract import Document, Finding, PartitionResult, PartitionState
from spark.store import ObjectStore


class Refusal(Document, frozen=True):
    """What was refused, and for which inputs and configuration."""

    fingerprint: str
    audit_hash: str
    run_id: str
    refused_utc: str
    state: PartitionState
    findings: tuple[Finding, ...]

    def is_of(self, fingerprint: str, audit_hash: str) -> bool:
        """Whether these inputs and this configuration are those that were refused."""
        same = (self.fingerprint, self.audit_hash) == (fingerprint, audit_hash)
        return same and self.state is PartitionState.REFUSED

    @property
    def waited(self) -> bool:
        """Whether nothing was wrong with the day itself: only an earlier day was not published."""
        return bool(self.findings) and all(finding.check == "order" for finding in self.findings)


def record_refusal(store: ObjectStore, scope: Scope, result: PartitionResult, *, run_id: str, at_utc: str) -> None:
    """Stores why a day was not published, replacing any earlier refusal of it."""
    refusal = Refusal(
        fingerprint=result.fingerprint,
        audit_hash=scope.collections[result.collection].audit_hash,
        run_id=run_id,
        refused_utc=at_utc,
        state=result.state,
        findings=tuple(finding for finding in result.findings if not finding.passed),
    )
    store.put(_uri(scope, result.collection, result.export_date), msgspec.json.encode(refusal))


def clear_refusals(store: ObjectStore, scope: Scope, days: list[tuple[str, str]]) -> None:
    """Deletes the refusals of (collection, export date) pairs that are published now."""
    store.delete([_uri(scope, name, day) for name, day in days])


def read_refusals(store: ObjectStore, scope: Scope) -> dict[tuple[str, str], Refusal]:
    """Returns every refusal by (collection, export date)."""
    prefix = f"{scope.control_uri}/refused/{scope.snapshot_type}"
    uris = [listed.uri for listed in store.list(prefix)]
    found: dict[tuple[str, str], Refusal] = {}
    for uri, body in zip(uris, store.read_many(uris), strict=True):
        name, _, day = uri.removeprefix(f"{prefix}/").removesuffix(".json").rpartition("/")
        if body is not None:
            found[name, day] = msgspec.json.decode(body, type=Refusal)
    return found


def _uri(scope: Scope, name: str, day: str) -> str:
    return f"{scope.control_uri}/refused/{scope.snapshot_type}/{name}/{day}.json"
