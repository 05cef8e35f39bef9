from __future__ import annotations

import gzip
import json
from datetime import date

import pytest

from dataworks_assets.stack.sample.announce import announce, completion_message
from dataworks_assets.stack.sample.bad_input import BAD_INPUTS
from dataworks_assets.stack.sample.export import FOREIGN_NAME, SampleWriter, write_sample
from dataworks_assets.stack.sample.plans import PLANS
from dataworks_assets.stack.sample.truth import sorted_sha256
from dataworks_assets.stack.sample.wire import FIXED_KEY, encrypt
from dataworks_assets_tests.stack.key_server import serve
from spark.contract import KeyServiceSettings
from spark.errors import ConfigurationError, KeyServiceError
from spark.sources.encryption import read_encryption_metadata
from spark.sources.keys import KeyService
from spark.sources.listing import list_export
from spark.store import ObjectStore

DAY = date(2026, 11, 20)
DATA = "memory://input/ucdata/2026-11-20/full"


def no_key():
    raise AssertionError("a key was asked for")


@pytest.fixture
def writer():
    return SampleWriter(ObjectStore.in_memory(), lambda: FIXED_KEY)


@pytest.fixture(scope="module")
def written(make_request):
    """A store with a whole small sample, and what its writer said."""
    store = ObjectStore.in_memory()
    return store, SampleWriter(store, lambda: FIXED_KEY).write(make_request(bad=True))


def test_a_days_full_and_incremental_hold_their_topics(written):
    full, incremental = (export.truth for export in written[1].exports)
    assert {topic.topic for topic in full.topics} == {
        *(plan.topic for plan in PLANS if "full" in plan.snapshot_types),
        *(bad.topic for bad in BAD_INPUTS),
    }
    assert {topic.topic for topic in incremental.topics} == {
        plan.topic for plan in PLANS if "incremental" in plan.snapshot_types
    }


def test_the_listing_finds_what_was_written(written):
    store, summary = written
    listing = list_export(store, DATA, "memory://manifests/2026-11-20/full", manifest_required=True)
    truth = summary.exports[0].truth
    assert {topic: len(files) for topic, files in listing.files.items()} == {topic.topic: topic.files for topic in truth.topics}
    assert listing.foreign == (f"{DATA}/{FOREIGN_NAME}",)
    assert listing.object_count == truth.objects
    well = [topic.topic for topic in truth.topics if topic.refused is None]
    assert not any(finding for topic in well for finding in listing.findings.get(topic, ()) if not finding.passed)


def test_the_truth_is_that_of_the_files(written):
    store, summary = written
    truth = summary.exports[0].truth.of("db.core.contract")
    listing = list_export(store, DATA, None, manifest_required=False)
    lines = []
    for file in listing.files["db.core.contract"]:
        iv = read_encryption_metadata(store, file.source).iv
        lines += gzip.decompress(encrypt(store.read(file.source.uri), FIXED_KEY.plaintext, iv)).split(b"\n")[:-1]
    documents = [json.loads(line) for line in lines]
    assert truth.rows == len(lines)
    assert truth.records_sha256 == sorted_sha256(lines)
    ids = (json.dumps(document["_id"], separators=(",", ":"), sort_keys=True).encode() for document in documents)
    assert truth.ids_sha256 == sorted_sha256(ids)
    assert truth.sums == {"amounts.deductionsCount": sum(document["amounts"]["deductionsCount"] for document in documents)}
    assert truth.decoded_bytes == sum(len(line) + 1 for line in lines)


def test_the_truth_is_kept_beside_the_export(written):
    store, summary = written
    kept = json.loads(store.read("memory://input/_sample/2026-11-20/full.json"))
    assert kept["topics"][0]["rows"] == summary.exports[0].truth.topics[0].rows


def test_a_day_that_is_there_already_is_left_alone(writer, make_request):
    request = make_request(topics=("db.core.toDo",))
    first = writer.write(request)
    again = SampleWriter(writer.store, no_key).write(request)
    assert [export.is_new for export in (*first.exports, *again.exports)] == [True, True, False, False]
    assert again.exports[0].truth == first.exports[0].truth


def test_a_day_of_another_request_is_replaced(writer, make_request):
    writer.write(make_request(topics=("db.core.toDo", "db.core.statement"), snapshot_types=("full",)))
    writer.write(make_request(topics=("db.core.toDo",), snapshot_types=("full",)))
    assert set(list_export(writer.store, DATA, None, manifest_required=False).files) == {"db.core.toDo"}


def bodies(writer):
    return {listed.uri: listed.etag for listed in writer.store.list(DATA)}


