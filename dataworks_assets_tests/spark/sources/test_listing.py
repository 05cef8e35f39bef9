from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from spark.sources.listing import list_export
from spark.store import ObjectStore

DATA = "memory://input/ucdata/2026-11-20/full"
MANIFESTS = "memory://manifests/2026-11-20/full"
TOPIC = "db.core.statement"


def listing_of(names, manifests=None, *, manifest_required=True, manifest_uri=MANIFESTS):
    """Lists a store with data files of these names, and manifests of the same ones unless given."""
    store = ObjectStore.in_memory()
    for name in names:
        file = name if "." in name.rpartition("-")[2] else f"{name}.txt.gz.enc"
        store.put(f"{DATA}/{file}", name.encode())
    for name in [name for name in names if "." not in name.rpartition("-")[2]] if manifests is None else manifests:
        store.put(f"{MANIFESTS}/{name}.csv", name.encode())
    return list_export(store, DATA, manifest_uri, manifest_required=manifest_required)


def causes(listing, topic=TOPIC):
    return [finding.cause for finding in listing.findings[topic] if not finding.passed]


def test_a_data_file_has_its_manifest_size_and_etag():
    listing = listing_of([f"{TOPIC}-000-005-000001"])
    (file,) = listing.files[TOPIC]
    assert file.source.uri == f"{DATA}/{TOPIC}-000-005-000001.txt.gz.enc"
    assert file.source.size_bytes == len(f"{TOPIC}-000-005-000001")
    assert file.source.etag
    assert file.manifest.uri == f"{MANIFESTS}/{TOPIC}-000-005-000001.csv"
    assert listing.findings == {}


def test_one_topic_that_is_anothers_prefix_keeps_its_own_files():
    listing = listing_of(["db.core.toDo-000-005-000001", "db.core.toDo-list-000-005-000001", "db.core.toDoList-000-005-000001"])
    assert {topic: len(files) for topic, files in listing.files.items()} == {
        "db.core.toDo": 1,
        "db.core.toDo-list": 1,
        "db.core.toDoList": 1,
    }


def test_files_stand_in_order_of_slice_and_batch():
    names = [f"{TOPIC}-005-010-000001", f"{TOPIC}-000-005-000002", f"{TOPIC}-000-005-000001"]
    order = [(file.slice_start, file.batch) for file in listing_of(names).files[TOPIC]]
    assert order == [(0, 1), (0, 2), (5, 1)]


def test_nothing_under_the_prefix_is_nothing_exported():
    listing = listing_of([])
    assert (listing.object_count, listing.files, listing.newest_change_utc) == (0, {}, None)


def test_the_newest_change_is_of_all_objects():
    listing = listing_of([f"{TOPIC}-000-005-000001", "readme.txt"])
    assert datetime.now(UTC) - listing.newest_change_utc < timedelta(minutes=5)


def test_a_gap_in_a_slices_batches_is_found():
    listing = listing_of([f"{TOPIC}-000-005-000001", f"{TOPIC}-000-005-000004", f"{TOPIC}-005-010-000001"])
    assert causes(listing) == ["batch 000002 to 000003 is missing: the producer lost it"]


def test_a_slice_that_does_not_begin_with_batch_1_has_a_gap():
    assert causes(listing_of([f"{TOPIC}-000-005-000002"])) == ["batch 000001 is missing: the producer lost it"]


def test_slices_that_meet_do_not_overlap():
    assert listing_of([f"{TOPIC}-000-005-000001", f"{TOPIC}-005-010-000001", f"{TOPIC}-250-000-000001"]).findings == {}


@pytest.mark.parametrize(
    ("first", "second"), [("000-010", "005-015"), ("000-255", "010-020"), ("000-005", "000-010"), ("007-007", "005-010")]
)
def test_slices_that_overlap_are_both_named(first, second):
    listing = listing_of([f"{TOPIC}-{first}-000001", f"{TOPIC}-{second}-000001"])
    (finding,) = listing.findings[TOPIC]
    assert {finding.object, finding.place} == {f"{TOPIC}-{first}", f"{TOPIC}-{second}"}
    assert (finding.check, finding.passed) == ("slices", False)


def test_a_slice_inside_an_earlier_longer_one_is_found_behind_another():
    listing = listing_of([f"{TOPIC}-{part}-000001" for part in ("000-100", "010-020", "050-060")])
    assert len(causes(listing)) == 2


def test_slices_of_different_topics_do_not_overlap():
    assert listing_of([f"{TOPIC}-000-010-000001", "db.core.contract-005-015-000001"]).findings == {}


def test_a_slice_that_ends_before_it_starts_is_found():
    assert causes(listing_of([f"{TOPIC}-050-045-000001"])) == ["the slice ends before it starts"]


def test_a_missing_manifest_is_found_where_one_is_required():
    listing = listing_of([f"{TOPIC}-000-005-000001"], manifests=[])
    (finding,) = listing.findings[TOPIC]
    assert (finding.check, finding.passed, finding.object) == ("manifest", False, f"{DATA}/{TOPIC}-000-005-000001.txt.gz.enc")


