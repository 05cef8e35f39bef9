from datetime import timedelta

from dataworks_assets.systems import housekeeping
from dataworks_assets.systems.housekeeping import collect_garbage
from dataworks_assets_tests.systems.kickstart.whole_path import ADVERTS, CLAIMS, DAY, World, configured, days_from
from spark.publish.manifest import data_files

GOOD = "id,title\n1,Baker\n"


def stored(world, name, day=DAY):
    location = world.pointer(name, day).location.rpartition("/")[0]
    return {listed.uri.removeprefix(location).split("/")[1] for listed in data_files(world.store.list(location))}


def collected(world, monkeypatch, **now):
    class Later(housekeeping.datetime):
        @classmethod
        def now(cls, tz=None):
            return housekeeping.datetime.__base__.now(tz) + timedelta(**now)

    monkeypatch.setattr(housekeeping, "datetime", Later)
    return collect_garbage(world.platform, world.scope, dry_run=False)


def test_attempts_that_nothing_shows_go_and_what_is_shown_stays(monkeypatch):
    world = World([configured(ADVERTS), configured(CLAIMS)])
    world.csv(GOOD)
    world.json([{"id": "c-1"}])
    for _ in range(4):
        world.run(force=True)
    assert len(stored(world, ADVERTS)) == len(stored(world, CLAIMS)) == 4
    report = collected(world, monkeypatch, days=3)
    assert {item.reason for item in report.removed} == {"superseded"}
    assert report.unknown == ()
    assert len(stored(world, ADVERTS)) == len(stored(world, CLAIMS)) == 2
    assert world.rows(ADVERTS)[0]["title"] == "Baker"


def test_days_that_are_kept_no_longer_leave_the_table(monkeypatch):
    world = World([configured(ADVERTS, retention={"days": 30})])
    for day in days_from(2):
        world.csv(GOOD, day)
    world.run(days=days_from(2))
    report = collected(world, monkeypatch, days=400)
    assert report.dropped == ((ADVERTS, (DAY - timedelta(days=1)).isoformat()),)
    assert world.pointer(ADVERTS, DAY - timedelta(days=1)) is None
    assert world.rows(ADVERTS) is not None
