"""The whole way with Glue as the catalog: published, unchanged, read again, newest table, days that are too old."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from dataworks_assets.systems.housekeeping import collect_garbage
from dataworks_assets.systems.plan import Decision
from dataworks_assets_tests.systems.adg.whole_path import DAY, DAY_BEFORE, World, configured, documents
from spark.contract import CatalogSettings
from spark.publish.catalogs import open_catalog

TOPIC, NAME = "db.core.statement", "core/statement"


@pytest.fixture
def world(stack) -> World:
    """A world whose catalog is the stack's Glue, in a database of its own."""
    glue = open_catalog(CatalogSettings(kind="glue", uri=stack.aws_endpoint, region=stack.region))
    database = f"adg_{uuid.uuid4().hex[:12]}"
    return World(collections=(configured(TOPIC, database=database, retention={"days": 1}),), catalog=glue)


def test_days_are_published_found_unchanged_done_again_and_dropped(world):
    for number, day in enumerate((DAY_BEFORE, DAY), start=1):
        world.write(TOPIC, day, documents(number))
    assert world.run(days=[DAY_BEFORE, DAY]).failures == ()
    assert (len(world.ids(NAME, DAY_BEFORE)), len(world.ids(NAME)), world.newest(NAME).num_rows) == (1, 2, 2)
    assert {planned.decision for planned in world.plan(days=[DAY_BEFORE, DAY]).days} == {Decision.UNCHANGED}
    world.write(TOPIC, DAY, documents(5))
    assert world.run(days=[DAY_BEFORE, DAY]).published() == {(NAME, DAY_BEFORE.isoformat()), (NAME, DAY.isoformat())}
    assert (len(world.ids(NAME)), world.newest(NAME).num_rows) == (5, 5)
    assert collect_garbage(world.platform, world.scope, dry_run=False).dropped == ((NAME, DAY_BEFORE.isoformat()),)
    assert (world.pointer(NAME, DAY_BEFORE), world.newest(NAME).num_rows) == (None, 5)


def test_a_column_that_is_declared_later_is_in_the_table(world):
    world.write(TOPIC, DAY, documents(2))
    assert world.run().failures == ()
    (collection,) = world.collections
    world.collections = (
        collection.model_copy(
            update={"layout": "typed", "columns": configured(TOPIC, layout="typed", columns=("name",)).columns}
        ),
    )
    world.write(TOPIC, DAY + timedelta(days=1), documents(2))
    assert world.run(days=[DAY + timedelta(days=1)]).failures == ()
    table = world.job(NAME).tables[0]
    assert "name" in [column.name for column in world.catalog.describe(table.database, table.name).columns]
