from datetime import timedelta
from decimal import Decimal

from dataworks_assets.systems.plan import Decision
from dataworks_assets_tests.systems.kickstart.whole_path import ADVERTS, CLAIMS, DAY, World, configured, days_from
from spark.publish.lease import LeaseKeeper, LeaseKey


def test_both_formats_are_published_with_their_configured_columns():
    world = World()
    world.csv("ID,Title\n1,Baker\n")
    world.json([{"id": "c-1", "amount": 2.5}])
    outcome = world.run()
    assert outcome.failures == ()
    assert world.rows(ADVERTS) == [{"id": 1, "title": "Baker", "error_desc": None}]
    assert [(row["id"], row["amount"], row["error_desc"]) for row in world.rows(CLAIMS)] == [("c-1", Decimal("2.50"), None)]


def test_where_a_day_lies():
    world = World()
    world.csv("id,title\n1,Baker\n")
    world.json([{"id": "c-1"}])
    world.run()
    assert world.pointer(ADVERTS).location.startswith(
        "memory://output/data/uc_kickstart/non-pii/adverts/date_uploaded=2026-11-20/"
    )
    assert world.pointer(CLAIMS).location.startswith("memory://output/data/uc_kickstart/pii/claims/date_uploaded=2026-11-20/")


def test_several_files_a_day_all_count():
    world = World()
    world.csv("id,title\n1,Baker\n", end="_1.csv")
    world.csv("title,id\nCook,2\n", end="_2.csv")
    assert world.run(ADVERTS).failures == ()
    assert sorted((row["id"], row["title"]) for row in world.rows(ADVERTS)) == [(1, "Baker"), (2, "Cook")]


def test_the_schema_follows_the_source_and_old_days_stay_as_they_are():
    world = World()
    first, second, third = days = days_from(3)
    world.csv("id,title\n1,Baker\n", first)
    world.csv("id,title,wage,Start Date\n2,Cook,9.5,2026-11-20 08:00:00\n", second)
    world.csv("id,wage\nx,none\n4,8\n", third)
    outcome = world.run(ADVERTS, days=days)
    assert outcome.failures == ()
    assert world.types(ADVERTS) == {
        "id": "bigint",
        "title": "string",
        "error_desc": "array<string>",
        "wage": "double",
        "start_date": "timestamp",
    }
    assert [row["wage"] for row in world.rows(ADVERTS, first)] == [None]
    assert [row["wage"] for row in world.rows(ADVERTS, second)] == [9.5]
    assert [(row["id"], row["title"], row["wage"], row["error_desc"]) for row in world.rows(ADVERTS, third)] == [
        (
            None,
            None,
            None,
            [
                "Type Conversion for column id. The source value is: x",
                "Type Conversion for column wage. The source value is: none",
            ],
        ),
        (4, None, 8.0, None),
    ]


def test_every_change_is_an_event_with_before_and_after():
    world = World()
    first, second = days = days_from(2)
    world.csv("id,title\n1,Baker\n", first)
    world.csv("id,wage\nx,9.5\n", second)
    observed = world.run(ADVERTS, days=days).events.observations
    assert [each.partition for each in observed] == [second.isoformat()]
    changes = {tuple(record.data.values()) for record in observed[0].metadata["schema_changes"].records}
    assert changes == {
        ("added", "wage", "", "double"),
        ("missing", "title", "string", ""),
        ("retyped", "id", "bigint", "string"),
    }


def test_a_widening_of_numbers_is_no_change():
    world = World()
    first, second = days = days_from(2)
    world.csv("id,title,n\n1,Baker,5\n", first)
    world.csv("id,title,n\n5000000000,Cook,6000000000\n", second)
    assert [each.partition for each in world.run(ADVERTS, days=days).events.observations] == [first.isoformat()]
    assert world.rows(ADVERTS, second)[0]["id"] == 5_000_000_000


