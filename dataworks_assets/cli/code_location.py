"""The code location that a command's own run belongs to, which the UI needs in order to show or repeat the run.

Dagster records this for runs that it launches itself. A run without it is missing from the Overview's timeline, and cannot
be re-executed from its page.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dagster import DagsterInstance, EventLogEntry
    from dagster._core.remote_origin import RemoteJobOrigin

LOCATION = "dataworks"
"""As both files `workspace.yaml` name it."""
REPOSITORY = "__repository__"
"""Dagster's own name of what a module defines."""
REPOSITORY_TAG = {".dagster/repository": f"{REPOSITORY}@{LOCATION}"}
"""By which Dagster finds the runs of a code location."""
_MODULE = "dataworks_assets.definitions"


def belongs_here(instance: DagsterInstance, run_id: str) -> Callable[[EventLogEntry], None]:
    """Returns a listener to a run's events that notes its code location as soon as the run begins."""
    from dagster import DagsterEventType

    def listen(entry: EventLogEntry) -> None:
        if entry.dagster_event_type is DagsterEventType.RUN_START:
            run = instance.get_run_by_id(run_id)
            if run is not None:
                instance.run_storage.replace_job_origin(run, _origin(run.job_name))

    return listen


def _origin(job_name: str) -> RemoteJobOrigin:
    from dagster._core.remote_origin import ManagedGrpcPythonEnvCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin
    from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

    target = LoadableTargetOrigin(executable_path=sys.executable, module_name=_MODULE)
    location = ManagedGrpcPythonEnvCodeLocationOrigin(loadable_target_origin=target, location_name=LOCATION)
    return RemoteJobOrigin(RemoteRepositoryOrigin(location, REPOSITORY), job_name)
