"""A launcher whose runs are missed when their code server dies.

Dagster's own launches a run as a process of the code server, which reports a process that died. It cannot tell when the server
itself is gone, with all its runs: they stay "started" until their longest time is over, and hold their places in the queue.
"""

from __future__ import annotations

from dagster import DagsterRun
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.launcher import CheckRunHealthResult, DefaultRunLauncher, WorkerStatus
from dagster._grpc.types import CanCancelExecutionRequest, CanCancelExecutionResult
from dagster._serdes import deserialize_value


class WatchedRunLauncher(DefaultRunLauncher):
    """Launches runs on the code server, and asks it at every look of the run monitoring whether it still has them.

    A server that does not answer may be busy or about to come back: nothing is concluded from that. One that answers and does
    not know the run was started after it: the run's process is gone, or nobody watches it any more. Its leases then keep a
    process that is left from publishing beside the retry.
    """

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Always: that is what this launcher is for."""
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
