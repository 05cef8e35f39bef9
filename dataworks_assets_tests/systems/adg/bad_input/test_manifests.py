"""What a data file and its manifest do not agree on, and ids that are there twice: the day is refused, no id in clear."""

import hashlib
from dataclasses import replace

import pytest

from dataworks_assets_tests.systems.adg.bad_input.judging import (
    DOUBTFUL,
    EXPORT_AGAIN,
    STATEMENT,
    accepted,
    file_of,
    listing,
    refused,
    told,
)
from dataworks_assets_tests.systems.adg.whole_path import DAY, bare, configured, document, documents
from spark.jobs import packing


def sha256(identifier):
    return hashlib.sha256(b'{"d_oid":"%s"}' % identifier.encode()).hexdigest()


def test_a_manifest_with_one_record_more_refuses_the_day(world):
    file = listing(file_of(documents(3)), documents(4))
    world.put(file)
    outcome = refused(world)
    finding = outcome.finding(DOUBTFUL)
    assert (finding.check, finding.object, finding.place) == ("manifest", world.data_uri(file), world.manifest_uri(file))
    assert (finding.cause, finding.remedy) == ("the file holds 3 documents, its manifest lists 4", EXPORT_AGAIN)
    assert told(outcome, finding)


def test_a_manifest_with_one_record_fewer_refuses_the_day_and_names_the_line(world):
    file = listing(file_of(documents(3)), documents(2))
    world.put(file)
    manifest, ids = refused(world).findings(DOUBTFUL)
    assert manifest.cause == "the file holds 3 documents, its manifest lists 2"
    assert (ids.object, ids.place) == (world.data_uri(file), f"first: line 3, id SHA-256 {sha256('s2')}")
    assert ids.cause == "1 id is in the file and not in its manifest"


def test_a_manifest_with_another_id_refuses_the_day_and_names_the_line(world):
    file = listing(file_of(documents(3)), [*documents(2), *documents(1, first=9)])
    world.put(file)
    outcome = refused(world)
    finding = outcome.finding(DOUBTFUL)
    assert (finding.check, finding.place) == ("ids", f"first: line 3, id SHA-256 {sha256('s2')}")
    assert (finding.object, finding.remedy) == (world.data_uri(file), EXPORT_AGAIN)
    assert told(outcome, finding)


def test_the_order_of_the_manifest_does_not_matter(world):
    world.put(listing(file_of(documents(3)), documents(3)[::-1]))
    accepted(world)


def test_a_quarantined_line_answers_for_one_record_of_the_manifest(world):
    world.collections = [configured(STATEMENT, quarantine_share=0.5), *world.collections[1:]]
    world.write(STATEMENT, DAY, [*documents(2), bare(b"12", "lost")])
    accepted(world)


def test_a_quarantined_line_excuses_no_other_id(world):
    world.collections = [configured(STATEMENT, quarantine_share=0.5), *world.collections[1:]]
    file = file_of([*documents(2), bare(b"12", "lost")])
    world.put(listing(file, [*documents(1), bare(b"12", "lost"), *documents(1, first=9)]))
    assert refused(world).finding(DOUBTFUL).check == "ids"


def test_a_missing_manifest_refuses_the_day_and_says_where_it_was_looked_for(world):
    file = replace(file_of(documents(3)), manifest=None)
    world.put(file)
    outcome = refused(world)
    finding = outcome.finding(DOUBTFUL)
    assert (finding.check, finding.object, finding.remedy) == ("manifest", world.data_uri(file), EXPORT_AGAIN)
    assert finding.cause == f"the data file has no manifest: {world.manifest_uri(file)} is not there"
    assert told(outcome, finding)


def test_where_no_manifest_is_required_none_is_missed(world):
    world.deployment_fields = {"exports": {"first_day": "2026-11-01", "manifest_required": False}}
    world.put(replace(file_of(documents(3)), manifest=None))
    accepted(world)


def test_one_collection_may_do_without_manifests(world):
    world.collections = [configured(STATEMENT, manifest_required=False), *world.collections[1:]]
    world.put(replace(file_of(documents(3)), manifest=None))
    accepted(world)


def test_one_collection_may_require_manifests_where_the_others_do_not(world):
    world.deployment_fields = {"exports": {"first_day": "2026-11-01", "manifest_required": False}}
    world.collections = [configured(STATEMENT, manifest_required=True), *world.collections[1:]]
    world.put(replace(file_of(documents(3)), manifest=None))
    assert refused(world).finding(DOUBTFUL).check == "manifest"


