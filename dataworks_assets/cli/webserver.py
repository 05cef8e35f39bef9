"""Remembers and finds the UI of the `dataworks dev` or `dataworks demo` that runs on this machine's Dagster folder."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import psutil
from pydantic import BaseModel

from spark.errors import DataworksError, StackError

_FILE = "webserver.json"
_CLOCK_TOLERANCE_SECONDS = 2.0


class Webserver(BaseModel, frozen=True):
    """A running `dagster dev`: its address, its process, and when that began (seconds since 1970; None: not known)."""

    url: str
    pid: int
    started: float | None = None


def remember(folder: Path, webserver: Webserver) -> None:
    """Stores the address of Dagster's UI, for later commands."""
    with suppress(psutil.NoSuchProcess):
        webserver = webserver.model_copy(update={"started": psutil.Process(webserver.pid).create_time()})
    (folder / _FILE).write_text(webserver.model_dump_json(), encoding="utf-8")


def forget(folder: Path) -> None:
    """Deletes the stored address."""
    (folder / _FILE).unlink(missing_ok=True)


def find_webserver(folder: Path) -> Webserver | None:
    """Returns the `dagster dev` that was started on this folder and still runs.

    A process of another beginning is another one: its number was given anew, as after a restart of the machine.
    """
    path = folder / _FILE
    if not path.exists():
        return None
    found = Webserver.model_validate_json(path.read_text(encoding="utf-8"))
    try:
        began = psutil.Process(found.pid).create_time()
    except psutil.NoSuchProcess:
        return None
    return found if found.started is None or abs(began - found.started) < _CLOCK_TOLERANCE_SECONDS else None


def webserver_url(folder: Path, named: str | None) -> str:
    """Returns the address that was named, else that of the running `dagster dev`.

    Raises:
        StackError: none is running.
    """
    if named:
        return named.rstrip("/")
    found = find_webserver(folder)
    if found is None:
        raise _not_running(folder)
    return found.url


def _not_running(folder: Path) -> DataworksError:
    return StackError(
        "no Dagster of `dataworks dev` or `dataworks demo` is running",
        where=str(folder),
        remedy="Start one, or name an address with --url; without --launch the run is carried out here",
    )
