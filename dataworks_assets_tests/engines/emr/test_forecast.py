"""What a run would start, and its price."""

import pytest

from dataworks_assets.engines.emr.forecast import forecast
from dataworks_assets_tests.engines.emr.world import emr_config

PRICES = {"m7i.xlarge": {"on_demand": 0.2, "spot": 0.1, "emr": 0.05}}


def sizes(**core):
    primary = {"types": ["m7i.xlarge"]}
    return {"small": {"primary": primary, "core": {"types": ["m7i.xlarge", "m6i.xlarge"], **core}}}


def test_nodes_on_demand_and_spot_are_added_up():
    config = emr_config(sizes=sizes(count=4, spot_percent=50), prices=PRICES)
    found = forecast(config, snapshot_type="full", days=1)
    assert found.usd_an_hour == pytest.approx(0.25 + 2 * 0.25 + 2 * 0.15)
    assert found.text() == (
        "A cluster of the size small would be started: 1 primary x m7i.xlarge, 4 core x m7i.xlarge, 2 of them spot;"
        " about 1.05 US dollars an hour."
    )


def test_a_missing_price_is_said():
    assert "no price is configured for m7i.xlarge" in forecast(emr_config(), snapshot_type="full", days=1).text()


def test_scaling_is_said():
    scaled = sizes()
    scaled["small"]["scaling"] = {"minimum": 1, "maximum": 9}
    config = emr_config(sizes=scaled, prices=PRICES)
    assert "scaled to at most 9" in forecast(config, snapshot_type="full", days=1).text()


def test_a_running_cluster_costs_nothing_more():
    found = forecast(emr_config(cluster="shared"), snapshot_type="full", days=1)
    assert (found.usd_an_hour, "running cluster shared" in found.text()) == (0.0, True)
