from __future__ import annotations

import gzip
import zlib
from datetime import date

import pytest

from dataworks_assets.stack.sample.bad_input import BAD_INPUTS
from dataworks_assets.stack.sample.export import SampleWriter
from dataworks_assets.stack.sample.wire import FIXED_KEY, encrypt
from spark.errors import InputError
from spark.sources.keys import read_encryption_metadata
from spark.sources.listing import list_export
from spark.sources.manifest import read_manifest
from spark.store import ObjectStore

DAY = date(2026, 11, 20)


@pytest.fixture(scope="module")
def bad(make_request):
    """The store and its listing."""
    store = ObjectStore.in_memory()
    topics = tuple(kind.topic for kind in BAD_INPUTS)
    request = make_request(topics=topics, scale=0.1, snapshot_types=("full",))
    SampleWriter(store, lambda: FIXED_KEY).write(request)
    data_uri, manifest_uri = "memory://input/ucdata/2026-11-20/full", "memory://manifests/2026-11-20/full"
    return store, list_export(store, data_uri, manifest_uri, manifest_required=True)


def lines_of(bad, topic: str, number: int = 1) -> list[bytes]:
    """The lines of a topic's n-th file."""
    store, listing = bad
    source = listing.files[f"db.broken.{topic}"][number].source
    body = encrypt(store.read(source.uri), FIXED_KEY.plaintext, read_encryption_metadata(store, source).iv)
    return gzip.decompress(body).splitlines()


def ids_of(bad, topic: str, number: int = 1) -> list[bytes]:
    """The ids of a topic's n-th manifest."""
    store, listing = bad
    return read_manifest(store.read(listing.files[f"db.broken.{topic}"][number].manifest.uri), uri="m").ids


def failed(bad, topic: str) -> set[str]:
    return {finding.check for finding in bad[1].findings.get(f"db.broken.{topic}", ()) if not finding.passed}


@pytest.mark.parametrize("topic", ["wrongKey", "truncated", "tampered"])
def test_a_spoiled_body_does_not_inflate(bad, topic):
    with pytest.raises((OSError, EOFError, zlib.error)):
        lines_of(bad, topic)


@pytest.mark.parametrize("topic", [kind.topic.rpartition(".")[2] for kind in BAD_INPUTS])
def test_the_first_file_of_each_kind_is_well(bad, topic):
    assert len(lines_of(bad, topic, 0)) == len(ids_of(bad, topic, 0)) == 20


def test_an_object_lacks_its_iv(bad):
    store, listing = bad
    with pytest.raises(InputError, match="iv is missing"):
        read_encryption_metadata(store, listing.files["db.broken.missingIv"][1].source)


def test_one_line_is_no_json(bad):
    assert [line[-1:] for line in lines_of(bad, "badJson")].count(b"}") == 19


def test_an_id_is_there_twice(bad):
    lines = [line for number in range(3) for line in lines_of(bad, "duplicateIds", number)]
    assert (len(lines), len(set(lines))) == (61, 60)


def test_a_manifest_is_one_record_short(bad):
    assert (len(lines_of(bad, "manifestShort")), len(ids_of(bad, "manifestShort"))) == (20, 19)


@pytest.mark.parametrize(
    ("topic", "checks"),
    [
        ("manifestMissing", {"manifest"}),
        ("lostFile", {"manifest", "slices"}),
        ("batchGap", {"slices"}),
        ("overlap", {"slices"}),
        ("wrongKey", set()),
        ("badJson", set()),
    ],
)
def test_what_a_listing_can_see_it_finds(bad, topic, checks):
    assert failed(bad, topic) == checks
