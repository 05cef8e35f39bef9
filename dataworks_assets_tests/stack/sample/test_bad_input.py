from __future__ import annotations

import gzip
import zlib
from dataclasses import replace
from datetime import date, timedelta

import pytest

from dataworks_assets.stack.sample.bad_input import BAD_INPUTS
from dataworks_assets.stack.sample.export import SampleWriter
from dataworks_assets.stack.sample.wire import FIXED_KEY, encrypt
from spark.errors import InputError
from spark.sources.encryption import read_encryption_metadata
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


def text_of(bad, topic: str, number: int = 1) -> bytes:
    """The text of a topic's n-th file."""
    store, listing = bad
    source = listing.files[f"db.broken.{topic}"][number].source
    body = encrypt(store.read(source.uri), FIXED_KEY.plaintext, read_encryption_metadata(store, source).iv)
    return gzip.decompress(body)


def lines_of(bad, topic: str, number: int = 1) -> list[bytes]:
    """The lines of a topic's n-th file."""
    return text_of(bad, topic, number).splitlines()


def ids_of(bad, topic: str, number: int = 1) -> list[bytes]:
    """The ids of a topic's n-th manifest."""
    store, listing = bad
    return read_manifest(store.read(listing.files[f"db.broken.{topic}"][number].manifest.uri), uri="m").ids


def failed(bad, topic: str) -> set[str]:
    return {finding.check for finding in bad[1].findings.get(f"db.broken.{topic}", ()) if not finding.passed}


def test_no_kind_is_there_twice():
    assert len({kind.topic for kind in BAD_INPUTS}) == len(BAD_INPUTS)


@pytest.mark.parametrize("topic", ["wrongKey", "truncated", "tampered", "trailingBytes"])
def test_a_spoiled_body_does_not_inflate(bad, topic):
    with pytest.raises((OSError, EOFError, zlib.error)):
        lines_of(bad, topic)


@pytest.mark.parametrize("topic", [kind.name for kind in BAD_INPUTS if kind.name not in {"twins", "copiedFile"}])
def test_the_first_file_of_each_kind_is_well(bad, topic):
    assert len(lines_of(bad, topic, 0)) == len(ids_of(bad, topic, 0)) == 20


def test_an_object_lacks_its_iv(bad):
    store, listing = bad
    with pytest.raises(InputError, match="iv is missing"):
        read_encryption_metadata(store, listing.files["db.broken.missingIv"][1].source)


@pytest.mark.parametrize(("topic", "cause"), [("malformedIv", "iv is not base64"), ("shortIv", "iv is 3 bytes long")])
def test_an_iv_is_none(bad, topic, cause):
    store, listing = bad
    with pytest.raises(InputError, match=cause):
        read_encryption_metadata(store, listing.files[f"db.broken.{topic}"][1].source)


def test_an_object_has_no_byte(bad):
    store, listing = bad
    assert store.read(listing.files["db.broken.emptyObject"][1].source.uri) == b""


def test_a_key_is_one_that_no_service_knows(bad):
    store, listing = bad
    first, second, _ = (read_encryption_metadata(store, file.source) for file in listing.files["db.broken.refusedKey"])
    assert (first.ciphertext == FIXED_KEY.ciphertext, second.ciphertext == FIXED_KEY.ciphertext) == (True, False)


@pytest.mark.parametrize("topic", ["gzipMembers", "noFinalNewline"])
def test_a_sound_text_holds_all_its_lines(bad, topic):
    assert len(lines_of(bad, topic)) == 20
    assert text_of(bad, topic).endswith(b"\n") is (topic == "gzipMembers")


def test_odd_texts_are_odd(bad):
    assert text_of(bad, "crlf").count(b"\r\n") == 20
    assert lines_of(bad, "blankLines")[1:3] == [b"", b"  "]
    assert text_of(bad, "byteOrderMark").startswith(b"\xef\xbb\xbf{")


@pytest.mark.parametrize(
    ("topic", "begin", "end"),
    [
        ("invalidUtf8", b"{", b'"text":"\xff"}'),
        ("arrayLine", b"[{", b"}]"),
        ("scalarLine", b"12", b"12"),
        ("missingId", b'{"other":', b"}"),
        ("deepNesting", b'{"_id":', b"}" * 500),
        ("largeDocument", b'{"_id":', b'xxxx"}'),
    ],
)
def test_one_line_is_changed(bad, topic, begin, end):
    line, *others = lines_of(bad, topic)
    assert line.startswith(begin)
    assert line.endswith(end)
    assert not any(other.endswith(end) and other.startswith(begin) and len(end) > 1 for other in others)


def test_one_line_is_no_json(bad):
    assert [line[-1:] for line in lines_of(bad, "badJson")].count(b"}") == 19


def test_an_id_is_there_twice(bad):
    lines = [line for number in range(3) for line in lines_of(bad, "duplicateIds", number)]
    assert (len(lines), len(set(lines))) == (61, 60)


def test_a_manifest_is_one_record_short(bad):
    assert (len(lines_of(bad, "manifestShort")), len(ids_of(bad, "manifestShort"))) == (20, 19)


def test_a_manifest_is_one_record_long(bad):
    assert (len(lines_of(bad, "manifestExtra")), len(ids_of(bad, "manifestExtra"))) == (20, 21)


def test_a_manifest_has_an_id_that_no_document_has(bad):
    assert ids_of(bad, "manifestOtherId")[-1] == b'{"d_oid":"no document has this id"}'
    assert len(ids_of(bad, "manifestOtherId")) == 20


def test_a_manifest_is_none(bad):
    with pytest.raises(InputError, match="not a manifest record"):
        ids_of(bad, "manifestMalformed")


@pytest.mark.parametrize(("topic", "folder"), [("twins", "again"), ("copiedFile", "copy")])
def test_two_files_have_one_name_in_different_folders(bad, topic, folder):
    uris = [file.source.uri for file in bad[1].files[f"db.broken.{topic}"]]
    names = sorted(uri.rpartition("/")[2] for uri in uris)
    assert len(names) - len(set(names)) == 1
    assert [f"/full/{folder}/" in uri for uri in uris].count(True) == 1


def test_every_second_day_in_a_row_has_what_is_bad_against_the_day_before(make_request):
    days = tuple(DAY + timedelta(days=number) for number in (0, 1, 2, 3, 7, 8))
    topics = ("db.broken.rowsToNone", "db.broken.typeChange")
    request = make_request(topics=topics, scale=0.1, days=days, snapshot_types=("full",))
    truths = [each.truth for each in SampleWriter(ObjectStore.in_memory(), lambda: FIXED_KEY).write(request).exports]
    assert [truth.of(topics[0]).rows for truth in truths] == [60, 0, 60, 0, 60, 0]
    assert [truth.of(topics[0]).refused for truth in truths] == [None, "rows"] * 3
    assert {truth.of(topics[1]).refused for truth in truths} == {None}


def test_a_day_that_has_become_a_second_one_is_written_anew(make_request):
    writer = SampleWriter(ObjectStore.in_memory(), lambda: FIXED_KEY)
    request = make_request(topics=("db.broken.rowsToNone",), scale=0.1, snapshot_types=("full",))
    writer.write(request)
    earlier, later = writer.write(replace(request, days=(DAY - timedelta(days=1), DAY))).exports
    assert (earlier.truth.rows, later.truth.rows, later.is_new) == (60, 0, True)


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
