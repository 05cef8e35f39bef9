"""The EMR engine: an application (see `engines.base` for its life) is a step on a cluster.

A cluster for one application is started together with its step by one call, and ends with it, whatever becomes of this
process. An application that outlives its process is found again by its intent, and resumed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

from dataworks_assets.config.emr import SizeConfig
from dataworks_assets.engines.base import Engine
from dataworks_assets.engines.emr.application import EmrApplication, Surroundings
from dataworks_assets.engines.emr.calls import EmrCalls
from dataworks_assets.engines.emr.intents import Intent, Intents
from dataworks_assets.engines.emr.polling import Poller
from dataworks_assets.engines.emr.requests import Place, kind_of
from dataworks_assets.engines.emr.starting import Starter
from dataworks_assets.engines.submission import Submission
from spark.contract import JobParameters, StoreSettings, decode
from spark.errors import NotFoundError
from spark.jobs.progress import Message
from spark.store import shared_store

_LEAST_SECONDS = 60.0
"""Least time left to a resumed application, so that its end can be noticed."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass
class EmrEngine(Engine):
    """Runs jobs on EMR. The nodes have their own credentials; a submission's `environment` is not passed to them.

    Args:
        place: where and how clusters are made.
        calls: EMR's API.
        poller: shared by the applications of this process.
        artefacts_uri: the prefix of artefacts.
        sleep: pauses.
        clock: monotonic seconds.
        now: returns the current time, UTC.
    """

    place: Place
    calls: EmrCalls
    poller: Poller
    artefacts_uri: str
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)
    now: Callable[[], datetime] = field(default=_utc_now, repr=False)
    poll_seconds: float = 0.5

    def submit(self, submission: Submission, arguments: Sequence[str], emit: Callable[[Message], None]) -> EmrApplication:
        """See `Engine.submit`."""
        del emit
        intents = self._intents(submission)
        starter = self._starter(submission.parameters.store)
        family = submission.family or submission.run_id
        intent = intents.read(family, submission.run_id) or self._intend(submission, family, starter)
        started = starter.start(intents, intent, tuple(arguments), self._size(intent, submission))

        def conclude(ended: Intent) -> None:
            starter.end_duplicates(ended)
            intents.remove(ended)

        around = Surroundings(
            calls=self.calls,
            poller=self.poller,
            logs=shared_store(submission.parameters.store),
            log_uri=self.place.log_uri,
            log_wait_seconds=self.place.config.log_wait_seconds,
            rival=starter.rival,
            conclude=conclude,
            sleep=self.sleep,
            clock=self.clock,
        )
        return EmrApplication(started, around)

    def unfinished(self, family: str, *, store: StoreSettings, control_uri: str) -> list[Submission]:
        """See `Engine.unfinished`; an application that cannot be read or resumed is ended here."""
        objects = shared_store(store)
        intents = Intents(objects, control_uri)
        found = []
        for intent in list(intents.list(family)):
            try:
                body = objects.read(intent.parameters_uri)
            except NotFoundError:
                intents.remove(intent)  # nothing was started: the parameters are written first
                continue
            parameters = decode(body, JobParameters, where=intent.parameters_uri)
            gone = (self.now() - datetime.fromisoformat(intent.begun_utc)).total_seconds()
            left_seconds = max(intent.timeout_seconds - gone, _LEAST_SECONDS)
            found.append(Submission(intent.job, intent.run_id, parameters, timeout_seconds=left_seconds, family=family))
        return found

    def _intend(self, submission: Submission, family: str, starter: Starter) -> Intent:
        named = self.place.config.cluster
        intent = Intent(
            run_id=submission.run_id,
            family=family,
            job=submission.job,
            parameters_uri=submission.parameters_uri,
            timeout_seconds=submission.timeout_seconds,
            begun_utc=self.now().isoformat(),
            name=self.place.cluster_name(submission.run_id),
            owns_cluster=named is None,
            size=self._size_name(submission),
            kind=kind_of(submission.parameters),
        )
        return msgspec.structs.replace(intent, cluster_id=starter.find_running(named).id) if named else intent

    def _intents(self, submission: Submission) -> Intents:
        return Intents(shared_store(submission.parameters.store), submission.parameters.control_uri)

    def _starter(self, store: StoreSettings) -> Starter:
        return Starter(self.place, self.calls, shared_store(store), self.artefacts_uri, sleep=self.sleep)

    def _size_name(self, submission: Submission) -> str:
        parameters = submission.parameters
        snapshot_type = next((each.snapshot_type for each in parameters.collections.values()), "")
        days = len({each.export_date for each in parameters.partitions})
        return self.place.config.size_for(snapshot_type, days)

    def _size(self, intent: Intent, submission: Submission) -> SizeConfig:
        """The size of a submission, whose own Spark settings override the size's; a size since removed: today's choice."""
        sizes = self.place.config.sizes
        size = sizes.get(intent.size) or sizes[self._size_name(submission)]
        return size.model_copy(update={"spark_conf": {**size.spark_conf, **submission.spark_conf}})
