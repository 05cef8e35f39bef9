from __future__ import annotations

import gzip
import json

import pytest

from dataworks_assets.stack.sample.bench import COLUMNS, BenchRequest, blocks, write_bench_export, write_plain_files
from dataworks_assets.stack.sample.wire import FIXED_KEY, Destination, encrypt
from spark.sources.encryption import read_encryption_metadata
from spark.sources.listing import list_export
from spark.sources.manifest import read_manifest
from spark.store import ObjectStore

SMALL = BenchRequest(files=2, file_bytes=200_000)
DATA, MANIFESTS = "memory://input/bench", "memory://manifests/bench"


@pytest.fixture(scope="module")
def written():
    store = ObjectStore.in_memory()
    summary = write_bench_export(Destination(store, DATA, MANIFESTS), FIXED_KEY, SMALL)
    return store, list_export(store, DATA, MANIFESTS, manifest_required=True), summary


def test_files_are_as_large_as_asked_for(written):
    _, listing, summary = written
    assert len(listing.files["db.bench.statement"]) == summary.files == 2
    assert 400_000 <= summary.decoded_bytes < 405_000
    assert listing.findings == {}


def test_a_files_ids_are_its_manifests(written):
    store, listing, summary = written
    rows = 0
    for file in listing.files["db.bench.statement"]:
        iv = read_encryption_metadata(store, file.source).iv
        lines = gzip.decompress(encrypt(store.read(file.source.uri), FIXED_KEY.plaintext, iv)).splitlines()
        ids = [f'{{"d_oid":"{json.loads(line)["_id"]["d_oid"]}"}}'.encode() for line in lines]
        assert read_manifest(store.read(file.manifest.uri), uri="m").ids == ids
        rows += len(lines)
    assert rows == summary.rows


def test_the_plain_files_hold_the_same_documents(written, tmp_path):
    store, listing, _ = written
    file = listing.files["db.bench.statement"][0]
    iv = read_encryption_metadata(store, file.source).iv
    plain = write_plain_files(tmp_path, SMALL)[0].read_bytes()
    assert plain == gzip.decompress(encrypt(store.read(file.source.uri), FIXED_KEY.plaintext, iv))


def test_no_id_is_there_twice():
    ids = [identifier for number in (1, 2) for _, found in blocks(SMALL, number) for identifier in found]
    assert len(set(ids)) == len(ids)


def test_documents_have_the_declared_columns():
    (lines, _) = next(blocks(SMALL, 1))
    document = json.loads(lines[0])
    assert all((column.path or (column.name,))[0] in document for column in COLUMNS)


def test_small_documents_are_about_a_hundred_bytes():
    (lines, ids) = next(blocks(BenchRequest(small=True), 1))
    assert len(lines) == len(ids) == 1000
    assert json.loads(lines[0])["_id"] == {"d_oid": ids[0].decode()}
    assert len(lines[0]) < 130
