"""Resuming applications that outlived the run which submitted them, before anything is planned anew."""

from __future__ import annotations

import logging
from typing import Protocol

from dataworks_assets.engines.base import JobError
from dataworks_assets.engines.submission import Submission
from dataworks_assets.systems.leasing import held_leases
from dataworks_assets.systems.platform import Platform
from dataworks_assets.systems.scope import Scope
from spark.publish.lease import Lease


class Attend(Protocol):
    """Runs a submission, or resumes attending one, and reports its results."""

    def __call__(self, submission: Submission, *, is_new: bool) -> None:
        """Returns when the application has succeeded; raises `JobError` when it has failed."""


def go_on(platform: Platform, scope: Scope, family: str, *, attend: Attend, log: logging.Logger) -> None:
    """Attends the unfinished applications of earlier tries of a run until they end; their days stay leased meanwhile.

    Args:
        platform: the deployment's clients.
        scope: the system's collections.
        family: id shared by the tries.
        attend: attends one application.
        log: the run's log.

    Raises:
        DataworksError: unfinished applications cannot be found out about, or resumed.
    """
    for submission in platform.engine.unfinished(family, store=platform.store_settings, control_uri=scope.control_uri):
        parameters = submission.parameters
        log.info("application %s of an earlier try is gone on with", submission.run_id)
        with held_leases(platform, scope.control_uri, owner=parameters.lease_owner) as keeper:
            leases = keeper.adopt_many([(work.lease_uri, work.epoch) for work in parameters.partitions])
            try:
                attend(submission, is_new=False)
            except JobError as error:
                log.warning("it did not end well; what is missing is planned anew: %s", error)
            finally:
                keeper.release_many([lease for lease in leases.values() if isinstance(lease, Lease)])
