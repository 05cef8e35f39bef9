"""Days that were exported are found with few requests."""

from __future__ import annotations

from datetime import date

import pytest

from dataworks_assets.systems.adg.exported import exported_days, newest_exported_days


@pytest.fixture
def found(bench):
    return lambda **options: [day.day for day in exported_days(bench.lake.store, bench.scope(), **options)]


def test_every_day_with_an_object_is_found(bench, found):
    bench.export("core/toDo", "2026-11-18", batches=3)
    bench.export("core/statement", "2026-11-20")
    assert found() == [18, 20]


def test_a_day_of_the_other_type_is_none(bench, found):
    bench.export("core/toDo", "2026-11-19", snapshot_type="incremental")
    assert found() == []


def test_days_before_are_left_out(bench, found):
    bench.export("core/toDo", "2026-11-18")
    bench.export("core/toDo", "2026-11-20")
    assert found(since=date(2026, 11, 19)) == [20]


def test_what_is_no_day_is_passed_over(bench, found):
    bench.lake.store.put("memory://dataworks-input/businessdata/mongo/ucdata/README/full/a", b"")
    bench.lake.store.put("memory://dataworks-input/businessdata/mongo/ucdata/zzz", b"")
    bench.export("core/toDo", "2026-11-18")
    assert found() == [18]


def test_an_export_that_is_long_over_is_found_as_the_newest(bench):
    bench.export("core/toDo", "2026-11-02")
    bench.export("core/toDo", "2026-11-03")
    newest = newest_exported_days(bench.lake.store, bench.scope(), 1, today=date(2027, 6, 1))
    assert newest == (date(2026, 11, 3),)


def test_thousands_of_files_a_day_cost_two_listings_a_day(bench, found, monkeypatch):
    bench.export("core/toDo", "2026-11-18", batches=1500)
    bench.export("core/toDo", "2026-11-19", batches=1500)
    listings = []
    list_really = bench.lake.store.list
    monkeypatch.setattr(bench.lake.store, "list", lambda *a, **k: listings.append(a) or list_really(*a, **k))
    assert found() == [18, 19]
    assert len(listings) == 5
