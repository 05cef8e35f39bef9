"""What ships for Prometheus and Grafana asks for metrics that are pushed, by labels that they have."""

import json
import re
from datetime import UTC, datetime

import pytest
import yaml
from msgspec.structs import replace

from dataworks_assets.config.ledger import MetricsConfig, ProductConfig
from dataworks_assets.config.nodes import JMX_PORTS, NODE_EXPORTER_PORT
from dataworks_assets.ledger.entries import Tally
from dataworks_assets.ledger.metrics import Metrics
from dataworks_assets.stack.prometheus import RULES
from dataworks_assets_tests.ledger.memory_gateway import MemoryGateway
from dataworks_assets_tests.ledger.test_dynamo import ENTRY
from spark.store import ObjectStore

FOLDER = RULES.parent
DASHBOARD = json.loads((FOLDER / "grafana-dashboard.json").read_text())
PROMETHEUS_S_OWN = {"push_time_seconds"}


@pytest.fixture(scope="module")
def pushed():
    """The labels of every metric that is pushed, by its name."""
    gateway = MemoryGateway()
    metrics = Metrics(MetricsConfig(), ProductConfig(), gateway, ObjectStore.in_memory(), "memory://output/_dataworks")
    metrics.started(ENTRY)
    metrics.ended(replace(ENTRY, tallies={"core/statement": Tally()}), [], now=datetime.now(UTC))
    metrics.newest("adg_full", "full", {"core/statement": 1.0})
    return {each.name: {*each.labels, "job", "instance"} for group in gateway.groups.values() for each in group}


def expressions():
    yield from (target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"])
    rules = yaml.safe_load(RULES.read_text())
    yield from (rule["expr"] for group in rules["groups"] for rule in group["rules"])


@pytest.mark.parametrize("expression", list(expressions()))
def test_every_expression_is_of_metrics_and_labels_that_are_pushed(expression, pushed):
    named = set(re.findall(r"\badg_\w+", expression))
    assert named <= set(pushed)
    labels = {label for name in named for label in pushed[name]}
    for group in re.findall(r"by \(([^)]*)\)", expression):
        assert not named or {label.strip() for label in group.split(",")} <= labels


def test_the_dashboard_shows_every_metric_that_is_pushed(pushed):
    shown = {name for target in expressions() for name in re.findall(r"\badg_\w+", target)}
    totals_of_collections = {"adg_quarantined_rows", "adg_collection_input_bytes", "adg_collection_output_bytes"}
    assert set(pushed) - shown <= totals_of_collections


def test_panels_have_places_and_numbers_of_their_own():
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in DASHBOARD["panels"]]
    assert len(set(places)) == len({panel["id"] for panel in DASHBOARD["panels"]}) == len(places)


def test_each_exporter_is_scraped_on_its_port_and_known_by_its_name():
    jobs = yaml.safe_load((FOLDER / "prometheus.yml").read_text())["scrape_configs"]
    ports = {job["job_name"]: job["ec2_sd_configs"][0]["port"] for job in jobs if "ec2_sd_configs" in job}
    assert sorted(ports.values()) == sorted([*JMX_PORTS.values(), NODE_EXPORTER_PORT])
    for job in jobs:
        if job["job_name"] in ports:
            relabelled = {each.get("target_label"): each["source_labels"] for each in job["relabel_configs"]}
            assert relabelled["instance"] == ["__meta_ec2_tag_Name"]
