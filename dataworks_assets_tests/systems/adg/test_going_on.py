"""A later try of a run goes on with the application that outlived it, before it plans anything anew."""

from __future__ import annotations

import pytest

from dataworks_assets.engines.base import JobError
from dataworks_assets.engines.submission import Submission
from dataworks_assets.systems.adg.planner import Planner
from dataworks_assets.systems.execution import Execution
from dataworks_assets.systems.plan import Request
from dataworks_assets_tests.systems.adg.whole_path import DAY, Events, Outcome, ThreadEngine, World, documents
from spark.errors import StoreError
from spark.publish.lease import LeaseKeeper

STATEMENT, CLAIMANT = "core/statement", "core/claimant"
ROOT = "the-root-run"


class Gone(BaseException):
    """The process of a run ends here."""


class Outliving(ThreadEngine):
    """Its applications outlive the run: the first one is submitted and not waited for."""

    submitted: Submission | None = None
    dies = True

    def run(self, submission, *, on_message, channel=None):
        if self.dies:
            self.submitted, self.dies = submission, False
            raise Gone
        return super().run(submission, on_message=on_message, channel=channel)

    def unfinished(self, family, *, store, control_uri):
        if self.submitted is None or self.submitted.family != family:
            return []
        found, self.submitted = self.submitted, None
        return [found]

    def attend(self, submission, *, on_message, channel=None):
        return super().run(submission, on_message=on_message, channel=channel)


class Lost(Outliving):
    """The application that is gone on with has failed meanwhile."""

    def attend(self, submission, *, on_message, channel=None):
        raise JobError("its cluster was reclaimed")


@pytest.fixture
def world():
    made = World()
    made.write("db.core.statement", DAY, documents(3))
    made.write("db.core.claimant", DAY, documents(2))
    return made


def run(world, engine, name, *, family=ROOT):
    platform = world.platform
    platform.engine = engine
    events = Events(name)
    execution = Execution(platform, world.scope, Planner(platform, world.scope), events, family=family)
    execution.run(Request((), (DAY,)))
    return Outcome(events, failures=tuple(execution.failures))


def die(world, engine):
    """The first try, which leaves its leases as a killed process does: its heartbeat alone ends."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LeaseKeeper, "release_many", lambda *_: None)
        with pytest.raises(Gone):
            run(world, engine, "first")


def test_what_outlived_its_run_is_published_and_reported_once(world):
    engine = Outliving(world)
    die(world, engine)
    outcome = run(world, engine, "second")
    assert outcome.published() == {(STATEMENT, DAY.isoformat()), (CLAIMANT, DAY.isoformat())}
    assert (len(world.submissions), outcome.failures) == (1, ())


def test_its_days_are_free_afterwards(world):
    engine = Outliving(world)
    die(world, engine)
    run(world, engine, "second")
    world.write("db.core.statement", DAY, documents(1, first=50), batch=2)
    assert run(world, engine, "third", family="another").failures == ()


def test_what_it_could_not_do_is_planned_anew(world):
    engine = Lost(world)
    die(world, engine)
    outcome = run(world, engine, "second")
    assert outcome.published() == {(STATEMENT, DAY.isoformat()), (CLAIMANT, DAY.isoformat())}
    assert [line for line in outcome.events.lines if "planned anew" in line]


def test_another_run_leaves_it_alone(world):
    engine = Outliving(world)
    die(world, engine)
    outcome = run(world, engine, "other", family="another")
    assert (engine.submitted is not None, outcome.published()) == (True, set())
    assert {"another run" in failure.cause or "lease" in failure.cause for failure in outcome.failures} == {True}


def test_what_cannot_be_found_out_ends_the_run(world):
    class Unreadable(Outliving):
        def unfinished(self, family, *, store, control_uri):
            raise StoreError("the store is away")

    with pytest.raises(StoreError, match="away"):
        run(world, Unreadable(world), "first")
