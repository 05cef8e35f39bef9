"""Dagster's folder on this machine: its set-up, its storage, and runs whose process died.

Made from the project's `dagster.yaml` on first use. A new SQLite storage is created under a lock, because processes that
create it at the same time make each other fail.
"""

from __future__ import annotations

import io
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import yaml

from dataworks_assets.config.settings import Settings
from dataworks_assets.stack.locking import locked
from spark.errors import ConfigurationError

if TYPE_CHECKING:
    from dagster import DagsterInstance, DagsterRun

PROJECT_FOLDER = Path(__file__).resolve().parents[2]
HOME_VARIABLE = "DAGSTER_HOME"
PROCESS_TAG = "dataworks/process"
"""Tag of a run that a `dataworks` command carries out itself: `<host>:<process id>:<start of the process>`."""

_FILE = "dagster.yaml"
_LOCAL_STORAGE = {"module": "dataworks_assets.instance.local_storage", "class": "LocalStorage"}


def prepare_dagster_home(settings: Settings) -> Path:
    """Makes Dagster's folder ready and returns it; what is there already is left alone.

    Args:
        settings: name this machine's state folder, in which `dagster` is Dagster's, unless `DAGSTER_HOME` names another
            one; a `dagster.yaml` of that other one's own is never touched, nor the schema of a database server that it
            names: the services of all machines share it (`production/start migrate` brings it up to date). They also
            name the logs' bucket.

    Raises:
        ConfigurationError: `DAGSTER_HOME` is no absolute path, or the project's `dagster.yaml` is not there.
    """
    default = settings.environment.home / "dagster"
    folder = dagster_folder(settings)
    if not folder.is_absolute():
        raise ConfigurationError("DAGSTER_HOME is no absolute path", where=str(folder), remedy="Unset it, or make it absolute")
    folder.mkdir(parents=True, exist_ok=True)
    os.environ[HOME_VARIABLE] = str(folder)
    if folder != default and _has_server_storage(folder / _FILE):
        return folder
    with locked(folder / ".lock"):
        if folder == default or not (folder / _FILE).exists():
            _write(folder, logs_bucket=settings.deployment.buckets.logs)
        _migrate(folder)
    return folder


def dagster_folder(settings: Settings) -> Path:
    """Returns where Dagster's folder is: `DAGSTER_HOME`, else in this machine's state folder."""
    named = os.environ.get(HOME_VARIABLE)
    return Path(named) if named else settings.environment.home / "dagster"


@contextmanager
def open_instance(settings: Settings) -> Iterator[DagsterInstance]:
    """Opens Dagster's instance in its prepared folder; runs whose process died are ended first."""
    from dagster import DagsterInstance

    with DagsterInstance.from_config(str(prepare_dagster_home(settings))) as instance:
        end_dead_runs(instance)
        yield instance


def process_tag() -> str:
    """Returns the tag's value for this process."""
    process = psutil.Process()
    return f"{socket.gethostname()}:{process.pid}:{int(process.create_time())}"


def end_dead_runs(instance: DagsterInstance) -> list[str]:
    """Marks runs as failed whose command died on this machine, frees their places in pools, and returns their ids.

    Without it the next run would wait for a place that nobody gives back until the daemon looks.
    """
    from dagster import DagsterRunStatus, RunsFilter

    running = [DagsterRunStatus.STARTED, DagsterRunStatus.STARTING, DagsterRunStatus.NOT_STARTED, DagsterRunStatus.CANCELING]
    runs = instance.get_runs(filters=RunsFilter(statuses=running))
    dead = [run for run in runs if _is_dead(run)]
    for run in dead:
        instance.report_run_failed(run, "The process of this run is gone: it was killed, or the machine was.")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    return [run.run_id for run in dead]


def _is_dead(run: DagsterRun) -> bool:
    if run.parent_run_id is not None:  # executed again in the UI, by Dagster: it has its tags from a run that a command did
        return False
    host, _, rest = run.tags.get(PROCESS_TAG, "").partition(":")
    pid, _, started = rest.partition(":")
    if host != socket.gethostname() or not pid.isdecimal():
        return False
    try:
        return str(int(psutil.Process(int(pid)).create_time())) != started
    except psutil.NoSuchProcess:
        return True


def _write(folder: Path, *, logs_bucket: str) -> None:
    """Writes the project's set-up with the paths of this folder, where it is another one than before."""
    source = PROJECT_FOLDER / _FILE
    try:
        set_up: dict[str, Any] = yaml.safe_load(source.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        remedy = "Run the command from a checkout of the project, or set DAGSTER_HOME to a folder with a dagster.yaml"
        raise ConfigurationError("Dagster's set-up is not there", where=str(source), remedy=remedy) from error
    set_up["compute_logs"]["config"] |= {"bucket": logs_bucket, "local_dir": str(folder / "compute-logs")}
    set_up["storage"] = {"custom": {**_LOCAL_STORAGE, "config": {"base_dir": str(folder)}}}
    text = f"# Made from {source}: change it there.\n{yaml.safe_dump(set_up, sort_keys=False)}"
    path = folder / _FILE
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def _has_server_storage(path: Path) -> bool:
    """Whether a set-up of Dagster keeps its storage in a database server, and not in this folder."""
    if not path.exists():
        return False
    storage = (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("storage", {})
    return bool(storage) and "sqlite" not in storage and storage.get("custom", {}).get("class") != _LOCAL_STORAGE["class"]


def _migrate(folder: Path) -> None:
    """Makes the storage, once a version of Dagster."""
    import dagster

    done = folder / ".storage-version"
    if done.exists() and done.read_text(encoding="utf-8") == dagster.__version__:
        return
    with redirect_stdout(io.StringIO()), dagster.DagsterInstance.from_config(str(folder)) as instance:
        instance.upgrade()
    done.write_text(dagster.__version__, encoding="utf-8")
