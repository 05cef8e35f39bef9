from __future__ import annotations

import base64
import gzip

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from dataworks_assets.stack.sample.wire import (
    FIXED_KEY,
    Destination,
    Record,
    encode_body,
    encode_file,
    encode_manifest,
    make_record,
    sanitise,
    store_file,
)
from spark.contract import SourceObject
from spark.sources.encryption import read_encryption_metadata
from spark.sources.manifest import read_manifest
from spark.sources.names import ObjectName
from spark.store import ObjectStore

NAME = ObjectName("db.core.statement", 45, 50, 1)


def record(identifier: object = "5d1", **fields: object) -> Record:
    document = {"_id": identifier, **fields}
    return make_record(document, timestamp_ms=1562225255104, id_holder=document)


def decrypted(body: bytes, key: bytes, iv: bytes) -> bytes:
    """Counter mode block by block: the IV is one 128-bit number, counted up and wrapping."""
    block = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    first, count = int.from_bytes(iv, "big"), -(-len(body) // 16)
    stream = b"".join(block.update(((first + n) % (1 << 128)).to_bytes(16, "big")) for n in range(count))
    return bytes(left ^ right for left, right in zip(body, stream, strict=False))


@pytest.mark.parametrize("iv", [bytes(16), b"\xff" * 16, b"\x00" * 8 + b"\xff" * 8])
def test_a_body_is_aes_ctr_over_gzip_over_lines(iv):
    body = encode_body([b"first", b"second" * 100], FIXED_KEY.plaintext, iv)
    assert gzip.decompress(decrypted(body, FIXED_KEY.plaintext, iv)) == b"first\n" + b"second" * 100 + b"\n"


def test_a_scalar_id_is_wrapped_and_sanitised_in_the_document_alone():
    made = record("5d1")
    assert made.line == b'{"_id":{"d_oid":"5d1"}}'
    assert made.manifest_id == b'{"$oid":"5d1"}'


def test_an_object_id_stays_and_is_sorted_in_the_manifest():
    made = record({"b": 1, "a": 2})
    assert made.line == b'{"_id":{"b":1,"a":2}}'
    assert made.manifest_id == b'{"a":2,"b":1}'


def test_sanitising_replaces_in_the_whole_text():
    text = b'{"$date":"cash $5","_archivedDateTime":1,"_archived":"\\u0000x"}'
    assert sanitise(text) == b'{"d_date":"cash d_5","_removedDateTime":1,"_removed":"x"}'


def test_a_document_without_id_is_known_by_its_row_key():
    made = make_record({"AUDIT_EVENT": "LOGIN"}, timestamp_ms=0, id_holder=None, row_key="0a")
    assert made == Record(b'{"AUDIT_EVENT":"LOGIN"}', b'{"rowKey":"0a"}', 0)


def test_a_manifest_has_a_line_of_eight_fields_a_record():
    assert encode_manifest([record()], topic="db.penalties-and-deductions.sanction") == (
        b'"{""$oid"":""5d1""}"|1562225255104|penalties-and-deductions|sanction|EXPORT|MONGO_UPDATE|'
        b'"{""$oid"":""5d1""}"|MONGO_UPDATE\n'
    )


def test_a_topic_without_db_keeps_its_first_part_as_database():
    assert b"|data|equality|EXPORT|" in encode_manifest([record()], topic="data.equality")


def test_a_manifest_is_read_back():
    records = [record("5d1"), record({"x": "a|b,c"}), Record(b"", b"row|key", 0)]
    assert read_manifest(encode_manifest(records, topic="db.a.b"), uri="m").ids == [
        b'{"d_oid":"5d1"}',
        b'{"x":"a|b,c"}',
        b"row|key",
    ]


def test_a_stored_file_says_how_it_is_decrypted():
    store = ObjectStore.in_memory()
    file = encode_file(NAME, [record()], FIXED_KEY)
    size_bytes = store_file(Destination(store, "memory://input/day", "memory://manifests/day"), file)
    uri = "memory://input/day/db.core.statement-045-050-000001.txt.gz.enc"
    metadata = read_encryption_metadata(store, SourceObject(uri=uri, etag="", size_bytes=0))
    assert metadata.pair == (FIXED_KEY.ciphertext, "cloudhsm:7,14")
    assert gzip.decompress(decrypted(store.read(uri), FIXED_KEY.plaintext, metadata.iv)) == b'{"_id":{"d_oid":"5d1"}}\n'
    manifest = store.read("memory://manifests/day/db.core.statement-045-050-000001.csv")
    assert size_bytes == len(store.read(uri)) + len(manifest)


def test_a_files_metadata_name_its_product():
    metadata = encode_file(NAME, [record()], FIXED_KEY, snapshot_type="incremental").metadata
    assert (metadata["data_product"], metadata["data_product_type"]) == ("db.core.statement", "incremental")


def test_each_file_has_an_iv_of_its_own():
    first, second = (encode_file(NAME, [record()], FIXED_KEY) for _ in range(2))
    assert first.metadata["iv"] != second.metadata["iv"]
    assert len(base64.b64decode(first.metadata["iv"])) == 16
    assert first.metadata["ciphertext"] == second.metadata["ciphertext"]
