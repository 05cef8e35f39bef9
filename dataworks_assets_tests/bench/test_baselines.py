"""The baselines read what the sample writes: a comparison with one that reads something else would say nothing."""

import base64
import os

import duckdb

from bench.baselines import kernel, old_algorithm, plain_pyspark
from bench.baselines.duckdb_copy import copy
from bench.place import Place
from bench.production import collection_of
from dataworks_assets.stack.sample.bench import BenchRequest, blocks, write_bench_export, write_plain_files
from dataworks_assets.stack.sample.wire import FIXED_KEY, Destination, encode_body
from spark.contract import Layout
from spark.sources.encryption import read_encryption_metadata
from spark.sources.keys import FileKey
from spark.sources.listing import list_export

LINES = [b'{"_id":{"d_oid":"1"}}', '{"_id":{"d_oid":"2"},"name":"Zoë"}'.encode()]
IV = os.urandom(16)
BODY = encode_body(LINES, FIXED_KEY.plaintext, IV)


def test_the_old_algorithm_reads_the_text():
    body = old_algorithm.decrypt(BODY, key=FIXED_KEY.plaintext, iv=base64.b64encode(IV).decode())
    assert old_algorithm.inflate(body) == b"".join(line + b"\n" for line in LINES)


def test_plain_pyspark_reads_the_lines():
    assert plain_pyspark.lines_of(BODY, FileKey(FIXED_KEY.plaintext, IV)) == [line.decode() for line in LINES]


def test_duckdb_copies_every_document(tmp_path):
    request = BenchRequest(files=2, file_bytes=50_000)
    write_plain_files(tmp_path, request)
    copy(tmp_path, tmp_path / "copy.parquet")
    documents = sum(len(lines) for number in (1, 2) for lines, _ in blocks(request, number))
    assert duckdb.sql(f"SELECT count(*) FROM '{tmp_path}/copy.parquet'").fetchall() == [(documents,)]


def test_the_kernel_writes_every_row(stack):
    place = Place(stack)
    destination = Destination(place.store, "s3://dataworks-input/bench-test", "s3://dataworks-manifests/bench-test")
    summary = write_bench_export(destination, FIXED_KEY, BenchRequest(files=1, file_bytes=100_000))
    listing = list_export(place.store, destination.data_uri, destination.manifest_uri, manifest_required=True)
    (file,) = listing.files["db.bench.statement"]
    key = FileKey(FIXED_KEY.plaintext, read_encryption_metadata(place.store, file.source).iv)
    work = kernel.FileWork(place.store_settings, collection_of(Layout.TYPED), file, key, "s3://dataworks-output/bench-test")
    assert kernel.process_file(work) == summary.rows
