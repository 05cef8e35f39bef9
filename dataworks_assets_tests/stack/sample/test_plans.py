from __future__ import annotations

from datetime import date, timedelta

import msgspec
import pytest

from dataworks_assets.config.environment import Environment
from dataworks_assets.config.loader import load_settings
from dataworks_assets.config.naming import SnapshotType
from dataworks_assets.stack.sample.bad_input import BAD_INPUTS
from dataworks_assets.stack.sample.flights import load_table
from dataworks_assets.stack.sample.plans import FULL, INCREMENTAL, PLANS, UNLISTED, Scope
from spark.sources.ids import comparison_key, id_text

DAY = date(2026, 11, 20)
BY_TOPIC = {plan.topic: plan for plan in PLANS}


def documents(topic: str, *, day: date = DAY, snapshot_type: str = FULL, scale: float = 0.01, seed: int = 1) -> list[dict]:
    records = BY_TOPIC[topic].records(Scope(day, snapshot_type, scale, seed))
    return [msgspec.json.decode(record.line) for record in records]


def test_the_sample_has_the_topics_that_are_configured():
    settings = load_settings("local", environment=Environment(options=("bad_input",)))
    for snapshot_type in SnapshotType:
        configured = {config.topic for config in settings.collections if snapshot_type in config.snapshot_types}
        written = {plan.topic for plan in PLANS if snapshot_type in plan.snapshot_types}
        written |= {bad.topic for bad in BAD_INPUTS} if snapshot_type is SnapshotType.FULL else set()
        assert written - configured == {UNLISTED}
        assert configured - written == {"db.core.emptyThings"}


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.topic)
def test_the_same_scope_gives_the_same_records(plan):
    scope = Scope(DAY, plan.snapshot_types[0], 0.01)
    assert list(plan.records(scope)) == list(plan.records(scope))


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.topic)
def test_no_id_is_there_twice(plan):
    ids = [record.manifest_id for record in plan.records(Scope(DAY, plan.snapshot_types[0], 0.05))]
    assert len(set(ids)) == len(ids) > 0


@pytest.mark.parametrize("plan", [plan for plan in PLANS if plan.has_ids], ids=lambda plan: plan.topic)
def test_a_documents_id_is_its_manifests(plan):
    for record in plan.records(Scope(DAY, plan.snapshot_types[0], 0.002)):
        document = msgspec.json.decode(record.line, type=dict[str, msgspec.Raw])
        holder = document if "_id" in document else msgspec.json.decode(document["message"], type=dict[str, msgspec.Raw])
        assert id_text(bytes(holder["_id"])) == comparison_key(record.manifest_id)


def test_another_seed_gives_other_documents():
    assert documents("db.core.toDo", seed=1) != documents("db.core.toDo", seed=2)


def test_an_incremental_is_the_part_of_the_full_that_changed_on_the_day():
    full = documents("db.core.contract", scale=0.1)
    changed = documents("db.core.contract", snapshot_type=INCREMENTAL, scale=0.1)
    assert 0 < len(changed) < len(full) / 5
    assert changed == [document for document in full if document["_lastModifiedDateTime"]["d_date"].startswith("2026-11-20")]


def test_the_next_days_full_has_the_same_ids():
    ids = [[document["_id"] for document in documents("db.core.statement", day=day)] for day in (DAY, DAY + timedelta(days=1))]
    assert ids[0] == ids[1]


def test_documents_are_about_a_kilobyte():
    records = list(BY_TOPIC["db.core.statement"].records(Scope(DAY, FULL, 0.02)))
    assert 800 < sum(len(record.line) for record in records) / len(records) < 1500


def test_nothing_unsanitised_is_left():
    for plan in PLANS:
        for record in plan.records(Scope(DAY, plan.snapshot_types[0], 0.01)):
            assert b"$" not in record.line
            assert b"_archived" not in record.line


def test_some_events_are_logically_removed():
    events = documents("db.quartz.claimantEvent", scale=0.05)
    assert 0 < sum("_removedDateTime" in event for event in events) < len(events)


def test_audit_contexts_are_flat_and_have_no_id():
    (context, *_) = documents("data.businessAudit", snapshot_type=INCREMENTAL)
    assert "_id" not in context
    assert all(isinstance(value, str) for value in context.values())
    assert context["TIME_STAMP"].startswith("2026-11-20T")


def test_equality_answers_are_wrapped_in_a_message():
    (answers, *_) = documents("data.equality", snapshot_type=INCREMENTAL)
    assert list(answers) == ["message"]
    assert {"_id", "@type", "claimantId"} <= answers["message"].keys()


def test_a_days_flights_are_those_of_its_day_of_the_month():
    flights = documents("db.transport.flights", scale=1)
    assert {flight["flightDate"]["d_date"][8:10] for flight in flights} == {"20"}
    assert len(flights) == 11_111


def test_a_large_scale_has_all_the_flights():
    assert load_table("flights").num_rows == 336_776
    rows = sum(1 for _ in BY_TOPIC["db.transport.weather"].records(Scope(DAY, FULL, 31)))
    assert rows == load_table("weather").num_rows
