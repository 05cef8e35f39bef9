"""Dagster's storage on one machine: the same files as Dagster's own storage has, whoever writes them, and however many."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest
import yaml
from dagster import (
    AssetCheckResult,
    AssetCheckSpec,
    AssetKey,
    DagsterInstance,
    DagsterRunStatus,
    MaterializeResult,
    asset,
    materialize,
)

OURS = {"storage": {"custom": {"module": "dataworks_assets.instance.local_storage", "class": "LocalStorage"}}}
KEY = AssetKey("table")


@asset(check_specs=[AssetCheckSpec("published", asset="table")])
def table():
    return MaterializeResult(metadata={"rows": 3}, check_results=[AssetCheckResult(passed=True)])


def opened(folder: Path, *, ours: bool = True) -> DagsterInstance:
    OURS["storage"]["custom"]["config"] = {"base_dir": str(folder)}
    (folder / "dagster.yaml").write_text(yaml.safe_dump({**(OURS if ours else {}), "telemetry": {"enabled": False}}))
    return DagsterInstance.from_config(str(folder))


@pytest.mark.parametrize("written_by_ours", [True, False])
def test_what_one_storage_wrote_the_other_one_reads_in_the_same_files(tmp_path, written_by_ours):
    with opened(tmp_path, ours=written_by_ours) as instance:
        run_id = materialize([table], instance=instance).run_id
        log = [record.event_log_entry.message for record in instance.get_records_for_run(run_id).records]
    with opened(tmp_path, ours=not written_by_ours) as instance:
        event = instance.get_latest_materialization_event(KEY)
        assert event is not None
        assert event.asset_materialization.metadata["rows"].value == 3
        assert [record.event_log_entry.message for record in instance.get_records_for_run(run_id).records] == log
        (check,) = instance.event_log_storage.get_asset_check_execution_history(table.check_key, limit=9)
        assert check.event.asset_check_evaluation.passed
        assert instance.get_run_by_id(run_id).status is DagsterRunStatus.SUCCESS


def test_whoever_watches_a_run_is_told_while_it_runs(tmp_path):
    told, seen = [], threading.Event()

    def notice(entry, _cursor):
        told.append(entry.message)
        seen.set()

    with opened(tmp_path) as instance:

        @asset
        def talks(context):
            instance.watch_event_logs(context.run_id, None, notice)
            context.log.info("halfway there")
            assert seen.wait(30), "the UI would show nothing before the run's end"

        assert materialize([talks], instance=instance).success
        assert "halfway there" in told


def test_of_what_two_processes_write_at_once_nothing_is_lost(tmp_path):
    with opened(tmp_path) as instance:
        materialize([table], instance=instance)  # makes the files
        program = (
            "import sys; from dagster import DagsterInstance, AssetMaterialization\n"
            "with DagsterInstance.from_config(sys.argv[1]) as instance:\n"
            "    for number in range(40):\n"
            "        instance.report_runless_asset_event(AssetMaterialization('other', partition=str(number)))\n"
        )
        with subprocess.Popen([sys.executable, "-c", program, str(tmp_path)]) as other:
            for _ in range(8):
                materialize([table], instance=instance)
            assert other.wait(120) == 0
        assert len(instance.get_materialized_partitions(AssetKey("other"))) == 40
        assert len(instance.get_runs()) == 9


def test_wiped_files_are_made_anew(tmp_path):
    with opened(tmp_path) as instance:
        materialize([table], instance=instance)
        instance.event_log_storage.wipe()
        assert instance.get_latest_materialization_event(KEY) is None
        run_id = materialize([table], instance=instance).run_id
        assert instance.get_latest_materialization_event(KEY).run_id == run_id


def test_only_the_newest_runs_engines_are_kept(tmp_path):
    with opened(tmp_path) as instance:
        log = instance.event_log_storage
        for number in range(20):
            with log.run_connection(f"run-{number}") as connection:
                connection.exec_driver_sql("SELECT count(*) FROM event_logs")
        assert len(log._engines) <= 17
        with log.run_connection("run-0") as connection:  # and one that was let go is opened again
            assert connection.exec_driver_sql("SELECT count(*) FROM event_logs").scalar() == 0
