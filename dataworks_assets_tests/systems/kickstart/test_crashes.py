"""An error at the n-th call of Kickstart's output, for every n until a run is clean: a retry gives the undisturbed rows."""

from __future__ import annotations

import threading

import pytest

from dataworks_assets_tests.spark.publish.memory_catalog import InMemoryCatalog
from dataworks_assets_tests.systems.kickstart.whole_path import ADVERTS, CLAIMS, World, days_from
from spark.errors import CatalogError, StoreError
from spark.store import ObjectStore

DAYS = days_from(3)
_CALLS = ("list", "stream", "read", "read_versioned", "metadata", "exists", "put", "delete", "read_many")


class Strike:
    """Fails the n-th call, once, before or after it is made."""

    def __init__(self, number: int, *, is_after: bool) -> None:
        self.number, self.is_after = number, is_after
        self.calls = 0
        self.struck = False
        self._lock = threading.Lock()

    def __call__(self, moment: str, error: Exception) -> None:
        with self._lock:
            if moment != ("after" if self.is_after else "before") or self.struck:
                return
            self.calls += 1
            if self.calls == self.number:
                self.struck = True
                raise error


class StruckStore(ObjectStore):
    """A store in memory whose calls may be struck."""

    strike: Strike | None = None


def _struck(name: str):
    plain = getattr(ObjectStore, name)

    def call(self, *arguments, **options):
        if self.strike:
            self.strike("before", StoreError(f"struck before {name}", transient=False))
        result = plain(self, *arguments, **options)
        if self.strike:
            self.strike("after", StoreError(f"struck after {name}", transient=False))
        return result

    return call


for _name in _CALLS:
    setattr(StruckStore, _name, _struck(_name))


def world_of(strike: Strike | None = None) -> World:
    """Three days of two collections whose columns come and go, with both services to be struck."""
    plain = ObjectStore.in_memory()
    world = World(store=StruckStore(plain.settings), catalog=InMemoryCatalog())
    first, second, third = DAYS
    world.csv("id,title\n1,Baker\n", first)
    world.csv("id,title,wage\n2,Cook,9.5\n", second)
    world.csv("id,wage\nx,8\n", third)
    world.json([{"id": "c-1", "amount": 1}], first)
    world.json([{"id": "c-2", "amount": 2.5, "paid": True}], second)
    world.json([{"id": "c-3", "paid": "no"}], third)
    world.store.strike = strike
    if strike is not None:
        world.catalog.hook = lambda moment, method: strike(moment, CatalogError(f"struck at {method}", transient=False))
    return world


def told(world: World):
    return [(world.types(name), [world.rows(name, day) for day in DAYS]) for name in (ADVERTS, CLAIMS)]


@pytest.fixture(scope="module")
def undisturbed():
    world = world_of()
    assert world.run(days=DAYS).failures == ()
    return told(world)


def retried(number: int, *, is_after: bool) -> tuple[World, Strike]:
    strike = Strike(number, is_after=is_after)
    world = world_of(strike)
    world.run(days=DAYS)
    world.store.strike = world.catalog.hook = None
    owners = f"{world.scope.control_uri}/owners"
    world.store.delete([listed.uri for listed in world.store.list(owners)])  # the leases of what died have run out
    outcome = world.run(days=DAYS)
    assert (outcome.error, outcome.failures) == (None, ()), number
    return world, strike


@pytest.mark.parametrize("is_after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("number", [*range(1, 60, 8), *range(60, 200, 29)])
def test_a_retry_after_a_fault_gives_the_undisturbed_tables(undisturbed, number, is_after):
    assert told(retried(number, is_after=is_after)[0]) == undisturbed


@pytest.mark.faults
@pytest.mark.parametrize("is_after", [False, True], ids=["before", "after"])
def test_every_fault_until_a_run_is_clean(undisturbed, is_after, record_property):
    number = 1
    while True:
        world, strike = retried(number, is_after=is_after)
        assert told(world) == undisturbed, number
        if not strike.struck:
            break
        number += 1
    record_property("faults", number - 1)
    assert number > 50
