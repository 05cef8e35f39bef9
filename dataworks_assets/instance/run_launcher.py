"""A run launcher that notices when the code server dies together with its runs.

Dagster's own launches a run as a process of the code server, which reports a process that died. It does not notice when the
server itself is gone with all its runs: they stay "started" until their time limit, and keep their places in the queue.
"""

from __future__ import annotations

from dagster import DagsterRun
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.launcher import CheckRunHealthResult, DefaultRunLauncher, WorkerStatus
from dagster._grpc.types import CanCancelExecutionRequest, CanCancelExecutionResult
from dagster._serdes import deserialize_value


class WatchedRunLauncher(DefaultRunLauncher):
    """Launches runs on the code server, and at every check of Dagster's run monitoring asks it whether it still has them.

    A server that does not answer may be busy or about to come back: nothing is concluded from that. A server that answers
    but does not know the run was started after it: the run's process is gone, or nobody watches it any more. Leases then
    keep a left-over process from publishing beside the retry.
    """

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Always true: that is what this launcher is for."""
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Returns whether the code server has the run's process."""
        client = self._get_grpc_client_for_termination(run.run_id)  # type: ignore[no-untyped-call]
        if client is None:
            return CheckRunHealthResult(WorkerStatus.NOT_FOUND, "the run was never given to a code server")
        try:
            answer = client.can_cancel_execution(CanCancelExecutionRequest(run_id=run.run_id), timeout=10)
        except DagsterUserCodeUnreachableError:
            return CheckRunHealthResult(WorkerStatus.RUNNING, "the code server does not answer just now", transient=True)
        if deserialize_value(answer, CanCancelExecutionResult).can_cancel:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.NOT_FOUND, "the code server was started anew and does not have this run")
