"""The life of an application, the same on every engine: submit, poll, end, read the result, clean up.

An engine implements how its applications are started, watched and cancelled (`Application`); this module owns the documents,
the clock, the time-out, the cancellation and the errors. No engine's own API belongs here.
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
    """How an application ended, as the engine sees it, regardless of whether it left a result.

    Args:
        succeeded: whether it succeeded.
        reason: why it failed.
        remedy: what to do about the failure; if empty, a general remedy is given.
        transient: whether a retry can help; if None, what the job's own failure says, else yes.
    """

    succeeded: bool
    reason: str = ""
    remedy: str = ""
    transient: bool | None = None


class Application(ABC):
    """A running application of an engine."""

    log_address: str = ""
    """Where its log is: a path or a URI."""
    cluster_id: str = ""
    """The id of the cluster that it runs on; empty if there is none."""

    @abstractmethod
    def poll(self) -> Outcome | None:
        """Returns how it ended, or None while it runs; must not block for long."""

    @abstractmethod
    def cancel(self) -> None:
        """Ends it, and returns once nothing of it runs any more; does nothing if it has already ended."""

    def expect_end(self) -> None:  # noqa: B027 - most engines see it as soon as they look
        """Called repeatedly once the job has said that it has ended: polling more often is worthwhile now."""

    def log_tail(self, lines: int) -> str:
        """Returns the last lines of its log; empty if there is none."""
        del lines
        return ""

    def close(self) -> None:  # noqa: B027 - most engines hold nothing
        """Releases the engine's resources for it; called once, after its end."""


class JobError(EngineError):
    """An application that did not produce a complete result.

    Args:
        result: what it had finished, if it left a result document; else None.
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
    """Runs jobs. One instance may run many, one after another or concurrently.

    Args:
        poll_seconds: time between two polls of an application.
    """

    poll_seconds: float = 0.25

    @abstractmethod
    def submit(self, submission: Submission, arguments: Sequence[str], emit: Callable[[Message], None]) -> Application:
        """Starts the application with `arguments` as its job's arguments.

        If the application of this `run_id` is still there from before a crash, the engine returns that one. `emit` is for
        an engine whose job runs in this process; for all others, messages come over the channel.
        """

    def run(
        self, submission: Submission, *, on_message: Callable[[Message], None], channel: Channel | None = None
    ) -> JobResult:
        """Runs a job to its end and returns its complete result.

        If anything ends this call early (a time-out, an interruption of the run, an exception from `on_message`), the
        application is cancelled before the call returns.

        Args:
            submission: what to run.
            on_message: called in this thread for each message of the job, in order; some may be lost.
            channel: how messages travel; if None, through the object store.

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
        """Attends one of the `unfinished` jobs, whose documents exist and whose application may be running or have ended.

        This is the second half of `run`.
        """
        with self.choose_channel(channel).open(submission) as line:
            application = self.submit(submission, (*submission.job_arguments(), *line.arguments), line.emit)
            with _closing(application):
                if application.cluster_id or application.log_address:
                    on_message(Placed(cluster_id=application.cluster_id, log_address=application.log_address))
                outcome = self._wait(application, submission, line, on_message)
                return _conclude(application, submission, outcome)

    def unfinished(self, family: str, *, store: StoreSettings, control_uri: str) -> list[Submission]:
        """Returns what earlier tries of a run submitted but never concluded, to be passed to `attend`.

        Empty for engines whose applications end with the process that submitted them.

        Args:
            family: see `Submission.family`.
            store: holds the documents.
            control_uri: their prefix.
        """
        del family, store, control_uri
        return []

    def choose_channel(self, channel: Channel | None) -> Channel:
        """Returns the channel to use, given the caller's choice, which may be None."""
        return channel or StoreChannel()

    def log_address(self, submission: Submission) -> str:
        """Returns where the log of this submission's application will be; empty if only the application knows."""
        del submission
        return ""

    def _wait(
        self, application: Application, submission: Submission, line: Line, on_message: Callable[[Message], None]
    ) -> Outcome | None:
        """Returns how the application ended; None if its time ran out."""
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
    """Returns an error that says as much as is known: the job's own failure, or the engine's view and the tail of the log."""
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
