from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from dataworks_assets.cli.main import app
from dataworks_assets.cli.workplace import Workplace
from dataworks_assets.systems.kickstart import room
from dataworks_assets.systems.kickstart.acknowledged import read_acknowledged
from dataworks_assets_tests.systems.kickstart.whole_path import ADVERTS, CLAIMS, World, configured, days_from
from spark.errors import ConfigurationError

YESTERDAY = datetime.now(UTC).date() - timedelta(days=1)
GOOD = "id,title\n1,Baker\n"


@pytest.fixture
def world(monkeypatch):
    today = YESTERDAY + timedelta(days=1)
    made = World([configured(ADVERTS), configured(CLAIMS)], first_day=YESTERDAY - timedelta(days=1), today=today)
    monkeypatch.setattr(room, "source_store", lambda platform, run_id: made.source)
    return made


@pytest.fixture
def command(world):
    workplace = Workplace()
    workplace.settings, workplace.platform = world.settings, world.platform

    def call(*arguments, exit_code=0):
        result = CliRunner().invoke(app, ["kickstart", *arguments], obj=workplace, catch_exceptions=exit_code == 2)
        assert result.exit_code == exit_code, result.output
        return result.output

    return call


def test_the_plan_says_what_a_catch_up_would_do_and_why(world, command):
    before, _ = days_from(2, YESTERDAY)
    world.csv(GOOD, before)
    world.run(ADVERTS, days=[before])
    said = command("plan", "--module", "vacancy")
    assert f"{YESTERDAY}" in said
    assert "not exported" in said
    assert f"{before}" not in said


def test_a_lost_day_is_given_up_with_a_reason_and_a_published_one_is_not(world, command):
    before = YESTERDAY - timedelta(days=1)
    assert "Given up" in command("acknowledge", f"kickstart/{ADVERTS}", "--day", str(before), "--reason", "lost")
    assert read_acknowledged(world.platform.store, world.scope)[ADVERTS, before].reason == "lost"
    world.csv(GOOD, YESTERDAY)
    world.run(ADVERTS, days=[YESTERDAY])
    assert "nothing to give" in command("acknowledge", ADVERTS, "--day", str(YESTERDAY), "--reason", "x", exit_code=2)
    assert "and why" in command("acknowledge", ADVERTS, "--day", str(before), exit_code=2)


def test_where_all_is_complete_nothing_is_done(world, command):
    for day in days_from(2, YESTERDAY):
        world.csv(GOOD, day)
    world.run(ADVERTS, days=days_from(2, YESTERDAY))
    assert "every day up to yesterday is complete" in command("run", "--module", "vacancy")
    assert "Nothing to do" in command("plan", "--module", "vacancy")


def test_a_dry_run_says_what_a_run_would_do_and_starts_none(world, command):
    before, _ = days_from(2, YESTERDAY)
    for day in (before, YESTERDAY):
        world.csv(GOOD, day)
    world.run(ADVERTS, days=[before])
    said = command("run", "--module", "vacancy", "--start", str(YESTERDAY), "--dry-run")
    assert "1 collection-day to do" in said
    assert world.pointer(ADVERTS, YESTERDAY) is None


def test_a_clean_up_says_what_can_be_rebuilt_and_asks(world, command):
    world.first_day = YESTERDAY
    uri = world.csv(GOOD, YESTERDAY)
    world.run(ADVERTS, days=[YESTERDAY])
    world.source.delete([uri])
    said = command("run", "--module", "vacancy", "--clean-up", exit_code=1)
    assert "0 published days can be rebuilt from the source, 1 cannot" in said
    assert world.pointer(ADVERTS, YESTERDAY) is not None


def test_the_test_folder_is_refused_in_production(world):
    workplace = Workplace()
    world.environment = "production"
    workplace.settings, workplace.platform = world.settings, world.platform
    with pytest.raises(ConfigurationError, match="E2E_TEST_FLG is refused in production"):
        CliRunner().invoke(app, ["kickstart", "run", "--e2e-test"], obj=workplace, catch_exceptions=False)
