"""Leases for whatever changes partitions: a run, a rollback, the garbage collection."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from dataworks_assets.systems.platform import Platform
from spark.publish.lease import LeaseKeeper, LeaseKey


def owner_name(purpose: str) -> str:
    """Returns a new owner name that begins with its purpose: a run's id, or the name of the operation."""
    return f"{purpose}-{secrets.token_hex(4)}"


@contextmanager
def held_leases(platform: Platform, control_uri: str, *, owner: str) -> Iterator[LeaseKeeper]:
    """Opens an owner's leases, and keeps its heartbeat going while the block runs.

    Args:
        platform: the deployment's clients.
        control_uri: where leases lie.
        owner: as `owner_name` makes it.
    """
    ttl_seconds = platform.settings.deployment.output.lease_ttl_seconds
    keeper = LeaseKeeper(platform.store, control_uri, owner=owner, ttl_seconds=ttl_seconds)
    keeper.start_heartbeat()
    try:
        yield keeper
    finally:
        keeper.stop()


def held_elsewhere(platform: Platform, control_uri: str, keys: Iterable[LeaseKey]) -> set[LeaseKey]:
    """Returns which of the leases living runs hold; takes none.

    Args:
        platform: the deployment's clients.
        control_uri: where leases lie.
        keys: of the leases.
    """
    return LeaseKeeper(platform.store, control_uri, owner=owner_name("plan")).held_by_others(keys)
