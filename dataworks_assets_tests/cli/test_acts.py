"""What operators do to what is published: hold and release, roll back, collect garbage."""

from __future__ import annotations

import pytest

from spark.errors import ConfigurationError, NotFoundError

DAY = "2026-11-20"


def shown_attempt(bench, name="core/toDo"):
    main = bench.collection(name).job.tables[0]
    return bench.lake.catalog.pointers(main.database, main.name)[DAY].attempt


def held(bench, *types):
    from dataworks_assets.systems.holds import read_holds

    return {each: read_holds(bench.lake.store, bench.scope(each)) for each in types}


def test_a_hold_is_of_both_exports_where_none_is_named(bench):
    bench("hold", "core/toDo", "--reason", "wrong amounts")
    assert held(bench, "full", "incremental") == {
        "full": {"core/toDo": "wrong amounts"},
        "incremental": {"core/toDo": "wrong amounts"},
    }


def test_a_hold_of_one_export_leaves_the_other(bench):
    bench("hold", "core/toDo", "--reason", "x", "--type", "full")
    assert held(bench, "incremental") == {"incremental": {}}


def test_a_glob_holds_many(bench):
    bench("hold", "core/*", "--reason", "x", "-t", "full")
    assert len(held(bench, "full")["full"]) == 4


def test_a_release_ends_a_hold(bench):
    bench("hold", "core/toDo", "--reason", "x")
    assert "is released" in bench("release", "core/toDo")
    assert held(bench, "full") == {"full": {}}


def test_a_release_of_what_was_not_held_says_so(bench):
    assert "was not held" in bench("release", "core/toDo")


def test_an_unknown_collection_cannot_be_held(bench):
    with pytest.raises(ConfigurationError, match="Did you mean"):
        bench("hold", "core/tooDo", "--reason", "x")


def test_a_day_goes_back_to_the_attempt_before(bench):
    first = bench.publish("core/toDo", DAY)
    bench.publish("core/toDo", DAY)
    bench("rollback", "core/toDo", "--day", DAY)
    assert shown_attempt(bench) == first


def test_a_day_goes_back_to_the_attempt_that_is_named(bench):
    first = bench.publish("core/toDo", DAY)
    bench.publish("core/toDo", DAY)
    bench.publish("core/toDo", DAY)
    bench("rollback", "core/toDo", "--day", DAY, "--attempt", first)
    assert shown_attempt(bench) == first


def test_what_was_rolled_back_is_held(bench):
    bench.publish("core/toDo", DAY)
    bench.publish("core/toDo", DAY)
    bench("rollback", "core/toDo", "--day", DAY)
    assert "rolled back" in held(bench, "full")["full"]["core/toDo"]


def test_a_rollback_without_a_hold_leaves_the_collection_free(bench):
    bench.publish("core/toDo", DAY)
    bench.publish("core/toDo", DAY)
    bench("rollback", "core/toDo", "--day", DAY, "--no-hold")
    assert held(bench, "full") == {"full": {}}


def test_a_day_that_is_not_published_has_no_attempt_before_it(bench):
    with pytest.raises(NotFoundError, match="nothing of core/toDo is published of 2026-11-20"):
        bench("rollback", "core/toDo", "--day", DAY)


def test_attempts_are_listed_and_the_published_one_is_marked(bench):
    first = bench.publish("core/toDo", DAY)
    second = bench.publish("core/toDo", DAY)
    shown = bench("rollback", "core/toDo", "--day", DAY, "--list")
    assert "published" in next(line for line in shown.splitlines() if second in line)
    assert "published" not in next(line for line in shown.splitlines() if first in line)


def test_a_published_attempt_whose_manifest_is_lost_is_told_apart_from_a_day_never_written(bench):
    never = " ".join(bench("rollback", "core/toDo", "--day", DAY, "--list").split())
    assert never.endswith("has no attempt that can be gone back to.")
    attempt = bench.publish("core/toDo", DAY)
    store = bench.lake.store
    store.delete([each.uri for each in store.list(bench.scope("full").output_uri) if each.uri.endswith("_manifest.json")])
    lost = " ".join(bench("rollback", "core/toDo", "--day", DAY, "--list").split())
    assert f"the manifest of {attempt}, which is published, is lost" in lost


def test_without_an_attempt_before_there_is_nothing_to_go_back_to(bench):
    bench.publish("core/toDo", DAY)
    with pytest.raises(NotFoundError, match="no attempt of core/toDo before"):
        bench("rollback", "core/toDo", "--day", DAY)


def test_an_attempt_that_was_never_made_is_refused(bench):
    bench.publish("core/toDo", DAY)
    with pytest.raises(NotFoundError, match="Choose one of"):
        bench("rollback", "core/toDo", "--day", DAY, "--attempt", "20200101T000000-00000000")


def test_what_was_superseded_long_ago_is_garbage(bench, monkeypatch):
    for _ in range(4):
        bench.publish("core/toDo", DAY)
    age(monkeypatch, hours=100)
    assert len(bench.json("collect-garbage", "--dry-run", "-t", "full")["adg_full"]["removed"]) == 2


def age(monkeypatch, *, hours):
    """Lets the garbage collector believe that it is later."""
    from datetime import UTC, datetime, timedelta

    from dataworks_assets.systems import housekeeping

    class Later(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz or UTC) + timedelta(hours=hours)

    monkeypatch.setattr(housekeeping, "datetime", Later)


def test_a_dry_run_deletes_nothing(bench, monkeypatch):
    for _ in range(4):
        bench.publish("core/toDo", DAY)
    before = [item.uri for item in bench.lake.store.list(bench.scope().output_uri)]
    age(monkeypatch, hours=100)
    bench("collect-garbage", "--dry-run")
    assert [item.uri for item in bench.lake.store.list(bench.scope().output_uri)] == before


def test_garbage_is_deleted_and_what_is_published_stays(bench, monkeypatch):
    for _ in range(4):
        bench.publish("core/toDo", DAY)
    before = shown_attempt(bench)
    age(monkeypatch, hours=100)
    assert "2 attempts" in bench("collect-garbage", "-t", "full")
    assert shown_attempt(bench) == before


def test_what_is_young_is_spared(bench):
    for _ in range(4):
        bench.publish("core/toDo", DAY)
    assert bench.json("collect-garbage", "-t", "full")["adg_full"]["removed"] == []
