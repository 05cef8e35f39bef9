"""The life of an application, the same on every engine: submit, poll, end, read the result, clean up.

An engine says how its applications are started, watched and cancelled (`Application`); this module owns the documents, the
clock, the time-out, the cancellation and the errors. No engine's own API belongs here.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import msgspec

from dataworks_assets.engines.channel import Channel, Line, StoreChannel
from dataworks_assets.engines.submission import Submission
from spark.contract import JobResult, StoreSettings, decode, encode
from spark.errors import EngineError, NotFoundError
from spark.jobs.progress import Message, Placed
from spark.store import shared_store

_TAIL_LINES = 40


@dataclass(frozen=True)
class Outcome:
    """How an application ended, as the engine sees it; whether there is a result is another question.

    Args:
        succeeded: whether it ended well.
        reason: why it did not.
        remedy: what to do about that; what applications in general need, when empty.
        transient: whether a retry can help; when None, as the job's own failure says, else yes.
    """

    succeeded: bool
    reason: str = ""
    remedy: str = ""
    transient: bool | None = None


class Application(ABC):
    """A running application of an engine."""

    log_address: str = ""
    """Where a reader finds its log: a path or a URI."""
    cluster_id: str = ""
    """The cluster that it runs on; empty where it runs on none that has a name."""

    @abstractmethod
    def poll(self) -> Outcome | None:
        """Returns how it ended, or None while it runs; never blocks for long."""

    @abstractmethod
    def cancel(self) -> None:
        """Ends it and returns once nothing of it runs any more; one that has ended is left alone."""

    def expect_end(self) -> None:  # noqa: B027 - most engines see it as soon as they look
        """Called, again and again, once the job said that it has ended: it is worth looking oftener now."""

    def log_tail(self, lines: int) -> str:
        """Returns the last lines of its log, empty where there is none."""
        del lines
        return ""

    def close(self) -> None:  # noqa: B027 - most engines hold nothing
        """Frees what the engine holds for it; called once, after its end."""


class JobError(EngineError):
    """An application that did not bring a complete result.

    Args:
        result: what it had finished, where it left that much; else None.
        log_address: where its log is.
    """

    def __init__(
        self,
        what: str,
        *,
        where: str = "",
        remedy: str = "",
        transient: bool | None = None,
        result: JobResult | None = None,
        log_address: str = "",
    ) -> None:
        super().__init__(what, where=where, remedy=remedy, transient=transient)
        self.result = result
        self.log_address = log_address


class Engine(ABC):
    """Runs jobs. One instance may run many, one after another or at once.

    Args:
        poll_seconds: time between two looks at an application.
    """

    poll_seconds: float = 0.25

    @abstractmethod
    def submit(self, submission: Submission, arguments: Sequence[str], emit: Callable[[Message], None]) -> Application:
        """Starts the application; its job's arguments are `arguments`.

        An engine that finds the application of this `run_id` still there from before a crash returns that one. `emit` is for
        an engine whose job runs in this process; the others' messages come over the channel.
        """

    def run(
        self, submission: Submission, *, on_message: Callable[[Message], None], channel: Channel | None = None
    ) -> JobResult:
        """Runs a job to its end and returns its complete result.

        Whatever ends this call early (a time-out, an interruption of the run, an exception of `on_message`), the application
        is cancelled before it returns.

        Args:
            submission: what to run.
            on_message: called in this thread for each message of the job, in order; some may be lost.
            channel: how messages travel; through the object store when None.

        Raises:
            JobError: it failed, ran out of time or left no complete result.
        """
        store = shared_store(submission.parameters.store)
        store.delete([submission.parameters.result_uri])
        store.put(submission.parameters_uri, encode(submission.parameters))
        return self.attend(submission, on_message=on_message, channel=channel)

    def attend(
        self, submission: Submission, *, on_message: Callable[[Message], None], channel: Channel | None = None
    ) -> JobResult:
        """Runs a job whose documents are there already: one of `unfinished`, whose application may run or have ended.

        See `run`, whose second half it is.
        """
        with self.choose_channel(channel).open(submission) as line:
            application = self.submit(submission, (*submission.job_arguments(), *line.arguments), line.emit)
            with _closing(application):
                if application.cluster_id or application.log_address:
                    on_message(Placed(cluster_id=application.cluster_id, log_address=application.log_address))
                outcome = self._wait(application, submission, line, on_message)
                return _conclude(application, submission, outcome)

    def unfinished(self, family: str, *, store: StoreSettings, control_uri: str) -> list[Submission]:
        """Returns what earlier tries of a run submitted and never concluded, to be given to `attend`.

        Empty for engines whose applications end with the process that submitted them.

        Args:
            family: as `Submission.family`.
            store: where the documents lie.
            control_uri: below which they lie.
        """
        del family, store, control_uri
        return []

    def choose_channel(self, channel: Channel | None) -> Channel:
        """Returns the channel to be used when the caller gave this one or none."""
        return channel or StoreChannel()

    def log_address(self, submission: Submission) -> str:
        """Returns where the log of this submission's application will be; empty where only the application itself knows."""
        del submission
        return ""

    def _wait(
        self, application: Application, submission: Submission, line: Line, on_message: Callable[[Message], None]
    ) -> Outcome | None:
        """Returns how the application ended, None when its time ran out."""
        deadline_seconds = time.monotonic() + submission.timeout_seconds
        while (outcome := application.poll()) is None and time.monotonic() < deadline_seconds:
            for message in line.receive():
                on_message(message)
            if line.is_closed():
                application.expect_end()
            time.sleep(self.poll_seconds)
        if outcome is None:
            application.cancel()
        for message in line.receive(last=outcome is not None):
            on_message(message)
        return outcome


