"""What a running application says reaches Dagster's log now and then, and its results while it runs."""

from __future__ import annotations

import logging

import pytest

from dataworks_assets.systems.live import Live
from spark.contract import JobResult, encode
from spark.errors import StoreError
from spark.jobs.progress import Finished, Placed, Progress, Publishing
from spark.store import ObjectStore

RESULT_URI = "memory://output/_dataworks/jobs/a/result.json"


@pytest.fixture
def clock():
    return iter(range(100))


@pytest.fixture
def results():
    return []


@pytest.fixture
def live(clock, results, caplog):
    caplog.set_level(logging.INFO)
    store = ObjectStore.in_memory()
    return Live(logging.getLogger("run"), store, RESULT_URI, results.append, clock=lambda: float(next(clock)))


def test_progress_is_logged_once_in_five_seconds(live, caplog):
    for files in range(11):
        live.take(Progress(files=files, files_total=11, partitions_total=1))
    assert [record.getMessage().partition(" ")[0] for record in caplog.records] == ["0", "5", "10"]


def test_the_end_is_logged_whenever_it_comes(live, caplog):
    live.take(Progress(files=1, files_total=2, partitions_total=1))
    live.take(Progress(files=2, files_total=2, partitions=1, partitions_total=1))
    assert caplog.records[-1].getMessage() == "2 of 2 files, 0.0 of 0.0 MB, 1 of 1 days"


def test_results_are_passed_on_while_the_application_runs(live, results):
    interim = JobResult(run_id="a", partitions=(), seconds=1.0, complete=False)
    live.store.put(RESULT_URI, encode(interim))
    for _ in range(6):
        live.take(Finished(collection="core/statement", export_date="2026-11-20", state="published"))
    assert results == [interim, interim]


def test_a_day_that_ends_before_a_result_is_written_waits_for_the_next(live, results):
    live.take(Finished(collection="core/statement", export_date="2026-11-20", state="published"))
    assert results == []


def test_a_store_that_does_not_answer_meanwhile_ends_no_application(live, results, monkeypatch):
    def fail(_uri):
        raise StoreError("it does not answer", transient=True)

    monkeypatch.setattr(live.store, "read", fail)
    live.take(Finished(collection="core/statement", export_date="2026-11-20", state="published"))
    assert results == []


def test_what_is_about_to_be_published_and_where_it_runs_are_passed_on(live, results):
    told = []
    live.publishing, live.placed = lambda *pair: told.append(pair), told.append
    live.take(Placed(cluster_id="j-1"))
    live.take(Publishing(collection="core/statement", export_date="2026-11-20"))
    assert (told, results) == ([Placed(cluster_id="j-1"), ("core/statement", "2026-11-20")], [])
