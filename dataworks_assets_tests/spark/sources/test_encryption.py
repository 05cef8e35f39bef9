"""What an object's metadata says of its encryption is taken as it is, or refused by name."""

from __future__ import annotations

import base64

import pytest

from spark.contract import SourceObject
from spark.errors import DataworksError, InputChangedError, InputError, NotFoundError
from spark.sources.encryption import read_all_encryption_metadata, read_encryption_metadata
from spark.store import ObjectStore

URI = "memory://input/file.txt.gz.enc"
GOOD = {"iv": base64.b64encode(bytes(16)).decode(), "ciphertext": "Y2lwaGVy", "datakeyencryptionkeyid": "cloudhsm:7,14"}


def stored(metadata) -> tuple[ObjectStore, SourceObject]:
    store = ObjectStore.in_memory()
    etag = store.put(URI, b"body", metadata=metadata)
    return store, SourceObject(uri=URI, etag=etag, size_bytes=4)


def test_the_metadata_say_how_to_decrypt():
    store, source = stored(GOOD)
    metadata = read_encryption_metadata(store, source)
    assert (metadata.iv, metadata.pair) == (bytes(16), ("Y2lwaGVy", "cloudhsm:7,14"))


@pytest.mark.parametrize("name", ["iv", "ciphertext", "datakeyencryptionkeyid"])
def test_a_missing_entry_is_named(name):
    store, source = stored({key: value for key, value in GOOD.items() if key != name})
    with pytest.raises(InputError, match=rf"^{URI}: the object's metadata entry {name} is missing"):
        read_encryption_metadata(store, source)


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("iv", "not base64!", "is not base64"),
        ("iv", base64.b64encode(bytes(12)).decode(), "is 12 bytes long instead of 16"),
        ("ciphertext", "not base64!", "is not base64"),
    ],
)
def test_a_malformed_entry_is_named(name, value, what):
    store, source = stored(GOOD | {name: value})
    with pytest.raises(InputError, match=f"{name} {what}"):
        read_encryption_metadata(store, source)


def test_one_bad_object_does_not_hide_the_others():
    store, good = stored(GOOD)
    bad_uri = "memory://input/bad.txt.gz.enc"
    bad = SourceObject(uri=bad_uri, etag=store.put(bad_uri, b"body"), size_bytes=4)
    gone = SourceObject(uri="memory://input/gone.txt.gz.enc", etag="", size_bytes=4)
    changed = SourceObject(uri=URI, etag="another", size_bytes=4)
    answers = read_all_encryption_metadata(store, [good, bad, gone])
    assert [type(answer) for answer in answers.values()] == [
        type(read_encryption_metadata(store, good)),
        InputError,
        NotFoundError,
    ]
    (answer,) = read_all_encryption_metadata(store, [changed]).values()
    assert isinstance(answer, InputChangedError)
    assert isinstance(answer, DataworksError)
