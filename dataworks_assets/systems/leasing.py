"""Leases held by whoever works on partitions: a run, a rollback, the garbage collection."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from dataworks_assets.systems.platform import Platform
from spark.publish.lease import LeaseKeeper, LeaseKey


def owner_name(purpose: str) -> str:
    """Returns a new owner's name that begins with what it is for: a run's id, or what is done."""
    return f"{purpose}-{secrets.token_hex(4)}"


@contextmanager
def held_leases(platform: Platform, control_uri: str, *, owner: str) -> Iterator[LeaseKeeper]:
    """Opens an owner's leases, its heartbeat running while the block runs.

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
    """Returns those of the leases that living runs have; nothing is taken.

    Args:
        platform: the deployment's clients.
        control_uri: where leases lie.
        keys: of the leases.
    """
    return LeaseKeeper(platform.store, control_uri, owner=owner_name("plan")).held_by_others(keys)
