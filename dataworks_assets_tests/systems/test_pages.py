"""Where a browser opens an application's log and its cluster, and how a run shows both."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest
from dagster import DagsterEventType, DagsterInstance, MetadataValue, op
from dagster import job as dagster_job

from dataworks_assets.config.services import EMBEDDED, StoreConfig
from dataworks_assets.systems import pages
from spark.jobs.progress import Placed

LOG = "s3://logs/emr/j-1/steps/s-1/stdout.gz"


@dataclass
class Pretended:
    """A platform as far as pages look at it."""

    store: StoreConfig = field(default_factory=StoreConfig)
    emr: object = None

    @property
    def settings(self):
        return SimpleNamespace(deployment=SimpleNamespace(store=self.store, engine=SimpleNamespace(emr=self.emr)))

    @property
    def running(self):
        filled = self.store.model_copy(update={"endpoint": "http://127.0.0.1:9"})
        return SimpleNamespace(deployment=SimpleNamespace(store=filled))


@pytest.fixture(autouse=True)
def credentials(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "embedded")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary-secret")


def test_a_log_in_aws_is_opened_in_the_console_and_nothing_signed_is_kept():
    page = pages.log_page(Pretended(), LOG)
    assert page == (
        "https://eu-west-2.console.aws.amazon.com/s3/object/logs?region=eu-west-2&prefix=emr%2Fj-1%2Fsteps%2Fs-1%2Fstdout.gz"
    )


def test_a_log_in_the_embedded_store_opens_as_text():
    page = urlsplit(pages.log_page(Pretended(StoreConfig(endpoint=EMBEDDED)), LOG))
    asked = parse_qs(page.query)
    assert (page.netloc, page.path) == ("127.0.0.1:9", "/logs/emr/j-1/steps/s-1/stdout.gz")
    assert asked["response-content-encoding"] == ["gzip"]
    assert asked["response-content-type"] == ["text/plain; charset=utf-8"]
    assert "canary-secret" not in page.query


@pytest.mark.parametrize(
    ("store", "address"), [(StoreConfig(), "/var/log/run.log"), (StoreConfig(endpoint="https://s3.example"), LOG)]
)
def test_what_no_page_shows_is_an_address_to_copy(store, address):
    page = pages.log_page(Pretended(store), address)
    assert (page, pages.link(page, address)) == ("", MetadataValue.path(address))


@pytest.mark.parametrize(("endpoint", "shown"), [(None, True), (EMBEDDED, False)])
def test_a_cluster_of_aws_has_a_page_in_the_console(endpoint, shown):
    emr = SimpleNamespace(endpoint=endpoint, region="eu-west-2")
    assert pages.cluster_page(Pretended(emr=emr), "j-1").endswith("#/clusterDetails/j-1") is shown


@pytest.mark.parametrize(
    ("placed", "said", "shown"),
    [
        (Placed(cluster_id="j-1", log_address=LOG), "cluster j-1", {"cluster", "log"}),
        (Placed(log_address="/var/log/run.log"), "this machine", {"log"}),
    ],
)
def test_a_run_shows_where_its_application_runs(placed, said, shown):
    @op
    def place(context):
        pages.shown_in(context, Pretended())(placed)

    @dagster_job
    def placing():
        place()

    with DagsterInstance.ephemeral() as instance:
        run_id = placing.execute_in_process(instance=instance).run_id
        events = [entry.dagster_event for entry in instance.all_logs(run_id, of_type=DagsterEventType.ENGINE_EVENT)]
        lines = [entry.user_message for entry in instance.all_logs(run_id) if entry.dagster_event is None]
    (event,) = [each for each in events if "The application runs" in each.message]
    assert said in event.message
    assert (event.step_key, set(event.event_specific_data.metadata)) == ("place", shown)
    assert [line for line in lines if said in line and placed.log_address in line]
