"""The sample's own bad input is refused for the reason that the sample gives."""

import pytest

from dataworks_assets.stack.sample.bad_input import BAD_INPUTS, Batches
from dataworks_assets.stack.sample.wire import FIXED_KEY, encode_file
from dataworks_assets_tests.systems.adg.whole_path import configured, documents


def name_of(topic):
    return topic.removeprefix("db.").replace(".", "/")


@pytest.fixture
def world(world):
    """All kinds of bad input beside the collection that is well."""
    world.collections = [*world.collections, *(configured(bad.topic) for bad in BAD_INPUTS)]
    for bad in BAD_INPUTS:
        batches = [documents(50, first=100 * batch) for batch in range(3)]
        for file in bad.spoil(Batches(bad.topic, batches, lambda name, records: encode_file(name, records, FIXED_KEY))):
            world.put(file)
    return world


def test_every_kind_is_refused_by_the_check_that_the_sample_names_and_all_else_is_published(world):
    outcome = world.run()
    refused = {bad.topic: {finding.check for finding in outcome.findings(name_of(bad.topic))} for bad in BAD_INPUTS}
    assert {topic: checks for topic, checks in refused.items() if not checks} == {}
    assert [bad.topic for bad in BAD_INPUTS if bad.refused not in refused[bad.topic]] == []
    assert {name for name, _ in outcome.published()} == {"core/statement", "core/claimant"}
