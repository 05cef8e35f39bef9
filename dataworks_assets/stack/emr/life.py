"""The life cycle of a cluster of the emulated EMR: its transitions between AWS' states as time passes and work ends."""

from __future__ import annotations

from dataclasses import dataclass

from dataworks_assets.stack.emr.records import CLUSTER_ENDED, CLUSTER_ENDING, CLUSTER_READY, Cluster, Document, Nodes, Step

_TERMINATES = frozenset({"TERMINATE_CLUSTER", "TERMINATE_JOB_FLOW"})


@dataclass(frozen=True)
class Delays:
    """How long clusters stay in states that take minutes on AWS, in seconds."""

    starting: float = 1.0
    bootstrapping: float = 0.0
    pending: float = 0.0
    """How long a step waits for its start on a cluster that is ready."""
    terminating: float = 1.0


@dataclass(frozen=True)
class Lives:
    """Moves clusters on.

    Args:
        nodes: where their work is done.
        delays: how long states last.
    """

    nodes: Nodes
    delays: Delays = Delays()

    def advance(self, cluster: Cluster, now: float) -> None:
        """Advances a cluster to its current state."""
        while self._move(cluster, now):
            pass

    def end(self, cluster: Cluster, now: float, *, code: str, message: str, with_errors: bool = False) -> None:
        """Begins to terminate a cluster: what runs on it is killed, what waits is cancelled."""
        if cluster.state in CLUSTER_ENDING:
            return
        for step in cluster.active_steps():
            if step.work is not None:
                step.work.kill()
            self._close(cluster, step, now, "CANCELLED", {"Code": "NONE", "Message": "Job terminated"})
        if cluster.bootstrap is not None:
            cluster.bootstrap.kill()
        cluster.ends_with_errors = with_errors
        self._enter(cluster, now, "TERMINATING", {"Code": code, "Message": message})

    def cancel(self, cluster: Cluster, step: Step, now: float, *, kill: bool) -> str:
        """Cancels a step and returns why it cannot be, empty where it can."""
        if step.state == "PENDING":
            self._close(cluster, step, now, "CANCELLED", {"Code": "NONE", "Message": "Cancelled by user"})
            return ""
        if step.state not in {"RUNNING", "CANCEL_PENDING"} or step.work is None:
            return f"The step {step.id} is {step.state} and cannot be cancelled."
        step.is_cancelled = True
        step.state = "CANCEL_PENDING"
        if kill:
            step.work.kill()
        else:
            step.work.interrupt()
        return ""

    def _move(self, cluster: Cluster, now: float) -> bool:
        """Makes one transition; False if there is none to make."""
        since = now - cluster.changed
        if cluster.state == "STARTING" and since >= self.delays.starting:
            try:
                cluster.bootstrap = self.nodes.bootstrap(cluster)
            except LookupError as error:
                self.end(cluster, now, code="VALIDATION_ERROR", message=str(error.args[0]), with_errors=True)
                return True
            return self._enter(cluster, now, "BOOTSTRAPPING")
        if cluster.state == "BOOTSTRAPPING" and since >= self.delays.bootstrapping:
            return self._leave_bootstrapping(cluster, now)
        if cluster.state in CLUSTER_READY:
            return self._work(cluster, now)
        if cluster.state == "TERMINATING" and since >= self.delays.terminating:
            cluster.ended = now
            self.nodes.free(cluster)
            return self._enter(cluster, now, "TERMINATED_WITH_ERRORS" if cluster.ends_with_errors else "TERMINATED")
        return False

    def _leave_bootstrapping(self, cluster: Cluster, now: float) -> bool:
        code = cluster.bootstrap.poll() if cluster.bootstrap is not None else 0
        if code is None:
            return False
        if code == 0:
            cluster.ready = cluster.idle_since = now
            return self._enter(cluster, now, "RUNNING" if cluster.active_steps() else "WAITING")
        message = f"On the master instance (i-{cluster.id[2:]}), bootstrap action 1 returned a non-zero return code"
        self.end(cluster, now, code="BOOTSTRAP_FAILURE", message=message, with_errors=True)
        return True

    def _work(self, cluster: Cluster, now: float) -> bool:
        moved = self._reap(cluster, now)
        if cluster.state in CLUSTER_READY:
            moved = self._start_steps(cluster, now) or moved
            moved = self._rest(cluster, now) or moved
        return moved

    def _reap(self, cluster: Cluster, now: float) -> bool:
        """Closes the steps whose work has ended."""
        moved = False
        for step in cluster.active_steps():
            code = step.work.poll() if step.work is not None else None
            if code is None or cluster.state not in CLUSTER_READY:
                continue
            moved = True
            if step.is_cancelled:
                self._close(cluster, step, now, "CANCELLED", {"Code": "NONE", "Message": "Cancelled by user"})
            elif code == 0:
                self._close(cluster, step, now, "COMPLETED", {})
            else:
                self._fail(cluster, step, now)
        return moved

    def _fail(self, cluster: Cluster, step: Step, now: float) -> None:
        log = f"{cluster.log_uri}/{cluster.id}/steps/{step.id}/stderr.gz" if cluster.log_uri else ""
        step.failure = {"Reason": "Unknown Error.", "LogFile": log}
        self._close(cluster, step, now, "FAILED", {})
        if step.action_on_failure in _TERMINATES:
            self.end(cluster, now, code="STEP_FAILURE", message="Shut down as step failed", with_errors=True)
        elif step.action_on_failure == "CANCEL_AND_WAIT":
            for waiting in cluster.active_steps():
                self._close(cluster, waiting, now, "CANCELLED", {"Code": "NONE", "Message": "A step before it failed"})

    def _start_steps(self, cluster: Cluster, now: float) -> bool:
        """Starts waiting steps, in order, as far as the concurrency allows."""
        active = cluster.active_steps()
        free = cluster.concurrency - sum(step.state != "PENDING" for step in active)
        since = max(cluster.ready or 0.0, 0.0) + self.delays.pending
        ready = [step for step in active if step.state == "PENDING" and now >= max(since, step.created + self.delays.pending)]
        for step in ready[: max(free, 0)]:
            step.work = self.nodes.start(cluster, step)
            step.state, step.started = "RUNNING", now
        return bool(ready[: max(free, 0)])

    def _rest(self, cluster: Cluster, now: float) -> bool:
        """Sets whether the cluster works or waits, and ends it if it has nothing more to do."""
        if cluster.active_steps():
            cluster.idle_since = None
            return cluster.state != "RUNNING" and self._enter(cluster, now, "RUNNING")
        if cluster.idle_since is None:
            cluster.idle_since = now
        if not cluster.keeps_alive:
            self.end(cluster, now, code="ALL_STEPS_COMPLETED", message="Steps completed")
            return True
        if cluster.idle_seconds is not None and now - cluster.idle_since >= cluster.idle_seconds:
            self.end(cluster, now, code="ALL_STEPS_COMPLETED", message="Auto-terminated after having been idle")
            return True
        return cluster.state != "WAITING" and self._enter(
            cluster, now, "WAITING", {"Message": "Cluster ready after last step completed."}
        )

    def _close(self, cluster: Cluster, step: Step, now: float, state: str, reason: Document) -> None:
        step.state, step.ended, step.reason = state, now, reason
        if step.started is not None:
            self.nodes.keep_logs(cluster, step)

    @staticmethod
    def _enter(cluster: Cluster, now: float, state: str, reason: Document | None = None) -> bool:
        if reason is not None or state not in CLUSTER_ENDED:
            cluster.reason = reason or {}
        cluster.state, cluster.changed = state, now
        return True
