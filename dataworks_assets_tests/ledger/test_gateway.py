"""The real Pushgateway and Prometheus, where they are installed: what is pushed is scraped, and gone once it is deleted."""

import subprocess
import time
from datetime import UTC, datetime, timedelta

import pytest
import requests

from dataworks_assets.config.ledger import MetricsConfig, ProductConfig
from dataworks_assets.ledger.judging import DayEnd
from dataworks_assets.ledger.metrics import Family, Metrics, PushGateway
from dataworks_assets.ledger.rows import DayStatus
from dataworks_assets.stack import prometheus
from dataworks_assets.stack.ports import choose_ports
from dataworks_assets.stack.service import Surroundings
from dataworks_assets_tests.ledger.test_dynamo import DAY, ENTRY
from spark.errors import LedgerError
from spark.store import ObjectStore

WANTED = (prometheus.PUSHGATEWAY, prometheus.PROMETHEUS)
MONITORING = prometheus.RULES.parent
NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)

installed = pytest.mark.skipif(len(prometheus.installed()) < 2, reason="needs Debian's prometheus and prometheus-pushgateway")


@pytest.fixture(scope="module")
def around(tmp_path_factory):
    """Both services, running."""
    home = tmp_path_factory.mktemp("prometheus")
    ports = choose_ports([each.name for each in WANTED], kept={})
    made = Surroundings(home, home, home, {name: {"main": port} for name, port in ports.items()})
    processes = []
    try:
        for service in WANTED:
            service.prepare(made)
            with (home / f"{service.name}.log").open("wb") as log:
                processes.append(subprocess.Popen(service.command(made), stderr=log, stdout=log))
        for service in WANTED:
            until(lambda service=service: answers(service, made))
        yield made
    finally:
        for process in processes:
            process.terminate()
            process.wait(10)


def answers(service, around):
    try:
        service.check_ready(around)
    except service.not_ready:
        return False
    return True


def until(found):
    deadline = time.monotonic() + 30
    while not (answer := found()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return answer


def scraped(around, query):
    url = f"{prometheus.PROMETHEUS.url(around)}/api/v1/query"
    return requests.get(url, params={"query": query}, timeout=5).json()["data"]["result"]


@installed
def test_a_status_is_scraped_with_its_labels_and_deleted_after_the_last_scrape(around):
    url = prometheus.PUSHGATEWAY.url(around)
    gateway = PushGateway(lambda: url, 5)
    config, store = MetricsConfig(delete_after_seconds=60), ObjectStore.in_memory()
    metrics = Metrics(config, ProductConfig(), gateway, store, "memory://output/_dataworks")
    metrics.started(ENTRY)
    [found] = until(lambda: scraped(around, "adg_status"))
    assert found["value"][1] == "1"
    assert found["metric"] == {
        "__name__": "adg_status",
        "snapshot_type": "full",
        "export_date": "2026-11-20",
        "cluster_id": "j-1",
        "component": "ADG",
        "correlation_id": "c-1",
        "job": "adg",
        "instance": "adg_full-2026-11-20",
    }
    metrics.ended(ENTRY, [DayEnd(DAY, DayStatus.COMPLETED, (), {})], now=NOW)
    assert "adg_status{" in requests.get(f"{url}/metrics", timeout=5).text
    assert metrics.sweep("adg_full", now=NOW + timedelta(seconds=59)) == 0
    assert metrics.sweep("adg_full", now=NOW + timedelta(seconds=60)) == 1
    assert "adg_status" not in requests.get(f"{url}/metrics", timeout=5).text


@installed
def test_the_rules_of_the_project_are_loaded(around):
    groups = requests.get(f"{prometheus.PROMETHEUS.url(around)}/api/v1/rules", timeout=5).json()["data"]["groups"]
    assert {"DayFailed", "CollectionIsOld"} <= {rule["name"] for group in groups for rule in group["rules"]}


def test_a_gateway_that_does_not_answer_is_an_error_that_names_it():
    nowhere = PushGateway(lambda: "http://127.0.0.1:9", 1)
    with pytest.raises(LedgerError, match=r"127\.0\.0\.1:9.*did not take it"):
        nowhere.push("adg", "i", [Family("adg_rows", "Rows", ("component",), {("ADG",): 1.0})])


@installed
@pytest.mark.parametrize("arguments", [["test", "rules", "alerts_test.yml"], ["check", "config", "prometheus.yml"]])
def test_alert_rules_and_scrape_configuration_are_right(arguments):
    done = subprocess.run(["promtool", *arguments], cwd=MONITORING, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
