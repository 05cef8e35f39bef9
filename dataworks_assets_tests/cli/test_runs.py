"""A run from the command line is Dagster's: recorded, reported day by day, its progress shown."""

from __future__ import annotations

import signal
import threading

import pytest
import yaml
from dagster import AssetKey, DagsterInstance, DagsterRunStatus, RunsFilter

from dataworks_assets.cli.code_location import LOCATION
from dataworks_assets.engines.base import Engine
from spark.contract import Finding, JobResult, PartitionResult, PartitionState, TableResult
from spark.errors import ConfigurationError, EngineError, StoreError
from spark.jobs.progress import Finished, Progress

DAY = "2026-11-20"


class Answers(Engine):
    """An engine that publishes everything but what it is told to refuse."""

    def __init__(self, refused=(), error=None):
        self.refused = refused
        self.error = error
        self.submissions = []

    def submit(self, submission, arguments, emit):
        raise AssertionError

    def run(self, submission, *, on_message, channel=None):
        self.submissions.append(submission)
        if self.error:
            raise self.error
        work = submission.parameters.partitions
        on_message(Progress(files=0, files_total=len(work), total_bytes=1000, partitions_total=len(work)))
        results = tuple(self._result(item, submission.parameters) for item in work)
        for item in results:
            cause = item.findings[0].cause if item.findings else ""
            on_message(
                Finished(collection=item.collection, export_date=item.export_date, state=item.state, rows=9, cause=cause)
            )
        return JobResult(run_id=submission.run_id, partitions=results, seconds=1.0)

    def _result(self, item, parameters):
        main = parameters.collections[item.collection].tables[0]
        refused = item.collection in self.refused
        bad = Finding(
            check="ids", passed=False, object="s3://in/day/file", place="line 7", cause="twice", remedy="Export again"
        )
        return PartitionResult(
            collection=item.collection,
            export_date=item.export_date,
            attempt=item.attempt,
            state=PartitionState.REFUSED if refused else PartitionState.PUBLISHED,
            fingerprint=item.fingerprint,
            config_hash=item.config_hash,
            tables=(TableResult(database=main.database, name=main.name, location="s3://out/a"),),
            findings=(bad,) if refused else (),
            rows=9,
            files=1,
            input_bytes=1000,
        )


@pytest.fixture
def engine(workplace):
    workplace.platform.engine = Answers()
    return workplace.platform.engine


def runs(workplace):
    with DagsterInstance.from_config(str(workplace.settings.environment.home / "dagster")) as instance:
        return list(instance.get_runs())


def test_what_was_published_is_shown_and_recorded(bench, engine, workplace):
    bench.export("core/toDo")
    shown = bench("adg", "run", "--day", DAY, "-c", "core/toDo")
    assert "adg_full/core/toDo" in shown
    assert "1 published (9 rows" in shown
    with DagsterInstance.from_config(str(workplace.settings.environment.home / "dagster")) as instance:
        key = AssetKey(["adg_full", "core", "toDo"])
        assert instance.get_materialized_partitions(key) == {DAY}
    (run,) = runs(workplace)
    assert run.status is DagsterRunStatus.SUCCESS


@pytest.mark.parametrize("refused", [(), ("core/toDo",)], ids=["published", "refused"])
def test_a_run_belongs_to_the_code_location_for_the_ui(bench, workplace, refused):
    workplace.platform.engine = Answers(refused=refused)
    bench.export("core/toDo")
    bench("adg", "run", "--day", DAY, "-c", "core/toDo", exit_code=int(bool(refused)))
    (run,) = runs(workplace)
    assert run.remote_job_origin is not None
    assert run.remote_job_origin.repository_origin.get_label() == "__repository__@dataworks"
    assert run.remote_job_origin.job_name == run.job_name
    assert run.status is (DagsterRunStatus.FAILURE if refused else DagsterRunStatus.SUCCESS)
    with DagsterInstance.from_config(str(workplace.settings.environment.home / "dagster")) as instance:
        found = instance.get_runs(RunsFilter(tags={".dagster/repository": "__repository__@dataworks"}))
    assert [each.run_id for each in found] == [run.run_id]


@pytest.mark.parametrize("file", ["workspace.yaml", "production/workspace.yaml"])
def test_the_code_location_is_called_as_dagster_calls_it(project, file):
    (loaded,) = yaml.safe_load((project / file).read_text())["load_from"]
    (given,) = loaded.values()
    assert given["location_name"] == LOCATION


def test_progress_is_told(bench, engine):
    bench.export("core/toDo")
    assert "core/toDo 2026-11-20: 9 rows" in bench("adg", "run", "--day", DAY, "-c", "core/toDo")


def test_a_refused_day_says_why_and_ends_with_exit_code_one(bench, workplace):
    workplace.platform.engine = Answers(refused=["core/toDo"])
    bench.export("core/toDo")
    bench.export("core/statement")
    shown = bench("adg", "run", "--day", DAY, "-c", "core/toDo", "-c", "core/statement", exit_code=1)
    assert all(text in shown for text in ("twice", "file, line 7", "Export again", "1 published", "1 not published"))


def test_a_run_that_failed_says_why(bench, workplace):
    workplace.platform.engine = Answers(error=EngineError("the application was killed", remedy="Run it again"))
    bench.export("core/toDo")
    shown = bench("adg", "run", "--day", DAY, "-c", "core/toDo", exit_code=1)
    assert "The run failed: the application was killed. Run it again" in shown


def test_lines_of_an_application_without_a_message_have_the_correlation_id_of_the_days_row(bench, engine):
    bench.export("core/toDo")
    bench("adg", "run", "--day", DAY, "-c", "core/toDo")
    (work,) = engine.submissions[0].parameters.partitions
    assert work.correlation_id == f"ADG-full_{DAY}"


