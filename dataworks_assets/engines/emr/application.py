"""One application on EMR, polled and cancelled: a step on its own cluster, or on a shared one."""

from __future__ import annotations

import gzip
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from dataworks_assets.engines.base import Application, Outcome
from dataworks_assets.engines.emr.calls import CLUSTER_ENDED, CLUSTER_ENDING, STEP_ENDED, EmrCalls
from dataworks_assets.engines.emr.endings import outcome_of
from dataworks_assets.engines.emr.intents import Intent
from dataworks_assets.engines.emr.polling import Poller, Watch
from spark.errors import EngineError, StoreError
from spark.store import ObjectStore

_GRACE_SECONDS = 10.0
_KILL_SECONDS = 30.0
_LOOK_SECONDS = 1.0
_LOG_LOOK_SECONDS = 0.5
_DRIVER_LOG, _SPARK_LOG = "stdout.gz", "stderr.gz"
"""Spark writes all that a Python driver writes to its own standard output."""


@dataclass(frozen=True)
class Surroundings:
    """What an application needs from its engine.

    Args:
        calls: EMR's API.
        poller: shared by the applications of this process.
        logs: the store that holds the logs.
        log_uri: the prefix of the logs.
        log_wait_seconds: how long to wait for the log of a failed application.
        rival: finds the other application that claimed the job, after a start whose response was lost.
        conclude: called once nothing of the application runs any more.
        sleep: pauses.
        clock: seconds from any start, never going back.
    """

    calls: EmrCalls
    poller: Poller
    logs: ObjectStore
    log_uri: str
    log_wait_seconds: float
    rival: Callable[[Intent], Intent | None]
    conclude: Callable[[Intent], None]
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic


class EmrApplication(Application):
    """An application on EMR; see the module."""

    def __init__(self, intent: Intent, around: Surroundings) -> None:
        self._around = around
        self._has_ended = self._is_expected = False
        self._follow(intent)

    def poll(self) -> Outcome | None:
        """See `Application.poll`.

        Raises:
            EngineError: AWS denies this process access.
        """
        self._around.poller.look()
        watch = self._watch
        if watch.error is not None:
            raise watch.error
        if not watch.is_settled or watch.cluster is None or watch.step is None:
            return None
        outcome = outcome_of(watch.cluster, watch.step)
        if not outcome.succeeded and (rival := self._around.rival(self._intent)) is not None:
            self._around.poller.remove(watch)
            self._follow(rival)
            return None
        return outcome

    def expect_end(self) -> None:
        """See `Application.expect_end`."""
        if not self._is_expected:
            self._is_expected = True
            self._around.poller.hasten(self._watch)

    def cancel(self) -> None:
        """Cancels the step, and ends the cluster if it is its own; returns once the step has ended, or after half a minute.

        Raises:
            EngineError: AWS refuses it; the cluster may go on until it is idle.
        """
        if self._intent.owns_cluster:
            self._end_cluster()
        elif not self._watch.has_step_ended:
            self._end_step()
        self._has_ended = True

    def log_tail(self, lines: int) -> str:
        """Returns the last lines of the step's logs, Spark's own, then the driver's; waits for EMR to copy them."""
        if self._watch.step is None or self._watch.step.state == "PENDING":
            return ""
        deadline_seconds = self._around.clock() + self._around.log_wait_seconds
        while (of_driver := self._read_log(_DRIVER_LOG)) is None and self._around.clock() < deadline_seconds:
            self._around.sleep(_LOG_LOOK_SECONDS)
        of_spark = self._read_log(_SPARK_LOG) or []
        return "\n".join([*of_spark[-lines // 4 :], *(of_driver or [])[-lines:]])

    def close(self) -> None:
        """Stops polling; the intent stays if the end is not certain, so that a later try takes care of it."""
        self._around.poller.remove(self._watch)
        if self._has_ended:
            self._around.conclude(self._intent)

    def _read_log(self, name: str) -> list[str] | None:
        """Returns the lines of one of the step's logs; None while it does not exist."""
        with suppress(StoreError, OSError, EOFError, zlib.error):
            body = self._around.logs.read(f"{self._folder_uri}/{name}")
            return gzip.decompress(body).decode(errors="replace").splitlines()
        return None

    def _follow(self, intent: Intent) -> None:
        self._intent = intent
        self.cluster_id = intent.cluster_id
        self._watch = Watch(intent.cluster_id, intent.step_id)
        self._folder_uri = f"{self._around.log_uri}/{intent.cluster_id}/steps/{intent.step_id}"
        self.log_address = f"{self._folder_uri}/{_DRIVER_LOG}"
        self._around.poller.add(self._watch)

    def _end_cluster(self) -> None:
        if self._watch.cluster is not None and self._watch.cluster.state in CLUSTER_ENDED:
            return
        self._around.calls.terminate([self._intent.cluster_id])
        if not self._watch.has_step_ended:
            self._wait_for_end(_KILL_SECONDS)

    def _end_step(self) -> None:
        calls, intent = self._around.calls, self._intent
        for kill, seconds in ((False, _GRACE_SECONDS), (True, _KILL_SECONDS)):
            calls.cancel_step(intent.cluster_id, intent.step_id, kill=kill)
            if self._wait_for_end(seconds):
                return
        raise EngineError(
            f"step {intent.step_id} does not end",
            where=intent.cluster_id,
            remedy=f"End the cluster: `dataworks clusters stop {intent.cluster_id}`",
        )

    def _wait_for_end(self, seconds: float) -> bool:
        """Waits until the step has ended, or its cluster is ending and takes it along."""
        deadline_seconds = self._around.clock() + seconds
        while True:
            step = self._around.calls.describe_step(self._intent.cluster_id, self._intent.step_id)
            if step.state in STEP_ENDED:
                return True
            if self._around.calls.describe_cluster(self._intent.cluster_id).state in CLUSTER_ENDING:
                return True
            if self._around.clock() > deadline_seconds:
                return False
            self._around.sleep(_LOOK_SECONDS)
