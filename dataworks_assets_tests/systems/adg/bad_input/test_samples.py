"""The sample's own bad input, in two days in a row: each day is refused, or published whole, as the sample's truth says."""

from datetime import date

import pytest

from dataworks_assets.cli.sample import sample_request
from dataworks_assets.config.environment import Environment
from dataworks_assets.config.loader import load_settings
from dataworks_assets.stack.sample.bad_input import BAD_INPUTS
from dataworks_assets.stack.sample.export import SampleWriter
from dataworks_assets.stack.sample.truth import sorted_sha256
from dataworks_assets.stack.sample.wire import FIXED_KEY
from dataworks_assets_tests.systems.adg.whole_path import DAY, DAY_AFTER, DAY_BEFORE, World

WELL = "db.core.toDo"
DAYS = (DAY_BEFORE, DAY, DAY_AFTER)


def name_of(topic):
    return topic.removeprefix("db.").replace(".", "/")


def checks_failed(outcome, place):
    name, day = place
    return {finding.check for finding in outcome.findings(name, date.fromisoformat(day))}


def described(world, place):
    """Rows, ids and texts of a published day as a truth has them."""
    name, day = place
    table = world.table(name, date.fromisoformat(day))
    ids, texts = ([text.encode() for text in table[column].to_pylist()] for column in ("id", "record"))
    return table.num_rows, sorted_sha256(ids), sorted_sha256(texts)


@pytest.fixture(scope="module")
def world():
    """The collections as the option `bad_input` configures them, beside one that is well."""
    configured = load_settings("local", environment=Environment(options=("bad_input",))).collections
    return World([each for each in configured if each.names.database == "broken" or each.topic == WELL])


@pytest.fixture(scope="module")
def truths(world):
    """What the sample says of its topics, by name and day."""
    topics = (WELL, *(bad.topic for bad in BAD_INPUTS))
    request = sample_request(world.settings.deployment, DAYS, snapshot_types=("full",), topics=topics, scale=0.1)
    exports = [each.truth for each in SampleWriter(world.store, lambda: FIXED_KEY).write(request).exports]
    return {(name_of(topic.topic), export.export_date): topic for export in exports for topic in export.topics}


@pytest.fixture(scope="module")
def outcome(world, truths):
    return world.run(days=DAYS)


@pytest.fixture(scope="module")
def refused(truths):
    return {place: truth.refused for place, truth in truths.items() if truth.refused}


@pytest.fixture(scope="module")
def sound(truths):
    return {place: truth for place, truth in truths.items() if not truth.refused}


def test_every_kind_is_configured(world):
    broken = {each.topic for each in world.collections if each.names.database == "broken"}
    assert broken == {bad.topic for bad in BAD_INPUTS}


def test_what_the_truth_calls_refused_is_refused_by_the_check_it_names(outcome, refused):
    assert {(failed.collection, failed.day) for failed in outcome.failures if failed.lies_in_data} == refused.keys()
    found = {place: checks_failed(outcome, place) for place in refused}
    assert {place: (check, found[place]) for place, check in refused.items() if check not in found[place]} == {}


def test_all_else_is_published(outcome, sound):
    assert outcome.published() == sound.keys()


def test_what_is_published_has_the_rows_and_the_texts_of_the_truth(world, outcome, sound):
    assert {place: described(world, place) for place in sound} == {
        place: (truth.rows, truth.ids_sha256, truth.records_sha256) for place, truth in sound.items()
    }


def test_bad_only_against_the_day_before_is_every_second_day(refused):
    assert [day for name, day in refused if name == "broken/rowsToNone"] == [DAY.isoformat()]


def test_a_field_that_changes_its_type_is_null_and_an_error_of_its_rows(world, outcome):
    counts = [world.table("broken/typeChange", day)["_errors"].null_count for day in DAYS]
    assert counts == [60, 40, 60]
    assert world.table("broken/typeChange", DAY)["value"].null_count == 20
