"""Polls clusters and steps for all applications together, so that a hundred runs make no more AWS calls than one.

At most one DescribeCluster and one DescribeStep in `gap_seconds`, whoever asks, taking turns with the machine's other
processes (`engines.emr.turns`); each call is for the application that has waited longest. An application is polled often
when it is young or says that it has ended, and ever more rarely in between. When AWS throttles, the gap doubles until it no
longer does. There is no polling thread: applications call `look`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from dataworks_assets.engines.emr.calls import (
    CLUSTER_ENDED,
    CLUSTER_ENDING,
    CLUSTER_READY,
    STEP_ENDED,
    ClusterView,
    EmrCalls,
    StepView,
    ThrottledError,
)
from dataworks_assets.engines.emr.turns import OwnTurns, Turns
from spark.errors import EngineError

_CLUSTER, _STEP = "DescribeCluster", "DescribeStep"
_AGE_SHARE = 0.05
"""The time between two polls of an application, as a share of the time since its last known change."""
_LONGEST_INTERVAL_SECONDS = 60.0
_SOON_SECONDS = 5.0
_GAP_SECONDS = 1.1
_LONGEST_GAP_SECONDS = 60.0


@dataclass(eq=False)
class Watch:
    """What is known of one application's cluster and step.

    Args:
        cluster_id: its cluster.
        step_id: its step.
    """

    cluster_id: str
    step_id: str
    cluster: ClusterView | None = None
    step: StepView | None = None
    error: EngineError | None = None
    due_seconds: float = float("-inf")
    moved_seconds: float | None = None
    asked_cluster_last: bool = False

    @property
    def has_step_ended(self) -> bool:
        """Whether the step was seen to have ended, whichever way."""
        return self.step is not None and self.step.state in STEP_ENDED

    @property
    def wants_cluster(self) -> bool:
        """Whether to poll the cluster next: until it is ready, after the step has ended, and alternately while it ends."""
        if self.cluster is None or self.has_step_ended:
            return True
        if self.cluster.state in CLUSTER_ENDING:
            return not self.asked_cluster_last
        return self.cluster.state not in CLUSTER_READY

    @property
    def is_settled(self) -> bool:
        """Whether nothing that matters can change any more; for a failed step, the reason why its cluster ends matters."""
        if self.step is None or self.cluster is None:
            return False
        if self.step.state == "COMPLETED":
            return True
        if self.has_step_ended:
            return self.asked_cluster_last or self.cluster.state in CLUSTER_ENDING
        return self.cluster.state in CLUSTER_ENDED


@dataclass
class Poller:
    """Polls for all applications of one process in one region.

    Args:
        calls: EMR's API.
        interval_seconds: least time between two polls of one application.
        clock: monotonic seconds.
        gap_seconds: least time between two calls of one kind.
        turns: shared with the pollers of other processes; if None, this poller's own.
    """

    calls: EmrCalls
    interval_seconds: float = 15.0
    clock: Callable[[], float] = time.monotonic
    gap_seconds: float = _GAP_SECONDS
    turns: Turns | None = None
    _watches: list[Watch] = field(default_factory=list)
    _turn_seconds: dict[str, float] = field(default_factory=dict)
    _looked_seconds: dict[str, float] = field(default_factory=dict)
    _current_gap_seconds: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, watch: Watch) -> None:
        """Begins to poll an application."""
        with self._lock:
            self._watches.append(watch)

    def remove(self, watch: Watch) -> None:
        """Stops polling it."""
        with self._lock:
            if watch in self._watches:
                self._watches.remove(watch)

    def __post_init__(self) -> None:
        self.turns = self.turns or OwnTurns(self.clock)

    def hasten(self, watch: Watch) -> None:
        """Polls an application soon, and often for a while: its job said that it has ended, and EMR will know in seconds."""
        watch.moved_seconds = self.clock()
        watch.due_seconds = min(watch.due_seconds, watch.moved_seconds + min(self.interval_seconds, _SOON_SECONDS))

    def look(self) -> None:
        """Makes the calls that are due now, at most one of each kind; returns at once if another thread is doing so."""
        if not self._lock.acquire(blocking=False):
            return
        try:
            for kind in (_CLUSTER, _STEP):
                self._look(kind)
        finally:
            self._lock.release()

    def _look(self, kind: str) -> None:
        now = self.clock()
        before, self._looked_seconds[kind] = self._looked_seconds.get(kind, now), now
        waiting = [
            watch
            for watch in self._watches
            if watch.due_seconds <= now
            and watch.wants_cluster is (kind == _CLUSTER)
            and not watch.is_settled
            and watch.error is None
        ]
        if not waiting or not self._has_turn(kind, looked_before_seconds=before):
            return
        watch = min(waiting, key=lambda each: each.due_seconds)
        try:
            self._ask(watch, is_cluster=kind == _CLUSTER)
        except EngineError as error:
            if isinstance(error, ThrottledError):
                self._current_gap_seconds = min(2 * self._gap_seconds, _LONGEST_GAP_SECONDS)
            elif not error.transient:
                watch.error = error
            watch.due_seconds = now + self.interval_seconds
        else:
            self._current_gap_seconds /= 2

    @property
    def _gap_seconds(self) -> float:
        return max(self.gap_seconds, self._current_gap_seconds)

    def _has_turn(self, kind: str, *, looked_before_seconds: float) -> bool:
        """Whether the next call of a kind may be made now; takes a turn if none is held, or the held one was missed.

        A turn counts as missed only if an earlier `look` could have used it, not because calls to `look` are far apart: a
        process that looks seldom would otherwise stay at the end of the queue for ever.
        """
        turn = self._turn_seconds.get(kind)
        if turn is None or looked_before_seconds >= turn:
            assert self.turns is not None  # noqa: S101 - made with the poller
            turn = self._turn_seconds[kind] = self.turns.take(kind, self._gap_seconds)
        if turn > self.clock():  # and not the look's begin: a turn that is taken at once lies a moment after it
            return False
        del self._turn_seconds[kind]
        return True

    def _ask(self, watch: Watch, *, is_cluster: bool) -> None:
        """Polls one application; if that leads to a further question, the next poll is due at once."""
        now = self.clock()
        before = (watch.cluster, watch.step)
        if is_cluster:
            watch.cluster = self.calls.describe_cluster(watch.cluster_id, attempts=1)
            moves = watch.cluster.state in CLUSTER_READY | CLUSTER_ENDING
        else:
            watch.step = self.calls.describe_step(watch.cluster_id, watch.step_id, attempts=1)
            moves = watch.has_step_ended
        if watch.moved_seconds is None or (watch.cluster, watch.step) != before:
            watch.moved_seconds = now
        watch.asked_cluster_last = is_cluster
        watch.due_seconds = now if moves else now + self._interval_seconds(now - watch.moved_seconds)

    def _interval_seconds(self, unmoved_seconds: float) -> float:
        longest = max(self.interval_seconds, _LONGEST_INTERVAL_SECONDS)
        return min(max(self.interval_seconds, _AGE_SHARE * unmoved_seconds), longest)