def test_bad_input_that_is_asked_for_later_is_added_and_all_else_left(writer, make_request):
    plain = writer.write(make_request())
    before = bodies(writer)
    added = writer.write(make_request(bad=True))
    assert [export.is_new for export in added.exports] == [True, False]
    assert before.items() < bodies(writer).items()
    assert [export.truth.topics[: len(was.truth.topics)] for was, export in zip(plain.exports, added.exports, strict=True)] == [
        export.truth.topics for export in plain.exports
    ]
    assert {bad.topic for bad in BAD_INPUTS} <= {topic.topic for topic in added.exports[0].truth.topics}
    assert not any(export.is_new for export in SampleWriter(writer.store, no_key).write(make_request(bad=True)).exports)


def test_a_day_with_bad_input_holds_what_is_asked_for_without(writer, make_request):
    writer.write(make_request(bad=True))
    assert not any(export.is_new for export in SampleWriter(writer.store, no_key).write(make_request()).exports)


def test_a_day_with_an_object_removed_is_written_anew(writer, make_request):
    request = make_request(topics=("db.core.toDo",), snapshot_types=("full",))
    writer.write(request)
    writer.store.delete([next(iter(writer.store.list(DATA))).uri])
    assert writer.write(request).exports[0].is_new


def test_a_day_that_was_interrupted_is_written_anew(writer, make_request):
    request = make_request(topics=("db.core.toDo",), snapshot_types=("full",))
    broken = SampleWriter(writer.store, no_key)
    with pytest.raises(AssertionError):
        broken.write(request)
    assert writer.write(request).exports[0].is_new


def test_an_export_that_no_sample_wrote_is_never_touched(writer, make_request):
    writer.store.put(f"{DATA}/db.core.statement-000-005-000001.txt.gz.enc", b"real")
    with pytest.raises(ConfigurationError, match="no sample wrote it"):
        writer.write(make_request())
    assert [listed.size_bytes for listed in writer.store.list(DATA)] == [4]


def test_a_topic_that_is_not_in_the_sample_is_refused(make_request):
    with pytest.raises(ConfigurationError, match=r"db\.core\.nothing"):
        make_request(topics=("db.core.nothing",))


def test_the_key_service_gives_one_key_for_all_files_and_opens_it_again(tmp_path, make_request):
    store = ObjectStore.in_memory()
    with serve(tmp_path) as server:
        settings = KeyServiceSettings(
            url=server.url,
            ca_path=str(server.certificates.ca),
            certificate_path=str(server.certificates.client),
            private_key_path=str(server.certificates.client_key),
        )
        write_sample(store, settings, make_request(topics=("db.core.toDo", "db.core.statement")))
        assert server.calls == 1
        (file,) = list_export(store, DATA, None, manifest_required=False).files["db.core.toDo"][:1]
        metadata = read_encryption_metadata(store, file.source)
        key = KeyService(settings, correlation_id="test").resolve([metadata.pair])[metadata.pair]
    assert gzip.decompress(encrypt(store.read(file.source.uri), key, metadata.iv)).startswith(b'{"_id":{"d_oid":')


def test_a_client_without_a_certificate_gets_no_key(tmp_path, make_request):
    with serve(tmp_path) as server:
        settings = KeyServiceSettings(url=server.url, ca_path=str(server.certificates.ca), attempts=1)
        with pytest.raises(KeyServiceError):
            write_sample(ObjectStore.in_memory(), settings, make_request())
        assert server.calls == 0


def test_a_service_of_another_authority_is_refused_for_good(tmp_path):
    one, another = tmp_path / "one", tmp_path / "another"
    one.mkdir()
    another.mkdir()
    with serve(one) as server, serve(another) as other:
        settings = KeyServiceSettings(
            url=server.url,
            ca_path=str(other.certificates.ca),
            certificate_path=str(server.certificates.client),
            private_key_path=str(server.certificates.client_key),
        )
        error = KeyService(settings, correlation_id="test").resolve([("Y2lwaGVy", "key")])[("Y2lwaGVy", "key")]
    assert isinstance(error, KeyServiceError)
    assert (error.transient, "ca_path" in error.remedy) == (False, True)


class Topics:
    """Keeps what is published."""

    def __init__(self):
        self.published = []

    def publish(self, **message):
        self.published.append(message)


def test_the_completion_message_carries_four_arguments():
    topics = Topics()
    announce(topics, "arn", data_uri="s3://input/ucdata/2026-11-20/full", export_date=DAY, snapshot_type="full")
    (message,) = topics.published
    assert message["TopicArn"] == "arn"
    assert json.loads(message["Message"]) == {
        "additional_step_args": {
            "submit-job": [
                *("--correlation_id", "sample-full-2026-11-20"),
                *("--s3_prefix", "ucdata/2026-11-20/full"),
                *("--snapshot_type", "full"),
                *("--export_date", "2026-11-20"),
            ]
        }
    }


def test_a_message_is_json():
    message = completion_message(export_date=DAY, snapshot_type="full", s3_prefix='a"b', correlation_id="c")
    assert 'a"b' in json.loads(message)["additional_step_args"]["submit-job"]
