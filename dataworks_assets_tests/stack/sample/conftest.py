"""A store in memory with a small sample in it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from dataworks_assets.stack.sample.export import SampleRequest

DAY = date(2026, 11, 20)


@pytest.fixture(scope="session")
def make_request() -> Callable[..., SampleRequest]:
    """Makes a request for one small day in a store in memory."""

    def make(**changes) -> SampleRequest:
        request = {
            "data_uri": "memory://input/ucdata/{export_date}/{snapshot_type}",
            "manifest_uri": "memory://manifests/{export_date}/{snapshot_type}",
            "truth_uri": "memory://input/_sample",
            "days": (DAY,),
            "scale": 0.01,
        }
        return SampleRequest(**(request | changes))

    return make