def test_a_manifest_without_its_data_file_refuses_the_day(world):
    world.put(file_of(documents(3)))
    lost = replace(file_of(documents(3, first=10), batch=2), body=None)
    world.put(lost)
    outcome = refused(world)
    finding = outcome.finding(DOUBTFUL)
    assert (finding.check, finding.object, finding.remedy) == ("manifest", world.manifest_uri(lost), EXPORT_AGAIN)
    assert finding.cause.endswith("000-256-000002.txt.gz.enc of this manifest is not there: it was lost")
    assert told(outcome, finding)


def test_a_collection_whose_files_were_all_lost_is_not_an_empty_one(world):
    world.put(replace(file_of(documents(3)), body=None))
    assert refused(world).finding(DOUBTFUL).check == "manifest"


def test_a_manifest_that_is_none_is_named_with_its_line(world):
    file = file_of(documents(3))
    broken = file.manifest.splitlines(keepends=True)
    file = replace(file, manifest=b"".join([broken[0], b"what is this\n", *broken[1:]]))
    world.put(file)
    finding = refused(world).finding(DOUBTFUL)
    assert (finding.check, finding.object, finding.place) == ("manifest", world.manifest_uri(file), "line 2")
    assert finding.cause.startswith("not a manifest record")


def test_a_pipe_in_an_id_is_read_on_both_sides(world):
    world.write(STATEMENT, DAY, [document("a|1562225255104|core|statement|EXPORT|x"), document('q"uote,|')])
    accepted(world)


def test_an_id_twice_in_a_file_refuses_the_day_and_names_both_lines(world):
    file = world.write(STATEMENT, DAY, [*documents(2), *documents(1)])
    outcome = refused(world)
    finding = outcome.finding(DOUBTFUL)
    assert (finding.check, finding.object) == ("ids", world.data_uri(file))
    assert finding.place == f"line 3, id SHA-256 {sha256('s0')}"
    assert f"the first before: {world.data_uri(file)}, line 1" in finding.cause
    assert "set unique_ids to false" in finding.remedy
    assert told(outcome, finding)


def test_an_id_twice_in_the_batches_of_a_slice_refuses_the_day_and_names_both_files(world):
    first = world.write(STATEMENT, DAY, documents(2))
    second = world.write(STATEMENT, DAY, documents(2, first=1), batch=2)
    finding = refused(world).finding(DOUBTFUL)
    assert (finding.object, finding.place) == (world.data_uri(second), f"line 1, id SHA-256 {sha256('s1')}")
    assert f"the first before: {world.data_uri(first)}, line 2" in finding.cause


def test_an_id_twice_across_the_tasks_of_a_slice_refuses_the_day_and_names_both_files(world, monkeypatch):
    monkeypatch.setattr(packing, "_SMALLEST_SHARD_BYTES", 1)
    files = [world.write(STATEMENT, DAY, documents(3, first=10 * batch), batch=batch) for batch in range(1, 12)]
    last = world.write(STATEMENT, DAY, [*documents(2, first=120), *documents(1, first=11)], batch=12)
    finding = refused(world).finding(DOUBTFUL)
    assert (finding.check, finding.object, finding.place) == ("ids", world.data_uri(last), "line 3")
    assert finding.cause == f"1 id is there twice in one slice; the first before: {world.data_uri(files[0])}, line 2"
    assert not any("_audit" in uri for uri in world.objects())


def test_one_id_in_disjoint_slices_cannot_be_and_is_not_looked_for(world):
    world.write(STATEMENT, DAY, documents(2), part=(0, 128))
    world.write(STATEMENT, DAY, documents(2), part=(128, 256))
    accepted(world)


def test_a_collection_may_allow_an_id_twice(world):
    world.collections = [configured(STATEMENT, unique_ids=False), *world.collections[1:]]
    world.write(STATEMENT, DAY, [*documents(2), *documents(1)])
    accepted(world)
    assert world.ids(DOUBTFUL) == ["s0", "s0", "s1"]


@pytest.mark.parametrize("count", [2, 4])
def test_without_ids_a_manifest_is_compared_by_count(world, count):
    world.collections = [configured(STATEMENT, id_path=None), *world.collections[1:]]
    world.put(listing(file_of([bare(b'{"a":1}')] * 3), documents(count)))
    assert refused(world).finding(DOUBTFUL).cause == f"the file holds 3 documents, its manifest lists {count}"


def test_no_id_is_told_in_clear(world):
    canary = "canary-41d7"
    file = file_of([document(canary), document(canary), document("other")])
    world.put(listing(file, [document(canary)]))
    outcome = refused(world)
    assert canary not in str(outcome.events.lines) + str(outcome.failures) + str(outcome.check(DOUBTFUL))
    assert canary not in str([world.store.read(uri) for uri in world.objects("memory://output/_dataworks")])