def test_a_day_behind_a_refused_one_waits_and_the_days_before_it_stand():
    world = World()
    first, second, third = days = days_from(3)
    world.csv("id,title\n1,Baker\n", first)
    world.csv('id,title\n1,"Baker\n', second)
    world.csv("id,title\n3,Cook\n", third)
    outcome = world.run(ADVERTS, days=days)
    assert [failure.day for failure in outcome.failures] == [second.isoformat(), third.isoformat()]
    assert outcome.finding(ADVERTS, third).check == "order"
    assert (world.rows(ADVERTS, first), world.rows(ADVERTS, third)) != (None, [])
    assert world.rows(ADVERTS, third) is None
    world.csv("id,title,extra\n2,Miller,x\n", second)
    assert world.run(ADVERTS, days=days).failures == ()
    assert [world.rows(ADVERTS, day)[0]["id"] for day in days] == [1, 2, 3]


def test_a_missing_day_fails_by_name_and_holds_up_the_next():
    world = World()
    first, second, third = days = days_from(3)
    world.csv("id,title\n1,Baker\n", first)
    world.csv("id,title\n3,Cook\n", third)
    outcome = world.run(ADVERTS, days=days)
    assert outcome.finding(ADVERTS, second).cause == "the expected file of vacancy/adverts is not there"
    assert [each.decision for each in outcome.plan.days] == [Decision.NEW, Decision.NOT_EXPORTED, Decision.WAITS]
    assert world.rows(ADVERTS, first) == [{"id": 1, "title": "Baker", "error_desc": None}]
    assert world.rows(ADVERTS, third) is None


def taken(world, day):
    """Another run has this day of the adverts."""
    keeper = LeaseKeeper(world.store, world.scope.control_uri, owner="another", ttl_seconds=120)
    keeper.acquire_many([LeaseKey("kickstart", ADVERTS, "partner", day.isoformat())])


def test_a_day_behind_one_that_another_run_has_is_left_to_the_next_try():
    world = World()
    first, second = days_from(2)
    world.csv("id,title\n1,Baker\n", first)
    world.csv("id,wage\n2,9\n", second)
    taken(world, first)
    outcome = world.run(ADVERTS, days=[first, second])
    cause = f"another run has {first}, and the schema follows the days in their order"
    assert outcome.finding(ADVERTS, second).cause == cause
    assert [failure.lies_in_data for failure in outcome.failures] == [False, False]
    assert world.types(ADVERTS) == {}


def test_where_columns_are_fixed_a_day_does_not_wait_for_another_runs():
    world = World([configured(ADVERTS, evolves=False, columns=["id"])])
    first, second = days_from(2)
    for day in (first, second):
        world.csv("id\nx\n", day)
    taken(world, first)
    assert [failure.day for failure in world.run(days=[first, second]).failures] == [first.isoformat()]
    assert world.rows(ADVERTS, second)[0]["id"] == "x"


def test_a_collection_that_must_not_evolve_refuses_changed_columns_and_types():
    world = World([configured(ADVERTS, columns=[{"name": "id", "type": "bigint"}], evolves=False)])
    first, second, third = days = days_from(3)
    world.csv("id,extra\n1,x\n", first)
    world.csv("id\nx\n", second)
    world.csv("id\n3\n", third)
    outcome = world.run(days=days)
    assert outcome.finding(ADVERTS, first).cause == "the source's columns are not the table's: extra added as string"
    assert outcome.finding(ADVERTS, second).cause == "values do not cast to their columns' types: id bigint came as string"
    assert world.rows(ADVERTS, third) == [{"id": 3, "error_desc": None}]


def test_what_is_published_and_unchanged_is_left_alone_also_when_its_source_has_expired():
    world = World()
    uri = world.csv("id,title\n1,Baker\n")
    world.run(ADVERTS)
    assert [each.decision for each in world.run(ADVERTS).plan.days] == [Decision.UNCHANGED]
    world.source.delete([uri])
    world.today = DAY + timedelta(days=30)
    outcome = world.run(ADVERTS)
    assert [each.decision for each in outcome.plan.days] == [Decision.UNCHANGED]
    assert len(world.submissions) == 1


def test_a_replaced_file_is_read_again_and_a_forced_day_too():
    world = World()
    world.csv("id,title\n1,Baker\n")
    world.run(ADVERTS)
    world.csv("id,title\n2,Cook\n")
    assert [each.decision for each in world.run(ADVERTS).plan.days] == [Decision.CHANGED]
    assert [each.decision for each in world.run(ADVERTS, force=True).plan.days] == [Decision.FORCED]
    assert world.rows(ADVERTS) == [{"id": 2, "title": "Cook", "error_desc": None}]
