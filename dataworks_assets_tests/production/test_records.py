"""The rehearsal of a restore: what a lost or restored object of the platform's own does to published days."""

from __future__ import annotations

import pytest

from dataworks_assets_tests.systems.adg.whole_path import DAY, DAY_BEFORE, World, documents
from spark.contract import decode
from spark.publish.day_document import DayDocument
from spark.publish.rollback import attempts_of

NAME = "core/statement"
TOPIC = "db.core.statement"


@pytest.fixture
def world():
    """Two published days, the newer one with two attempts."""
    made = World()
    made.write(TOPIC, DAY_BEFORE, documents(2))
    made.write(TOPIC, DAY, documents(3))
    assert made.run(NAME, days=[DAY_BEFORE, DAY]).error is None
    made.write(TOPIC, DAY, documents(3))
    assert made.run(NAME, force=True).error is None
    return made


def kept(world, pattern):
    """A copy of objects of the platform's own, as docs/production.md has it copied, or as the bucket's older versions are."""
    uris = [*world.objects(), *world.objects(world.scope.control_uri)]
    return {uri: world.store.read(uri) for uri in uris if pattern in uri}


def lose(world, objects):
    assert objects
    world.store.delete(list(objects))


def restore(world, objects):
    for uri, body in objects.items():
        world.store.put(uri, body)


def run_again(world):
    """Asks for both days, of which nothing may be read anew; returns what the run said beside that."""
    jobs = len(world.submissions)
    outcome = world.run(NAME, days=[DAY_BEFORE, DAY])
    assert outcome.error is None
    assert len(world.submissions) == jobs
    assert (world.ids(NAME, DAY_BEFORE), world.ids(NAME)) == (["s0", "s1"], ["s0", "s1", "s2"])
    return [line for line in outcome.events.lines if line.startswith("WARNING")]


def test_documents_of_days_that_are_lost_are_made_again_from_catalog_and_manifests(world):
    lost = kept(world, "/_published.json")
    lose(world, lost)
    assert run_again(world) == []
    again = kept(world, "/_published.json")
    assert {uri: decode(body, DayDocument, where=uri).tables for uri, body in again.items()} == {
        uri: decode(body, DayDocument, where=uri).tables for uri, body in lost.items()
    }


def test_everything_below_the_control_prefix_may_be_lost(world):
    lose(world, kept(world, "/_dataworks/"))
    assert run_again(world) == []
    assert world.run(NAME, force=True).error is None


def test_leases_of_yesterday_may_be_restored(world):
    old = kept(world, "/_dataworks/leases/")
    assert world.run(NAME, force=True).error is None
    shown = world.pointer(NAME)
    restore(world, old)
    assert run_again(world) == []
    assert world.pointer(NAME) == shown
    assert world.run(NAME, force=True).error is None
    assert world.pointer(NAME).attempt != shown.attempt


def test_days_without_manifests_stay_published_and_say_what_is_missing(world):
    manifests = kept(world, "/_manifest.json")
    documents_of_days = kept(world, "/_published.json")
    lose(world, manifests | documents_of_days)
    (warning,) = run_again(world)
    assert "_manifest.json: no such object" in warning
    restore(world, manifests)
    assert run_again(world) == []
    assert kept(world, "/_published.json").keys() == documents_of_days.keys()


def test_earlier_attempts_can_be_published_again_once_their_manifests_are_back(world):
    def attempts():
        return [each.attempt for each in attempts_of(world.store, world.scope.output_uri, world.job(NAME), DAY.isoformat())]

    manifests = kept(world, "/_manifest.json")
    before = attempts()
    lose(world, manifests)
    assert (len(before), attempts()) == (2, [])
    restore(world, manifests)
    assert attempts() == before
