"""Time that only tests move, for every lease and every pause."""

from __future__ import annotations

import pytest

from dataworks_assets.systems import holding
from dataworks_assets_tests.faults.lake import CLOCK, START_SECONDS
from spark.publish.follow import Follower
from spark.publish.lease import LeaseKeeper
from spark.publish.newest import NewestFollower
from spark.publish.quarantine import QuarantineKeeper
from spark.publish.settle import Switcher
from spark.publish.switch import Publisher
from spark.publish.tables import Tables


@pytest.fixture
def clock(monkeypatch):
    """Leases live by this clock; who pauses lets no time pass."""
    CLOCK.now_seconds = START_SECONDS
    monkeypatch.setitem(LeaseKeeper.__init__.__kwdefaults__, "clock", CLOCK)
    monkeypatch.setattr(holding, "sleep", CLOCK.sleep)
    for kind in (Follower, NewestFollower, Publisher, QuarantineKeeper, Switcher, Tables):
        monkeypatch.setitem(kind.__init__.__kwdefaults__, "pause", lambda _seconds: None)
    return CLOCK
