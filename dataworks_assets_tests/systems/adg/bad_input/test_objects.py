"""Objects that cannot be decrypted or inflated, or are not whole: their collection is refused, the file named."""

import gzip
from dataclasses import replace

import pytest

from dataworks_assets.stack.sample import spoiling
from dataworks_assets.systems.plan import Decision
from dataworks_assets_tests.systems.adg.bad_input.judging import (
    DOUBTFUL,
    STATEMENT,
    WELL,
    accepted,
    file_of,
    inflating_to,
    refused,
    told,
)
from dataworks_assets_tests.systems.adg.whole_path import DAY, DAY_BEFORE, documents, with_body
from spark.contract import PartitionState
from spark.store import ObjectStore

AGAIN = "Have the producer write this object again"
MANY = documents(400)
TEXT = b"".join(record.line + b"\n" for record in documents(3))


def cut(file):
    return with_body(file, file.body[: len(file.body) // 2])


@pytest.mark.parametrize(
    ("spoil", "place", "cause", "remedy"),
    [
        (spoiling.wrong_key, "byte 0", "most likely the wrong data key or iv", "Compare the object's metadata"),
        (cut, "byte ", "the object was truncated", "Compare its size; have the producer write this object again"),
        (spoiling.tampered, "byte ", "most likely the object was tampered with", AGAIN),
        (lambda file: with_body(file, b""), "byte 0", "the object is empty (0 bytes)", AGAIN),
        (lambda _: inflating_to(gzip.compress(b""), MANY), "", "it inflates to nothing", AGAIN),
        (
            lambda _: inflating_to(gzip.compress(TEXT) + b"more", MANY),
            "byte ",
            "bytes follow the end of the gzip stream",
            AGAIN,
        ),
    ],
    ids=["wrong key", "truncated", "tampered", "0 bytes", "empty", "bytes after the gzip"],
)
def test_an_object_that_cannot_be_read_whole_refuses_its_collection_by_name(world, spoil, place, cause, remedy):
    file = spoil(file_of(MANY))
    world.put(file)
    outcome = refused(world)
    finding = outcome.finding(DOUBTFUL)
    assert (finding.check, finding.object) == ("read", world.data_uri(file))
    assert finding.place.find(place) >= 0
    assert cause in finding.cause
    assert finding.remedy.startswith(remedy)
    assert told(outcome, finding)


@pytest.mark.parametrize(
    ("iv", "cause"),
    [
        (None, "the object's metadata entry iv is missing"),
        ("%%%%", "the object's metadata entry iv is not base64"),
        ("AAAA", "the object's metadata entry iv is 3 bytes long instead of 16"),
    ],
)
def test_an_iv_that_is_missing_malformed_or_short_is_told_without_reading(world, iv, cause):
    file = spoiling.missing_iv(file_of(documents(3)))
    file = file if iv is None else replace(file, metadata=file.metadata | {"iv": iv})
    world.put(file)
    outcome = refused(world)
    finding = outcome.finding(DOUBTFUL)
    assert (finding.check, finding.object, finding.cause) == ("read", world.data_uri(file), cause)
    assert "export it again with its metadata" in finding.remedy
    assert told(outcome, finding)


def test_several_gzip_members_are_read_on(world):
    first, second, third = (record.line + b"\n" for record in documents(3))
    world.put(
        inflating_to(gzip.compress(first) + gzip.compress(second[:20]) + gzip.compress(second[20:] + third), documents(3))
    )
    accepted(world)
    assert world.ids(DOUBTFUL) == ["s0", "s1", "s2"]


def test_what_could_be_read_of_the_other_files_is_said_too(world):
    world.put(cut(file_of(MANY)))
    second = file_of(documents(3, first=900), batch=2)
    world.put(replace(second, manifest=None))
    assert {finding.check for finding in refused(world).findings(DOUBTFUL)} == {"read", "manifest"}


def test_an_unread_file_is_not_taken_for_lost_rows_nor_for_passed_checks(world):
    world.write(STATEMENT, DAY_BEFORE, documents(3))
    world.run(DOUBTFUL, days=[DAY_BEFORE])
    world.put(cut(file_of(MANY)))
    outcome = refused(world)
    assert [finding.check for finding in outcome.findings(DOUBTFUL)] == ["read"]
    assert [finding.check for finding in outcome.findings(DOUBTFUL, passed=True)] == ["slices", "schema"]


def test_a_manifest_replaced_while_its_file_is_read_fails_and_may_be_retried(world):
    class Replacing(ObjectStore):
        def stream(self, uri, **options):
            if uri == manifest_uri:
                self.put(uri, b"another")
            return super().stream(uri, **options)

    file = world.write(STATEMENT, DAY, documents(3))
    manifest_uri = world.manifest_uri(file)
    world.store = Replacing(world.store.settings, world.store._clients)
    finding = refused(world, state=PartitionState.FAILED).finding(DOUBTFUL)
    assert (finding.check, finding.object) == ("manifest", manifest_uri)


def test_a_file_that_comes_late_is_a_changed_input_of_its_day(world):
    world.write(STATEMENT, DAY, documents(2))
    accepted(world)
    world.write(STATEMENT, DAY, documents(2, first=10), batch=2)
    assert [planned.decision for planned in world.plan(DOUBTFUL, WELL).days] == [Decision.UNCHANGED, Decision.CHANGED]
    world.run()
    assert world.ids(DOUBTFUL) == ["s0", "s1", "s10", "s11"]


class ReplacingStore(ObjectStore):
    """Replaces an object between planning and reading."""

    replaced_uri = ""

    def stream(self, uri, **options):
        if uri == self.replaced_uri:
            self.put(uri, b"another", metadata={})
        return super().stream(uri, **options)


def test_an_object_replaced_while_it_is_read_fails_and_may_be_retried(world):
    store = ReplacingStore(world.store.settings, world.store._clients)
    file = file_of(documents(3))
    world.put(file)
    world.store, store.replaced_uri = store, world.data_uri(file)
    finding = refused(world, state=PartitionState.FAILED).finding(DOUBTFUL)
    assert (finding.object, finding.cause) == (store.replaced_uri, "the object was replaced meanwhile")
    assert finding.remedy == "Run again: the new object is planned afresh"
    store.replaced_uri = ""
    world.put(file_of(documents(5)))
    world.run(DOUBTFUL)
    assert world.ids(DOUBTFUL) == ["s0", "s1", "s2", "s3", "s4"]


def test_an_object_that_vanished_after_planning_fails_and_may_be_retried(world):
    class Vanishing(ObjectStore):
        def metadata(self, uri, **options):
            if STATEMENT in uri:
                self.delete([uri])
            return super().metadata(uri, **options)

    world.store = Vanishing(world.store.settings, world.store._clients)
    file = world.write(STATEMENT, DAY, documents(3))
    finding = refused(world, state=PartitionState.FAILED).finding(DOUBTFUL)
    assert (finding.object, finding.cause) == (world.data_uri(file), "no such object or bucket")


def test_a_document_of_60_megabytes_is_published_whole(world):
    long = documents(1, text="x" * 60_000_000)
    world.write(STATEMENT, DAY, [*documents(1, first=1), *long])
    accepted(world)
    assert world.ids(DOUBTFUL) == ["s0", "s1"]
    assert max(len(text) for text in world.table(DOUBTFUL)["record"].to_pylist()) == len(long[0].line)
