"""The services over a real PostgreSQL, some of them killed in mid-backfill: every day is done, once, and its log is kept."""

import json
import uuid
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from dagster import AssetKey, DagsterInstance, DagsterRunStatus

from dataworks_assets.stack.ports import choose_ports
from dataworks_assets_tests.production.conftest import AT_ONCE, BUCKET, hasty_home, production_environment, s3
from dataworks_assets_tests.production.services import Services, start_once, wait_for
from dataworks_assets_tests.production.trivial import DAYS, HOLD, JOURNAL

pytestmark = pytest.mark.timeout(900)
"""A busy machine takes its time for a dozen Python processes; half a minute is usual."""

PORTS = ("DATAWORKS_CODE_SERVER_PORT", "DATAWORKS_WEBSERVER_PORT")


@dataclass
class Told:
    """What is left of a backfill during which the daemon, and then the code server with its runs, was killed."""

    journal: Path
    environment: dict
    home: Path
    database: str
    killed_runs: set
    instance: DagsterInstance

    def noted(self, what):
        lines = [json.loads(line) for line in self.journal.read_text().splitlines()]
        return [line for line in lines if line["what"] == what]


@pytest.fixture(scope="module")
def backfill(postgres, s3_url, tmp_path_factory):
    folder = tmp_path_factory.mktemp("production")
    project = Path(__file__).resolve().parents[2]
    database = f"dagster_{uuid.uuid4().hex[:8]}"
    ports = choose_ports(PORTS, kept={})
    environment = {
        **production_environment(postgres, s3_url, folder, database),
        **{name: str(port) for name, port in ports.items()},
        "DAGSTER_HOME": str(hasty_home(folder, project)),
        "DATAWORKS_CODE_SERVER_HOST": "127.0.0.1",
        "DATAWORKS_CODE_MODULE": "dataworks_assets_tests.production.trivial",
        "PYTHONPATH": str(project),
        JOURNAL: str(folder / "journal"),
        HOLD: str(folder / "hold"),
    }
    assert start_once("migrate", environment).returncode == 0
    services = Services(environment, folder, ports["DATAWORKS_WEBSERVER_PORT"])
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        told = Told(
            folder / "journal", environment, folder / "home", database, set(), DagsterInstance.from_config(str(folder / "home"))
        )
        try:
            _tell(services, told)
            yield told
        finally:
            services.end()
            told.instance.dispose()


def _tell(services, told):
    """Two days of four go on when the daemon is killed, and are done without it; the other two when the code server is."""
    hold = Path(told.environment[HOLD])
    told.journal.touch()
    hold.touch()
    services.start("code-server")
    services.start("webserver")
    wait_for("the webserver", services.webserver_answers)
    wait_for("the code location", services.code_is_loaded)
    services.launch_backfill("trivial", DAYS)
    services.start("daemon")
    wait_for("the first runs", lambda: len(told.noted("begun")) == AT_ONCE)
    services.kill("daemon")
    hold.unlink()
    wait_for("their end", lambda: len(told.noted("done")) == AT_ONCE)
    hold.touch()
    services.start("daemon")
    wait_for("the other runs", lambda: len(told.noted("begun")) == len(DAYS))
    services.kill("code-server")
    told.killed_runs = {line["run"] for line in told.noted("begun")} - {line["run"] for line in told.noted("done")}
    hold.unlink()
    services.start("code-server")
    wait_for("the end of all days", lambda: len(told.noted("done")) == len(DAYS))
    wait_for("the end of all runs", lambda: not told.instance.get_runs_count(_unfinished()))


def _unfinished():
    from dagster import RunsFilter

    waiting = (DagsterRunStatus.QUEUED, DagsterRunStatus.NOT_STARTED, DagsterRunStatus.STARTING, DagsterRunStatus.STARTED)
    return RunsFilter(statuses=list(waiting))


def test_every_day_is_done_once(backfill):
    assert Counter(line["day"] for line in backfill.noted("done")) == dict.fromkeys(DAYS, 1)
    assert backfill.instance.get_materialized_partitions(AssetKey("trivial")) == set(DAYS)


def test_only_what_was_killed_was_begun_again(backfill):
    assert len(backfill.killed_runs) == AT_ONCE
    again = Counter(line["day"] for line in backfill.noted("begun"))
    begun_twice = {day for day, times in again.items() if times > 1}
    killed = {line["day"] for line in backfill.noted("begun") if line["run"] in backfill.killed_runs}
    assert begun_twice == killed


def test_runs_of_a_dead_code_server_end_as_failed_and_are_retried(backfill):
    for run_id in backfill.killed_runs:
        assert backfill.instance.get_run_by_id(run_id).status is DagsterRunStatus.FAILURE
    succeeded = backfill.instance.get_runs()
    retries = {run.parent_run_id for run in succeeded if run.status is DagsterRunStatus.SUCCESS and run.parent_run_id}
    assert retries == backfill.killed_runs


def test_as_many_runs_go_on_at_once_as_a_backfill_may_have(backfill):
    ended = {line["run"]: line["at"] for line in backfill.noted("done")}
    spans = [(line["at"], ended[line["run"]]) for line in backfill.noted("begun") if line["run"] in ended]
    at_once = [sum(begun <= at < end for begun, end in spans) for at, _ in spans]
    assert max(at_once) == AT_ONCE


def test_what_a_run_printed_is_on_s3(backfill, s3_url):
    run_id = backfill.noted("done")[0]["run"]
    listed = s3(s3_url).list_objects_v2(Bucket=BUCKET, Prefix=f"dagster/storage/{run_id}/")
    bodies = [s3(s3_url).get_object(Bucket=BUCKET, Key=each["Key"])["Body"].read() for each in listed["Contents"]]
    assert any(b"a line for the log" in body for body in bodies)


def test_a_dump_restored_elsewhere_tells_the_same(backfill, postgres, tmp_path, opened):
    dump = tmp_path / "dagster.dump"
    postgres.run("pg_dump", "--format", "custom", "--file", str(dump), backfill.database)
    restored = f"{backfill.database}_restored"
    postgres.create_database(restored)
    postgres.run("pg_restore", "--exit-on-error", "--no-owner", "--dbname", restored, str(dump))
    there = opened(backfill.environment | {"DAGSTER_POSTGRES_DB": restored}, backfill.home)
    there.upgrade()
    assert {run.run_id: run.status for run in there.get_runs()} == {
        run.run_id: run.status for run in backfill.instance.get_runs()
    }
    assert there.get_materialized_partitions(AssetKey("trivial")) == set(DAYS)
