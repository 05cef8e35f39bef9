"""What the behaviour suite has engines carry out: the sample job, whose behaviour can be chosen, and a system's own job.

A system's job runs as its assets' step runs it, planned and leased, over input of its own on the session's stack.
"""

from __future__ import annotations

import itertools
import os
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Protocol

from dataworks_assets.config.environment import Environment
from dataworks_assets.config.loader import load_settings
from dataworks_assets.config.settings import Settings
from dataworks_assets.engines.base import Engine
from dataworks_assets.engines.channel import Channel
from dataworks_assets.engines.properties import PROJECT_FOLDER
from dataworks_assets.engines.submission import Submission
from dataworks_assets.stack.state import StackState
from dataworks_assets.systems.attending import Failed
from dataworks_assets.systems.platform import Platform
from dataworks_assets_tests.engines.sample_job import TASKS, partition
from dataworks_assets_tests.spark.jobs.thread_cluster import ThreadCluster
from dataworks_assets_tests.systems.adg.whole_path import Events
from dataworks_assets_tests.systems.kickstart.on_stack import Delivery, Shown
from spark.contract import JobResult, PartitionState
from spark.jobs import kickstart
from spark.jobs.progress import Message, Reporter

Rows = dict[tuple[str, str], int]
"""By collection and day, how many rows were published."""
Watch = Callable[[Message], None]
Begin = Callable[[Engine, Callable[[Submission, Message], None]], object]
"""Has work begun by an engine; what the watcher raises at a message goes through."""

_numbers = itertools.count(1)


@dataclass
class Carried:
    """What became of one submission, as far as it came. `rows` and `read_bytes` are what has to come of it."""

    rows: Rows
    files: int
    read_bytes: int
    submission: Submission | None = None
    result: JobResult | None = None
    messages: list[Message] = field(default_factory=list)
    failures: tuple[Failed, ...] = ()


class Work(Protocol):
    """A job that an engine does."""

    def done(self, engine: Engine, watch: Watch) -> Carried:
        """Has it done, over good input."""

    def begin(self, engine: Engine, watch: Callable[[Submission, Message], None]) -> None:
        """Has one begun that is still at work when the first message is there; what `watch` raises goes through."""


def marked(submission: Submission, environment: Mapping[str, str]) -> Submission:
    """Returns the submission with what its processes can be found by, and with what they need."""
    own = {"AWS_EXECUTION_ENV": submission.run_id, "PYTHONPATH": str(PROJECT_FOLDER)}
    return replace(submission, environment={**environment, **own})


def rows_of(result: JobResult) -> Rows:
    """Returns what a result says is published."""
    published = [each for each in result.partitions if each.state is PartitionState.PUBLISHED]
    return {(each.collection, each.export_date): each.rows for each in published}


@dataclass(frozen=True)
class SampleWork:
    """The sample job. `submission` makes one of a behaviour."""

    submission: Callable[..., Submission]

    def done(self, engine: Engine, watch: Watch) -> Carried:
        """See `Work.done`."""
        expected = [partition(number * number) for number in range(TASKS)]
        carried = Carried({(each.collection, each.export_date): each.rows for each in expected}, TASKS, TASKS * 10)
        carried.submission = self.submission("done")

        def both(message: Message) -> None:
            carried.messages.append(message)
            watch(message)

        carried.result = engine.run(carried.submission, on_message=both)
        return carried

    def begin(self, engine: Engine, watch: Callable[[Submission, Message], None]) -> None:
        """See `Work.begin`."""
        submission = self.submission("sleeps")
        engine.run(submission, on_message=lambda message: watch(submission, message))


@dataclass
class WatchedEngine(Engine):
    """An engine whose submission can be found by its run, and whose messages are seen before the run's step sees them."""

    engine: Engine
    environment: Mapping[str, str]
    watch: Callable[[Submission, Message], None]
    submission: Submission | None = None
    result: JobResult | None = None

    def submit(self, submission, arguments, emit):
        raise AssertionError("never called: `run` is all of it")

    def log_address(self, submission: Submission) -> str:
        return self.engine.log_address(submission)

    def run(self, submission: Submission, *, on_message: Watch, channel: Channel | None = None) -> JobResult:
        self.submission = submission = marked(submission, self.environment)

        def both(message: Message) -> None:
            self.watch(submission, message)
            on_message(message)

        self.result = self.engine.run(submission, on_message=both, channel=channel)
        return self.result


@dataclass
class ThreadedKickstart(Engine):
    """Runs Kickstart's driver in this thread and its tasks in others, over the real services: what nothing disturbs."""

    def submit(self, submission, arguments, emit):
        raise AssertionError("never called: `run` is all of it")

    def run(self, submission, *, on_message, channel=None):
        del channel
        return kickstart.run(submission.parameters, ThreadCluster(2), Reporter(on_message))


@dataclass
class KickstartWork:
    """Kickstart's job over days whose schema changes, in tables of its own each time.

    Args:
        stack: where the partner, the tables and all services are.
    """

    stack: StackState

    @cached_property
    def _settings(self) -> Settings:
        return load_settings("local", environment=Environment(home=self.stack.home)).resolved(self.stack)

    def deliver(self) -> Delivery:
        """Has the partner deliver its days anew."""
        delivery = Delivery.open(self._settings, f"engines_{uuid.uuid4().hex[:8]}")
        delivery.write()
        return delivery

    @cached_property
    def undisturbed(self) -> Shown:
        """What readers find after a run that nothing disturbs."""
        delivery = self.deliver()
        carried = self.run(ThreadedKickstart(), delivery)
        assert carried.failures == ()
        return delivery.shown()

    def run(
        self, engine: Engine, delivery: Delivery, watch: Callable[[Submission, Message], None] = lambda *_: None
    ) -> Carried:
        """Runs a delivery's days as the assets' step does."""
        carried = Carried(delivery.expected, len(delivery.files), sum(file.size_bytes for file in delivery.files))

        def both(submission: Submission, message: Message) -> None:
            carried.messages.append(message)
            watch(submission, message)

        watched = WatchedEngine(engine, self.stack.environment(), both)
        platform = Platform(delivery.platform.settings)
        platform.engine = watched
        execution = replace(delivery, platform=platform).execution(Events(f"run-{os.getpid()}-{next(_numbers)}"))
        execution.run(delivery.request)
        carried.submission, carried.result = watched.submission, watched.result
        carried.failures = tuple(execution.failures)
        return carried

    def done(self, engine: Engine, watch: Watch) -> Carried:
        """See `Work.done`."""
        return self.run(engine, self.deliver(), lambda _, message: watch(message))

    def begin(self, engine: Engine, watch: Callable[[Submission, Message], None]) -> None:
        """See `Work.begin`."""
        self.run(engine, self.deliver(), watch)