def test_options_reach_the_run_and_the_record_of_who_started_it(bench, engine, workplace):
    bench.export("core/toDo")
    bench("adg", "run", "--day", DAY, "-c", "core/toDo", "--correlation-id", "id-7", "--confirm", "--no-skip-pdm-trigger")
    (work,) = engine.submissions[0].parameters.partitions
    assert (work.correlation_id, work.confirmed) == ("id-7", True)
    (act,) = bench.json("ledger", "acts")
    told = {"correlation_id": "id-7", "confirm": "true", "skip_pdm_trigger": "false"}
    assert act["about"] == {"system": "adg_full", "days": DAY, "collections": "core/toDo", **told}
    assert (act["what"], act["identity"], act["via"]) == ("run", "arn:aws:iam::1:role/operator", "command line")
    (run,) = runs(workplace)
    assert run.tags["dataworks/act"] == act["id"]


@pytest.mark.parametrize("command", [("adg", "run"), ("backfill",)])
def test_a_day_that_no_collection_has_is_refused(bench, engine, command):
    with pytest.raises(ConfigurationError, match=r"none of these collections has 2020-01-01, nor 1 more"):
        bench(*command, "--day", "2020-01-01...2020-01-02", "-c", "core/toDo")
    assert bench.json("ledger", "acts") == []


def test_a_prefix_below_which_nothing_lies_is_told_and_starts_nothing(bench, engine):
    bench.export("core/toDo")
    shown = bench("adg", "run", "--day", DAY, "-c", "core/toDo", "--s3-prefix", "not/there", exit_code=1)
    assert "no data file below not/there" in shown
    assert engine.submissions == []


def test_a_run_that_cannot_be_recorded_is_not_started(bench, engine, workplace, monkeypatch):
    def refuse(*_):
        raise StoreError("the bucket is not there")

    monkeypatch.setattr("dataworks_assets.systems.acts.record_act", refuse)
    with pytest.raises(StoreError):
        bench("adg", "run", "--day", DAY, "-c", "core/toDo")
    assert engine.submissions == []


def test_a_run_that_is_cancelled_elsewhere_ends_and_none_follows_it(bench, workplace):
    class Cancelled(Answers):
        def run(self, submission, *, on_message, channel=None):
            self.submissions.append(submission)
            (run,) = runs(workplace)
            with DagsterInstance.from_config(str(workplace.settings.environment.home / "dagster")) as instance:
                instance.report_run_canceling(run)
            threading.Event().wait()

    engine = workplace.platform.engine = Cancelled()
    for day in ("2026-11-10", DAY):
        bench.export("core/toDo", day)
    shown = bench("backfill", "-D", f"2026-11-10,{DAY}", "-c", "core/toDo", exit_code=1)
    (run,) = runs(workplace)
    assert (run.status, len(engine.submissions)) == (DagsterRunStatus.CANCELED, 1)
    assert "The run was cancelled" in shown
    assert f"Not begun, for the run before was cancelled: {DAY}" in shown


def test_a_run_whose_command_is_interrupted_was_cancelled(bench, workplace):
    class Interrupted(Answers):
        def run(self, submission, *, on_message, channel=None):
            signal.raise_signal(signal.SIGINT)
            threading.Event().wait()

    workplace.platform.engine = Interrupted()
    bench.export("core/toDo")
    said = bench("adg", "run", "--day", DAY, "-c", "core/toDo", exit_code=130)
    assert "Interrupted. What was published stays" in said
    (run,) = runs(workplace)
    assert run.status is DagsterRunStatus.CANCELED


def test_a_range_is_one_application(bench, engine):
    bench.export("core/toDo", "2026-11-19")
    bench.export("core/toDo", DAY)
    bench("adg", "run", "--day", f"2026-11-19...{DAY}", "-c", "core/toDo")
    (submission,) = engine.submissions
    assert [work.export_date for work in submission.parameters.partitions] == ["2026-11-19", DAY]


def test_scattered_days_are_refused_with_the_way_out(bench):
    shown = bench("adg", "run", "--day", "2026-11-01,2026-11-20", exit_code=2)
    assert "dataworks backfill" in shown


def test_a_day_is_needed(bench):
    assert "say which day" in bench("adg", "run", exit_code=2)


def test_a_backfill_runs_each_range(bench, engine, workplace):
    for day in ("2026-11-10", DAY):
        bench.export("core/toDo", day)
    shown = bench("backfill", "-D", f"2026-11-10,{DAY}", "-c", "core/toDo")
    assert "2 runs" in shown
    started = runs(workplace)
    assert len(engine.submissions) == len(started) == 2
    (act,) = bench.json("ledger", "acts")
    assert act["about"]["days"] == f"2026-11-10, {DAY}"
    assert {run.tags["dataworks/act"] for run in started} == {act["id"]}


def test_a_dry_run_of_a_backfill_starts_nothing(bench, engine):
    bench.export("core/toDo")
    bench("backfill", "-D", DAY, "-c", "core/toDo", "--dry-run")
    assert engine.submissions == bench.json("ledger", "acts") == []


def test_a_backfill_cannot_be_launched_where_nothing_runs(bench):
    from spark.errors import StackError

    bench.export("core/toDo")
    with pytest.raises(StackError, match="dataworks dev"):
        bench("backfill", "-D", DAY, "-c", "core/toDo", "--launch")


def test_a_report_as_json_names_the_run(bench, engine):
    bench.export("core/toDo")
    (report,) = bench.json("adg", "run", "--day", DAY, "-c", "core/toDo")
    assert report["succeeded"]
    assert report["days"][0]["rows"] == 9
