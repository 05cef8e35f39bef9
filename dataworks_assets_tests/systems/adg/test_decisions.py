"""What a second run does with a day that is published: nothing, unless something changed; and then only what changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from dataworks_assets.systems.holds import hold, release
from dataworks_assets.systems.housekeeping import collect_garbage
from dataworks_assets.systems.plan import Decision
from dataworks_assets_tests.systems.adg.whole_path import (
    DAY,
    DAY_AFTER,
    DAY_BEFORE,
    ThreadEngine,
    World,
    before_the_job,
    configured,
    documents,
)
from spark.errors import AccessError
from spark.jobs import services

TOPIC = "db.core.statement"
NAME = "core/statement"


@pytest.fixture
def world() -> World:
    """One collection, one day, published."""
    world = World(collections=(configured(TOPIC),))
    world.write(TOPIC, DAY, documents(3))
    assert world.run().failures == ()
    return world


class Untaggable(dict[str, dict[str, str]]):
    """Objects whose tags nobody may change."""

    def __setitem__(self, uri: str, tags: dict[str, str]) -> None:
        raise AccessError("the role may not tag", where=uri, remedy="Allow s3:PutObjectTagging")


def _decision(world: World, **request) -> Decision:
    return world.plan(**request).days[0].decision


def test_same_inputs_start_no_job(world):
    started = len(world.submissions)
    assert (world.run().failures, len(world.submissions)) == ((), started)


def test_other_inputs_are_read_again(world):
    world.write(TOPIC, DAY, documents(5))
    assert _decision(world) is Decision.CHANGED
    world.run()
    assert world.ids(NAME) == ["s0", "s1", "s2", "s3", "s4"]


def test_a_configuration_that_shapes_the_output_has_the_day_done_again(world):
    world.collections = (configured(TOPIC, layout="typed", columns=("name",)),)
    assert _decision(world) is Decision.RECONFIGURED
    world.run()
    assert "name" in world.table(NAME).column_names


def test_files_that_are_gone_are_made_again(world):
    world.store.delete([uri for uri in world.objects() if uri.endswith(".parquet")])
    assert _decision(world) is Decision.INCOMPLETE
    world.run()
    assert world.ids(NAME) == ["s0", "s1", "s2"]


def test_files_of_a_further_table_that_are_gone_are_made_again():
    further = {"database": "red", "table": "statement_red", "layout": "columns", "columns": ["name"]}
    world = World(collections=(configured(TOPIC, tables=(further,)),))
    world.write(TOPIC, DAY, documents(3))
    assert world.run().failures == ()
    assert _decision(world) is Decision.UNCHANGED
    world.store.delete([uri for uri in world.objects() if "statement_red" in uri and uri.endswith(".parquet")])
    assert _decision(world) is Decision.INCOMPLETE
    world.run()
    assert world.table(NAME, table=1).num_rows == 3


def test_force_does_an_unchanged_day_again(world):
    before = world.pointer(NAME)
    world.run(force=True)
    assert before is not None
    assert world.pointer(NAME).attempt != before.attempt


def test_force_does_nothing_again_that_an_earlier_try_of_the_run_did(world):
    published = world.pointer(NAME)
    tries = frozenset({published.run_id})
    assert _decision(world, force=True, done_by=tries) is Decision.UNCHANGED
    assert _decision(world, force=True, done_by=frozenset({"another"})) is Decision.FORCED
    world.write(TOPIC, DAY, documents(4))
    assert _decision(world, force=True, done_by=tries) is Decision.CHANGED


def test_a_changed_tag_reaches_the_published_objects_without_a_job(world):
    started, before = len(world.submissions), world.pointer(NAME)
    world.collections = (configured(TOPIC, tags={"pii": "false"}),)
    assert _decision(world) is Decision.CHANGED_TAGS
    assert world.run().failures == ()
    assert len(world.submissions) == started
    assert {tuple(sorted(tags.items())) for tags in world.retagged.values()} == {(("pii", "false"), ("snapshot_type", "full"))}
    assert before is not None
    assert (world.pointer(NAME).attempt, _decision(world)) == (before.attempt, Decision.UNCHANGED)


def test_a_day_whose_tags_cannot_be_changed_has_a_failed_check_and_no_materialisation(world):
    world.collections = (configured(TOPIC, tags={"pii": "false"}),)
    world.retagged = Untaggable()
    outcome = world.run()
    assert (outcome.finding(NAME).check, outcome.finding(NAME).cause) == ("tags", "the role may not tag")
    assert [failure.lies_in_data for failure in outcome.failures] == [False]
    assert outcome.published() == set()


def test_a_held_collection_is_left_alone_until_it_is_released(world):
    hold(world.store, world.scope, NAME, reason="a wrong export", by="an operator")
    world.write(TOPIC, DAY, documents(5))
    assert world.run().failures == ()
    assert world.ids(NAME) == ["s0", "s1", "s2"]
    release(world.store, world.scope, NAME)
    world.run()
    assert len(world.ids(NAME) or ()) == 5


def test_a_hold_that_is_laid_on_while_a_run_goes_on_keeps_it_from_publishing(world, monkeypatch):
    other = "db.core.claimant"
    world.collections = (configured(TOPIC), configured(other))
    for topic in (TOPIC, other):
        world.write(topic, DAY, documents(5))
    lay = partial(hold, world.store, world.scope, NAME, reason="a wrong export", by="an operator")
    before_the_job(monkeypatch, ThreadEngine, lay)
    outcome = world.run()
    assert outcome.finding(NAME).cause == "an operator held the collection while the run went on: a wrong export"
    assert [(failure.collection, failure.lies_in_data) for failure in outcome.failures] == [(NAME, False)]
    assert world.ids(NAME) == ["s0", "s1", "s2"]
    assert len(world.ids("core/claimant") or ()) == 5
    assert world.run().failures == ()  # the retry leaves it alone


def test_where_it_cannot_be_known_what_is_held_nothing_is_published(world, monkeypatch):
    def refuse(*_):
        raise AccessError("access refused", where="memory://output/_dataworks/holds", remedy="Grant it")

    world.write(TOPIC, DAY, documents(5))
    monkeypatch.setattr(services, "reasons_of_holds", refuse)
    assert world.run().finding(NAME).cause == "access refused"
    assert world.ids(NAME) == ["s0", "s1", "s2"]


def test_the_newest_table_does_not_go_back_when_an_old_day_is_done(world):
    world.write(TOPIC, DAY_AFTER, documents(1, first=10))
    world.run(days=[DAY_AFTER])
    world.write(TOPIC, DAY, documents(2))
    world.run()
    assert world.newest(NAME).num_rows == 1


def test_retention_drops_days_that_are_too_old_but_never_the_newest(world):
    today = datetime.now(UTC).date()
    assert today - DAY_BEFORE < timedelta(days=3650)
    world.write(TOPIC, DAY_BEFORE, documents(1))
    world.run(days=[DAY_BEFORE])
    world.collections = (configured(TOPIC, retention={"days": 1}),)
    report = collect_garbage(world.platform, world.scope, dry_run=False)
    dropped = {day for _, day in report.dropped}
    assert DAY.isoformat() not in dropped
    assert (DAY_BEFORE.isoformat() in dropped) is (world.pointer(NAME, DAY_BEFORE) is None)


def test_a_second_day_without_rows_is_refused_as_the_first_was(world):
    days = [DAY_AFTER, DAY_AFTER + timedelta(days=1)]
    for day in days:
        world.write(TOPIC, day, [])
    refused = [{failure.day for failure in world.run(days=[day]).failures} for day in days]
    assert refused == [{day.isoformat()} for day in days]


def test_two_days_without_rows_in_one_run_are_both_refused(world):
    days = [DAY_AFTER, DAY_AFTER + timedelta(days=1)]
    for day in days:
        world.write(TOPIC, day, [])
    assert {failure.day for failure in world.run(days=days).failures} == {day.isoformat() for day in days}
