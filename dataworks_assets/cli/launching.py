"""Handing a run to the Dagster that `dataworks dev` or `dataworks demo` has running, over its GraphQL address."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

import psutil
from pydantic import BaseModel

from spark.errors import DataworksError, StackError

if TYPE_CHECKING:
    from dataworks_assets.cli.runs import RunRequest

LOCATION = "dataworks"
_FILE = "webserver.json"
_ASSET_JOB = "__ASSET_JOB"
_CLOCK_TOLERANCE_SECONDS = 2.0


class Webserver(BaseModel, frozen=True):
    """A running `dagster dev`: its address, its process, and when that began (seconds since 1970; None: not known)."""

    url: str
    pid: int
    started: float | None = None


def remember(folder: Path, webserver: Webserver) -> None:
    """Keeps where Dagster's UI is, for later commands."""
    with suppress(psutil.NoSuchProcess):
        webserver = webserver.model_copy(update={"started": psutil.Process(webserver.pid).create_time()})
    (folder / _FILE).write_text(webserver.model_dump_json(), encoding="utf-8")


def forget(folder: Path) -> None:
    """Forgets it."""
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


def launch(url: str, request: RunRequest) -> str:
    """Submits a run and returns its id; the daemon carries it out, with its retries.

    Raises:
        StackError: nobody answers at the address, or the run was refused.
    """
    from dagster_graphql import DagsterGraphQLClient, DagsterGraphQLClientError

    address = _address(url)
    try:
        client = DagsterGraphQLClient(
            address.hostname or "", port_number=address.port, use_https=address.scheme == "https", path_prefix=address.path
        )
        return client.submit_job_execution(
            _ASSET_JOB,
            repository_location_name=LOCATION,
            repository_name="__repository__",
            run_config=request.configuration,
            tags={**request.tags, "dataworks/launched_by": "backfill"},
            asset_selection=request.asset_keys,
        )
    except DagsterGraphQLClientError as error:
        raise StackError(
            f"Dagster did not take the run: {_why(error)}",
            where=url,
            remedy="Start it with `dataworks dev`, or leave --launch out and the run is carried out here",
        ) from error


def _address(url: str) -> SplitResult:
    """Returns the parts of an address.

    Raises:
        StackError: it is none.
    """
    try:
        address = urlsplit(url)
        is_one = address.scheme in {"http", "https"} and bool(address.hostname) and address.port != 0
    except ValueError:
        is_one = False
    if not is_one:
        raise StackError(f"{url!r} is no address of Dagster's UI", where="--url", remedy="Write it as http://127.0.0.1:3000")
    return address


def _why(error: Exception) -> str:
    """Returns what the client says, and why, without the query that it repeats."""
    said = [str(each).strip().partition("\n")[0].strip() for each in (error, error.__cause__) if each is not None]
    return ": ".join(filter(None, said))


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