def test_a_missing_manifest_is_nothing_where_none_is_required():
    listing = listing_of([f"{TOPIC}-000-005-000001"], manifest_required=False, manifest_uri=None)
    assert listing.findings == {}
    assert listing.files[TOPIC][0].manifest is None


def test_a_manifest_without_its_file_is_a_lost_file():
    listing = listing_of([f"{TOPIC}-000-005-000001"], manifests=[f"{TOPIC}-000-005-000001", f"{TOPIC}-000-005-000002"])
    assert causes(listing) == [f"the data file {TOPIC}-000-005-000002.txt.gz.enc of this manifest is not there: it was lost"]


def test_a_topic_that_lost_all_its_files_is_found():
    listing = listing_of([], manifests=[f"{TOPIC}-000-005-000001"])
    assert TOPIC not in listing.files
    assert len(causes(listing)) == 1


def test_foreign_objects_are_listed_and_left_alone():
    listing = listing_of(["readme.txt", f"{TOPIC}-000-005-000001"])
    assert listing.foreign == (f"{DATA}/readme.txt",)
    assert listing.object_count == 3


def test_an_object_without_bytes_is_still_a_file():
    store = ObjectStore.in_memory()
    store.put(f"{DATA}/{TOPIC}-000-005-000001.txt.gz.enc", b"")
    listing = list_export(store, DATA, None, manifest_required=False)
    assert [file.source.size_bytes for file in listing.files[TOPIC]] == [0]


def test_a_prefix_that_begins_with_this_one_is_another():
    store = ObjectStore.in_memory()
    store.put(f"{DATA}-old/{TOPIC}-000-005-000001.txt.gz.enc", b"x")
    assert list_export(store, DATA, None, manifest_required=False).object_count == 0


def test_one_name_under_two_prefixes_is_two_files_each_with_its_own_manifest():
    names = [f"part1/{TOPIC}-000-005-000001", f"part2/{TOPIC}-000-005-000001"]
    listing = listing_of(names)
    assert [file.source.uri.split("/")[-2] for file in listing.files[TOPIC]] == ["part1", "part2"]
    assert [file.manifest.uri.split("/")[-2] for file in listing.files[TOPIC]] == ["part1", "part2"]
    (finding,) = listing.findings[TOPIC]
    assert (finding.passed, finding.check) == (True, "slices")
    assert "part1" in finding.object
    assert "part2" in finding.place


def test_a_copy_under_a_second_prefix_is_refused():
    store = ObjectStore.in_memory()
    for folder in ("", "/copy"):
        store.put(f"{DATA}{folder}/{TOPIC}-000-005-000001.txt.gz.enc", b"same")
    listed = list(store.list(DATA))
    assert len(listed) == 2
    listing = list_export(store, DATA, None, manifest_required=False)
    same_etag = len({each.etag for each in listed}) == 1
    assert listing.findings[TOPIC][0].passed is not same_etag


class StoreOfEqualBodies:
    """A store in which all objects have one ETag, as equal bodies have on S3."""

    def __init__(self):
        self.objects = ObjectStore.in_memory()

    def list(self, prefix_uri):
        return [replace(each, etag="same") for each in self.objects.list(prefix_uri)]


@pytest.mark.parametrize("manifests", [("", "/copy"), ("",)])
def test_the_remedy_of_a_copy_names_the_manifests_it_leaves_behind(manifests):
    store = StoreOfEqualBodies()
    for folder in ("", "/copy"):
        store.objects.put(f"{DATA}{folder}/{TOPIC}-000-005-000001.txt.gz.enc", b"same")
    for folder in manifests:
        store.objects.put(f"{MANIFESTS}{folder}/{TOPIC}-000-005-000001.csv", b"same")
    (finding,) = list_export(store, DATA, MANIFESTS, manifest_required=False).findings[TOPIC]
    assert (finding.passed, finding.remedy.startswith("Remove the copy")) == (False, True)
    assert (f"{MANIFESTS}/copy/{TOPIC}-000-005-000001.csv" in finding.remedy) is (len(manifests) > 1)


def test_files_of_one_name_do_not_share_a_manifest():
    names = [f"part1/{TOPIC}-000-005-000001", f"part2/{TOPIC}-000-005-000001"]
    listing = listing_of(names, manifests=[f"{TOPIC}-000-005-000001"])
    assert [file.manifest for file in listing.files[TOPIC]] == [None, None]
    assert len(causes(listing)) == 3


def test_a_manifest_in_a_flat_prefix_belongs_to_a_nested_file_of_its_name():
    listing = listing_of([f"part1/{TOPIC}-000-005-000001"], manifests=[f"{TOPIC}-000-005-000001"])
    assert listing.findings == {}
    assert listing.files[TOPIC][0].manifest is not None


@pytest.mark.parametrize("count", [999, 1000, 1001, 2500])
def test_every_page_of_a_listing_is_read(count):
    listing = listing_of([f"{TOPIC}-000-005-{batch:06d}" for batch in range(1, count + 1)])
    assert len(listing.files[TOPIC]) == count
    assert listing.findings == {}
    assert listing.object_count == 2 * count
