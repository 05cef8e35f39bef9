"""A run in a process of its own, as Dagster's step runs it, over the stack in a folder; says how it ended as JSON.

python -m dataworks_assets_tests.faults.struck_step HOME ENGINE adg DAY COLLECTION...
python -m dataworks_assets_tests.faults.struck_step HOME ENGINE kickstart NAME

ENGINE is `submit`, or `threads`: without Spark, where a run is only to be quick. NAME is that of a delivery, which is there.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from dataworks_assets.config.addresses import resolve
from dataworks_assets.config.environment import Environment
from dataworks_assets.config.loader import load_settings
from dataworks_assets.config.naming import SnapshotType
from dataworks_assets.config.settings import Settings
from dataworks_assets.engines.base import Engine
from dataworks_assets.engines.submit import SubmitEngine
from dataworks_assets.stack.state import load_state
from dataworks_assets.systems.adg.planner import Planner
from dataworks_assets.systems.adg.scope import AdgScope
from dataworks_assets.systems.execution import Execution
from dataworks_assets.systems.plan import Request
from dataworks_assets.systems.platform import Platform
from dataworks_assets_tests.engines.conftest import QUICK_START
from dataworks_assets_tests.faults import struck_job
from dataworks_assets_tests.faults.blows import blow_for, struck
from dataworks_assets_tests.spark.jobs.thread_cluster import ThreadCluster
from dataworks_assets_tests.systems.adg.whole_path import Events, Outcome
from dataworks_assets_tests.systems.kickstart.on_stack import Delivery, settings_for
from spark.errors import DataworksError
from spark.jobs.progress import Reporter

JOB = "dataworks_assets_tests.faults.struck_job"
LEASE_SECONDS = 5.0


@dataclass(frozen=True)
class OtherJob(Engine):
    """An engine that runs another job in the place of the one it is asked for."""

    engine: Engine
    job: str

    def submit(self, submission, arguments, emit):
        raise AssertionError("never called: `run` is all of it")

    def log_address(self, submission):
        return self.engine.log_address(submission)

    def run(self, submission, *, on_message, channel=None):
        return self.engine.run(replace(submission, job=self.job), on_message=on_message, channel=channel)


@dataclass(frozen=True)
class Threads(OtherJob):
    """Runs the job's driver in this process and its tasks in threads."""

    def run(self, submission, *, on_message, channel=None):
        del channel
        return struck_job.run(submission.parameters, ThreadCluster(2), Reporter(on_message))


def settings_of(home: Path) -> Settings:
    """The local deployment over the stack in this folder, with leases that soon run out."""
    loaded = load_settings("local", environment=Environment(home=home))
    deployment = resolve(loaded.deployment, load_state(home))
    output = deployment.output.model_copy(update={"lease_ttl_seconds": LEASE_SECONDS})
    return replace(loaded, deployment=deployment.model_copy(update={"output": output}))


def platform_of(settings: Settings, home: Path, engine: str) -> Platform:
    """The clients, those of the step watched for the blow."""
    platform, blow = Platform(settings), blow_for("step")
    submit = SubmitEngine("local[2]", log_folder=home / "applications", work_folder=home / "work", spark_conf=QUICK_START)
    platform.store = struck(platform.store, "store", blow)
    platform.catalog = struck(platform.catalog, "catalog", blow)
    platform.engine = (OtherJob if engine == "submit" else Threads)(submit, JOB)
    return platform


def adg_run(home: Path, engine: str, events: Events, told: Sequence[str]) -> tuple[Execution, Request]:
    """A run of ADG over a day of some collections."""
    day, *names = told
    platform = platform_of(settings_of(home), home, engine)
    scope = AdgScope(platform.settings, SnapshotType.INCREMENTAL)
    return Execution(platform, scope, Planner(platform, scope), events), Request(tuple(names), (date.fromisoformat(day),))


def kickstart_run(home: Path, engine: str, events: Events, told: Sequence[str]) -> tuple[Execution, Request]:
    """A run of Kickstart over all of a delivery."""
    (name,) = told
    delivery = Delivery(platform_of(settings_for(settings_of(home), name), home, engine), name)
    return delivery.execution(events), delivery.request


RUNS = {"adg": adg_run, "kickstart": kickstart_run}


def main(home: Path, engine: str, system: str, told: Sequence[str]) -> int:
    """Runs, prints, and returns 0 where everything was published."""
    events = Events("step")
    if (blow := blow_for("step")) is not None:
        events.log_event = struck(events, "dagster", blow).log_event
    execution, request = RUNS[system](home, engine, events, told)
    error = ""
    try:
        execution.run(request)
    except DataworksError as raised:
        error = str(raised)
    failures = [f"{failure.collection} {failure.day}: {failure.cause}" for failure in execution.failures]
    published = sorted(Outcome(events).published())
    sys.stdout.write(json.dumps({"error": error, "failures": failures, "published": published, "lines": events.lines}))
    return 1 if error or failures else 0


if __name__ == "__main__":
    home, engine, system, *told = sys.argv[1:]
    sys.exit(main(Path(home), engine, system, told))
