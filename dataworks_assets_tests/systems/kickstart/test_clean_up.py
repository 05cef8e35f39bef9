from datetime import timedelta

import pytest

from dataworks_assets.systems.holds import hold
from dataworks_assets.systems.kickstart.clean_up import forget, look_at_history
from dataworks_assets.systems.kickstart.days import beginning, catch_up_start
from dataworks_assets.systems.plan import Decision
from dataworks_assets_tests.systems.kickstart.whole_path import ADVERTS, DAY, World, configured, days_from
from spark.errors import ConfigurationError

GOOD = "id,title\n1,Baker\n"


@pytest.fixture
def world():
    made = World([configured(ADVERTS)])
    made.uris = [made.csv(GOOD, day) for day in days_from(2)]
    made.run(days=days_from(2))
    return made


def look(world):
    return look_at_history(world.platform, world.planner, world.scope.select([]))


def test_a_history_that_can_be_rebuilt_is_forgotten_and_rebuilt(world):
    history = look(world)
    assert history.text() == "2 published days can be rebuilt from the source, all of them"
    assert forget(world.platform, world.scope, history, run_id="run", confirmed=False) == 2
    assert world.pointer(ADVERTS) is None
    assert world.run(days=days_from(2)).failures == ()
    assert world.rows(ADVERTS)[0]["title"] == "Baker"


def test_what_the_source_has_no_more_is_named_and_kept_unless_it_is_confirmed(world):
    world.source.delete(world.uris[:1])
    history = look(world)
    assert history.text() == "1 published days can be rebuilt from the source, 1 cannot: vacancy/adverts 2026-11-19"
    with pytest.raises(ConfigurationError, match=r"CLEAN_UP_FLG would lose data: .* vacancy/adverts 2026-11-19"):
        forget(world.platform, world.scope, history, run_id="run", confirmed=False)
    assert world.pointer(ADVERTS, DAY - timedelta(days=1)) is not None
    assert forget(world.platform, world.scope, history, run_id="run", confirmed=True) == 2
    assert world.pointer(ADVERTS, DAY - timedelta(days=1)) is None


def test_a_loss_that_was_confirmed_keeps_no_later_day_back(world):
    world.source.delete(world.uris[:1])
    forget(world.platform, world.scope, look(world), run_id="run", confirmed=True)
    outcome = world.run(days=days_from(2))
    assert outcome.failures == ()
    assert [each.decision for each in outcome.plan.days] == [Decision.GIVEN_UP, Decision.NEW]


def test_a_history_that_was_forgotten_is_open_again_from_its_first_day(world):
    world.today = DAY + timedelta(days=20)  # long after what the source can be thought to have
    scope, collections = world.scope, world.scope.select([])
    first = days_from(2)[0]
    assert beginning(world.platform, scope, collections, today=world.today) == first
    forget(world.platform, scope, look(world), run_id="run", confirmed=False)
    assert beginning(world.platform, scope, collections, today=world.today) == first  # as a retry begins
    assert catch_up_start(world.platform, scope, collections, today=world.today) == first
    assert world.run(days=days_from(2)).failures == ()
    assert catch_up_start(world.platform, scope, collections, today=world.today) == DAY + timedelta(days=1)


def test_what_is_held_is_left_as_it_is(world):
    hold(world.store, world.scope, ADVERTS, reason="rolled back", by="op")
    history = look(world)
    assert history.text().endswith("held, and left as it is: vacancy/adverts")
    assert forget(world.platform, world.scope, history, run_id="run", confirmed=True) == 0
    assert world.pointer(ADVERTS) is not None


def test_nothing_published_is_nothing_to_forget():
    world = World([configured(ADVERTS)])
    assert forget(world.platform, world.scope, look(world), run_id="run", confirmed=False) == 0