@contextmanager
def _closing(application: Application) -> Iterator[None]:
    """Leaves no application behind, whatever happens."""
    try:
        yield
    finally:
        try:
            application.cancel()
        finally:
            application.close()


def _conclude(application: Application, submission: Submission, outcome: Outcome | None) -> JobResult:
    result = _read_result(submission)
    if result is not None:
        result = msgspec.structs.replace(result, log_address=application.log_address)
    if outcome is not None and outcome.succeeded and result is not None and result.complete:
        return result
    raise _job_error(application, submission, outcome, result)


def _read_result(submission: Submission) -> JobResult | None:
    uri = submission.parameters.result_uri
    with suppress(NotFoundError):
        return decode(shared_store(submission.parameters.store).read(uri), JobResult, where=uri)
    return None


def _job_error(application: Application, submission: Submission, outcome: Outcome | None, result: JobResult | None) -> JobError:
    """Makes the error that says as much as is known: the job's own failure, or the engine's view and the log's tail."""
    failure = result.failure if result is not None else None
    if outcome is None:
        what = f"the application of job {submission.job!r} took longer than its {submission.timeout_seconds:g} s and was ended"
        remedy = "Run it again: what is published is not redone. If it ends so again, raise the time-out or give it fewer days"
    elif failure is not None:
        what = f"job {submission.job!r} failed: {f'{failure.where}: ' if failure.where else ''}{failure.what}"
        remedy = failure.remedy
    elif outcome.succeeded:
        what = f"the application of job {submission.job!r} ended well but wrote no result document"
        remedy = f"Look whether {submission.parameters.result_uri} can be written, and at the log"
    else:
        what = f"the application of job {submission.job!r} ended without a result: {outcome.reason}"
        remedy = outcome.remedy or "Run it again: what is published is not redone. If it ends so again, the log says why"
    tail = application.log_tail(_TAIL_LINES)
    return JobError(
        f"{what}\n--- end of {application.log_address} ---\n{tail}\n---" if tail else what,
        where=application.log_address,
        remedy=remedy,
        transient=failure.transient if failure is not None else outcome.transient if outcome is not None else None,
        result=result,
        log_address=application.log_address,
    )
