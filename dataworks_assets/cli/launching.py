"""Submitting a run to a running Dagster over its GraphQL API."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from spark.errors import StackError

if TYPE_CHECKING:
    from dataworks_assets.cli.runs import RunRequest

LOCATION = "dataworks"
_ASSET_JOB = "__ASSET_JOB"


def launch(url: str, request: RunRequest) -> str:
    """Submits a run and returns its id; the daemon carries it out, with its retries.

    Raises:
        StackError: nothing answers at the address, or the run was refused.
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
