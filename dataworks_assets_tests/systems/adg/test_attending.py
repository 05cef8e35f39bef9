"""A run reports while its application works; a store that fails meanwhile costs the application nothing."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from dataworks_assets.systems.refusals import read_refusals
from dataworks_assets_tests.systems.adg.whole_path import DAY, ThreadEngine, World, bare, configured
from spark.contract import encode
from spark.errors import StoreError
from spark.jobs.progress import Finished
from spark.store import ObjectStore

NAME = "core/statement"


@dataclass
class Refusing(ObjectStore):
    """Takes no record of a refusal while it is down."""

    is_down: bool = False

    def put(self, uri, body, **options):
        if self.is_down and "/refused/" in uri:
            raise StoreError("it does not answer", where=uri, transient=True)
        return super().put(uri, body, **options)


@pytest.fixture
def world():
    """A day that is refused, and a store that is down while its application reports it."""
    world = World(collections=(configured("db.core.statement"),), store=Refusing(ObjectStore.in_memory().settings))
    world.write("db.core.statement", DAY, [bare(b"{")])
    return world


@pytest.fixture
def at_the_report(monkeypatch):
    """Whether the store is down when the application has written what it finished, and when it has ended."""

    def be(*, down_meanwhile, down_at_the_end):
        work = ThreadEngine.run

        def run(self, submission, *, on_message, channel=None):
            result = work(self, submission, on_message=lambda _message: None, channel=channel)
            self.world.store.put(submission.parameters.result_uri, encode(result))
            self.world.store.is_down = down_meanwhile
            on_message(Finished(collection=NAME, export_date=DAY.isoformat(), state="refused"))
            self.world.store.is_down = down_at_the_end
            return result

        monkeypatch.setattr(ThreadEngine, "run", run)

    return be


def test_a_refusal_that_cannot_be_recorded_while_the_application_works_is_recorded_at_its_end(world, at_the_report):
    at_the_report(down_meanwhile=True, down_at_the_end=False)
    outcome = world.run()
    assert (outcome.error, [failure.lies_in_data for failure in outcome.failures]) == (None, [True])
    assert outcome.check(NAME).passed is False
    assert read_refusals(world.store, world.scope).keys() == {(NAME, DAY.isoformat())}


def test_one_that_cannot_be_recorded_at_the_end_fails_the_run_when_all_is_reported(world, at_the_report):
    at_the_report(down_meanwhile=True, down_at_the_end=True)
    outcome = world.run()
    assert isinstance(outcome.error, StoreError)
    assert outcome.check(NAME).passed is False
