"""What is wrong with the set of objects of an export, and what only looks so."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from dataworks_assets.stack.sample.wire import Destination, store_file
from dataworks_assets_tests.systems.adg.bad_input.judging import (
    CLAIMANT,
    DOUBTFUL,
    EXPORT_AGAIN,
    STATEMENT,
    WELL,
    accepted,
    file_of,
    refused,
    told,
)
from dataworks_assets_tests.systems.adg.whole_path import DAY, DAY_AFTER, DAY_BEFORE, configured, document, documents


def test_a_gap_in_the_batches_refuses_the_day_by_the_number_that_is_missing(world):
    world.write(STATEMENT, DAY, documents(2))
    world.write(STATEMENT, DAY, documents(2, first=10), batch=4)
    outcome = refused(world)
    finding = outcome.finding(DOUBTFUL)
    assert (finding.check, finding.object, finding.place) == ("slices", "db.core.statement-000-256", "before 000004")
    assert finding.cause == "batch 000002 to 000003 is missing: the producer lost it"
    assert finding.remedy == EXPORT_AGAIN
    assert told(outcome, finding)


def test_batches_that_do_not_begin_at_one_are_a_gap(world):
    world.write(STATEMENT, DAY, documents(2), batch=2)
    assert refused(world).finding(DOUBTFUL).cause == "batch 000001 is missing: the producer lost it"


def test_overlapping_slices_refuse_the_day_and_are_both_named(world):
    world.write(STATEMENT, DAY, documents(2), part=(0, 128))
    world.write(STATEMENT, DAY, documents(2, first=10), part=(100, 256))
    outcome = refused(world)
    finding = outcome.finding(DOUBTFUL)
    assert (finding.object, finding.place) == ("db.core.statement-000-128", "db.core.statement-100-256")
    assert (finding.check, finding.remedy) == ("slices", EXPORT_AGAIN)
    assert told(outcome, finding)


def below(world, folder):
    place = world.destination()
    return Destination(world.store, f"{place.data_uri}/{folder}", f"{place.manifest_uri}/{folder}")


def test_files_of_one_name_under_two_prefixes_are_both_read(world):
    world.put(file_of(documents(2)))
    store_file(below(world, "again"), file_of(documents(2, first=10)))
    outcome = accepted(world)
    assert world.ids(DOUBTFUL) == ["s0", "s1", "s10", "s11"]
    said = [finding.cause for finding in outcome.findings(DOUBTFUL, passed=True) if finding.check == "slices"]
    assert "files of the same name under two prefixes: all are read" in said


def test_a_copy_under_another_prefix_refuses_the_day(world):
    file = file_of(documents(2))
    world.put(file)
    store_file(below(world, "copy"), file)
    outcome = refused(world)
    assert {finding.check for finding in outcome.findings(DOUBTFUL)} <= {"ids", "slices"}
    assert f"{below(world, 'copy').data_uri}/{file.name.stem}" in outcome.failures[0].cause


def test_a_copy_that_is_removed_with_its_manifest_leaves_nothing_behind(world):
    file = file_of(documents(2))
    world.put(file)
    store_file(below(world, "copy"), file)
    refused(world)
    copy = below(world, "copy")
    world.store.delete([f"{copy.data_uri}/{file.name.stem}.txt.gz.enc", f"{copy.manifest_uri}/{file.name.stem}.csv"])
    accepted(world)


def test_a_manifest_whose_copied_file_was_removed_alone_is_named_with_its_folder(world):
    file = file_of(documents(2))
    world.put(file)
    store_file(below(world, "copy"), replace(file, body=None))
    finding = refused(world).finding(DOUBTFUL)
    assert finding.cause.startswith(f"the data file copy/{file.name.stem}.txt.gz.enc of this manifest is not there")


def test_a_topic_that_is_not_configured_is_told_and_left_alone(world):
    world.put(file_of(documents(2)))
    world.write("db.core.unheardOf", DAY, documents(2))
    outcome = accepted(world)
    assert "WARNING topic db.core.unheardOf is exported but not configured: left alone" in outcome.events.lines
    assert world.plan().unconfigured_topics == ("db.core.unheardOf",)
    assert not any("unheard" in uri for uri in world.objects())


def test_many_topics_that_are_not_configured_are_counted(world):
    for number in range(25):
        world.write(f"db.core.unheardOf{chr(ord('A') + number)}", DAY, documents(1))
    lines = world.run(WELL).events.lines
    assert sum("unheardOf" in line for line in lines) == 20
    assert "WARNING 5 more topics are exported but not configured: left alone" in lines


def test_foreign_objects_are_told_and_left_alone(world):
    world.put(file_of(documents(2)))
    place = world.destination()
    foreign = [
        f"{place.data_uri}/_SUCCESS",
        f"{place.data_uri}/db.core.statement-1-2-3.txt.gz.enc",
        f"{place.manifest_uri}/x.txt",
    ]
    for uri in foreign:
        world.store.put(uri, b"")
    outcome = accepted(world)
    for uri in foreign:
        assert f"WARNING {uri} is no data file of an export: left alone" in outcome.events.lines


def test_many_foreign_objects_are_counted(world):
    for number in range(25):
        world.store.put(f"{world.destination().data_uri}/{number}.tmp", b"")
    lines = world.run(WELL).events.lines
    assert sum("is no data file" in line for line in lines) == 20
    assert "WARNING 5 more objects are no data files of an export: left alone" in lines


def test_a_collection_without_a_file_in_a_complete_export_is_an_empty_partition(world):
    outcome = accepted(world)
    assert world.table(DOUBTFUL).num_rows == 0
    assert world.newest(DOUBTFUL).num_rows == 0
    assert outcome.check(DOUBTFUL).description == "0 rows published"


def test_a_day_that_was_not_exported_is_an_error_and_never_an_empty_day(world):
    outcome = world.run(DOUBTFUL, WELL, days=[DAY, DAY_AFTER])
    finding = outcome.finding(DOUBTFUL, DAY_AFTER)
    assert (finding.place, finding.cause) == (
        DAY_AFTER.isoformat(),
        "the day was not exported: no object under the day's prefix",
    )
    assert finding.remedy.startswith("Have the producer export the day, or ask for days that were exported")
    assert {failed.collection for failed in outcome.failures} == {DOUBTFUL, WELL}
    assert all(failed.day == DAY_AFTER.isoformat() and failed.lies_in_data for failed in outcome.failures)
    assert world.table(DOUBTFUL, DAY_AFTER) is None
    assert world.ids(WELL) == ["s100", "s101"]


def test_where_no_day_was_exported_no_job_starts(world):
    world.run(days=[DAY_AFTER])
    assert world.submissions == []


NONE_LEFT = "no rows, 3 the day before"


def test_rows_that_fell_to_none_are_refused_until_confirmed(world):
    world.write(STATEMENT, DAY_BEFORE, documents(3))
    world.run(DOUBTFUL, days=[DAY_BEFORE])
    outcome = refused(world)
    finding = outcome.finding(DOUBTFUL)
    assert (finding.check, finding.place, finding.cause) == ("rows", DAY.isoformat(), NONE_LEFT)
    assert "run again with `confirm: true`" in finding.remedy
    assert told(outcome, finding)
    assert world.newest(DOUBTFUL).num_rows == 3
    world.run(DOUBTFUL, confirm=True)
    assert world.newest(DOUBTFUL).num_rows == 0


def test_rows_that_fell_to_none_are_refused_also_where_one_run_reads_both_days(world):
    world.write(STATEMENT, DAY_BEFORE, documents(3))
    world.write(CLAIMANT, DAY_BEFORE, documents(2, first=100))
    outcome = world.run(days=[DAY_BEFORE, DAY])
    assert outcome.finding(DOUBTFUL).cause == NONE_LEFT
    assert world.table(DOUBTFUL, DAY_BEFORE).num_rows == 3
    assert world.newest(DOUBTFUL).num_rows == 3


DAY_AFTER_NEXT = DAY_AFTER + timedelta(days=1)


def test_a_day_is_held_against_the_nearest_published_one_where_the_day_before_is_none(world):
    world.write(STATEMENT, DAY_BEFORE, documents(3))
    world.write(CLAIMANT, DAY_AFTER, documents(2, first=100))
    world.write(STATEMENT, DAY_AFTER_NEXT, documents(3))
    world.run(DOUBTFUL, days=[DAY_BEFORE, DAY_AFTER_NEXT])
    outcome = world.run(DOUBTFUL, days=[DAY_AFTER])
    assert outcome.finding(DOUBTFUL, DAY_AFTER).cause == f"no rows, 3 on {DAY_BEFORE}"


def test_a_day_is_held_against_the_nearest_one_of_its_run_where_the_day_before_was_not_exported(world):
    world.write(STATEMENT, DAY_BEFORE, documents(3))
    world.write(CLAIMANT, DAY_AFTER, documents(2, first=100))
    outcome = world.run(DOUBTFUL, days=[DAY_BEFORE, DAY_AFTER])
    assert outcome.finding(DOUBTFUL, DAY_AFTER).cause == f"no rows, 3 on {DAY_BEFORE}"
    assert world.newest(DOUBTFUL).num_rows == 3


def test_a_day_is_held_against_the_day_before_as_it_will_be_shown(world):
    world.write(STATEMENT, DAY_BEFORE, documents(1))
    world.run(DOUBTFUL, days=[DAY_BEFORE])
    world.collections = [configured(STATEMENT, row_loss_share=0.5), *world.collections[1:]]
    world.write(STATEMENT, DAY_BEFORE, documents(10))
    world.write(STATEMENT, DAY, documents(4))
    outcome = world.run(DOUBTFUL, days=[DAY_BEFORE, DAY])
    assert outcome.finding(DOUBTFUL).cause == "4 rows, 10 the day before: more than 50% lost"


def test_a_collection_may_lose_a_share_of_its_rows(world):
    world.collections = [configured(STATEMENT, row_loss_share=0.5), *world.collections[1:]]
    world.write(STATEMENT, DAY_BEFORE, documents(10))
    world.write(STATEMENT, DAY, documents(5))
    world.run(DOUBTFUL, days=[DAY_BEFORE])
    accepted(world)


def test_an_incremental_may_have_no_rows_after_a_day_with_some(world):
    world.snapshot_type = type(world.snapshot_type).INCREMENTAL
    world.write(STATEMENT, DAY_BEFORE, documents(3))
    world.write(CLAIMANT, DAY, documents(2, first=100))
    world.run(DOUBTFUL, days=[DAY_BEFORE])
    accepted(world)


@pytest.mark.parametrize("longer", ["db.core.statementHistory", "db.core.statement-archive", "db.core.statement_history2"])
def test_a_topic_that_begins_with_anothers_name_is_another(world, longer):
    world.collections = [*world.collections, configured(longer)]
    world.put(file_of(documents(2)))
    world.write(longer, DAY, documents(3, first=50))
    world.run()
    assert world.ids(DOUBTFUL) == ["s0", "s1"]
    assert world.ids(re.sub("db.core.", "core/", longer)) == ["s50", "s51", "s52"]


def test_more_than_1000_objects_are_all_read(world):
    for batch in range(1, 1002):
        world.write(STATEMENT, DAY, [document(f"d{batch:04}")], batch=batch)
    accepted(world)
    assert world.table(DOUBTFUL).num_rows == 1001
