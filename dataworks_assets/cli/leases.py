"""Leases for a command that changes what is published, so that no run is at the same day meanwhile."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from dataworks_assets.cli.workplace import Workplace
from dataworks_assets.systems.adg.scope import AdgScope
from spark.publish.lease import LeaseKeeper


@contextmanager
def held_leases(workplace: Workplace, scope: AdgScope, *, purpose: str) -> Iterator[LeaseKeeper]:
    """Opens leases of an owner named after the command, its heartbeat running while the block runs."""
    ttl_seconds = workplace.settings.deployment.output.lease_ttl_seconds
    owner = f"{purpose}-{secrets.token_hex(8)}"
    keeper = LeaseKeeper(workplace.platform.store, scope.control_uri, owner=owner, ttl_seconds=ttl_seconds)
    keeper.start_heartbeat()
    try:
        yield keeper
    finally:
        keeper.stop()
