"""From encrypted bytes to chunks of whole lines, and what is said of an object that gives none."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from spark.decode.stream import Chunk, json_chunks
from spark.errors import InputError

KEY, IV, URI = bytes(range(32)), b"\xff" * 16, "s3://input/db.core.statement-000-001-000001.txt.gz.enc"
LINES = b"".join(b'{"n":%d}\n' % n for n in range(5000))
ZIPPED = gzip.compress(LINES)


def encrypt(text: bytes) -> bytes:
    return Cipher(algorithms.AES(KEY), modes.CTR(IV)).encryptor().update(text)


def chunks(compressed: bytes, *, division: int = 1 << 20, chunk_bytes: int = 1 << 20, key: bytes = KEY) -> list[Chunk]:
    body = encrypt(compressed)
    pieces = [body[start : start + division] for start in range(0, len(body), division)]
    return list(json_chunks(pieces, key=key, iv=IV, uri=URI, chunk_bytes=chunk_bytes))


@pytest.mark.parametrize("division", [1, 7, 1 << 20])
def test_the_text_comes_back_however_the_body_is_divided(division: int) -> None:
    assert b"".join(chunk.text for chunk in chunks(ZIPPED, division=division)) == LINES


def test_chunks_are_cut_at_line_feeds_and_know_their_offset() -> None:
    found = list(json_chunks([encrypt(gzip.compress(LINES * 60))], key=KEY, iv=IV, uri=URI, chunk_bytes=1000))
    assert len(found) > 2
    assert all(chunk.text.endswith(b"\n") for chunk in found)
    assert [chunk.offset for chunk in found[1:]] == [chunk.offset + len(chunk.text) for chunk in found[:-1]]


def test_a_line_longer_than_a_chunk_stays_whole() -> None:
    line = b'{"x":"' + b"y" * (5 << 20) + b'"}\n'
    assert [chunk.text for chunk in chunks(gzip.compress(line), chunk_bytes=1 << 20)] == [line]


def test_several_gzip_members_are_read_on() -> None:
    both = chunks(gzip.compress(b"a\n") + gzip.compress(b"") + gzip.compress(b"b\n"))
    assert b"".join(chunk.text for chunk in both) == b"a\nb\n"


@pytest.mark.parametrize("division", [1, 1 << 20])
def test_a_byte_order_mark_at_the_start_is_left_out_and_one_elsewhere_stays(division: int) -> None:
    text = b"\xef\xbb\xbfa\n\xef\xbb\xbfb\n"
    assert chunks(gzip.compress(text), division=division)[0].text == b"a\n\xef\xbb\xbfb\n"


def test_a_missing_last_line_feed_is_left_missing() -> None:
    assert chunks(gzip.compress(b"a\nb"))[-1].text.endswith(b"b")


@pytest.mark.parametrize(
    ("compressed", "what", "place"),
    [
        (b"", "empty (0 bytes)", "byte 0"),
        (gzip.compress(b""), "holds no line", URI),
        (ZIPPED[:-4], "ends before its gzip stream does: the object was truncated", f"byte {len(ZIPPED) - 4}"),
        (ZIPPED[:100], "truncated", "byte 100"),
        (ZIPPED[:5], "truncated", "byte 5"),
        (ZIPPED + b"xyz", "bytes follow the end of the gzip stream", f"byte {len(ZIPPED)}:"),
        (ZIPPED + b"\0\0", "bytes follow the end of the gzip stream", f"byte {len(ZIPPED)}:"),
        (ZIPPED[:-8] + b"abcd" + ZIPPED[-4:], "checksum is wrong", "tampered"),
        (ZIPPED[:-4] + b"\1\2\3\4", "checksum is wrong", "tampered"),
        (ZIPPED[:40] + b"\xff" * 8 + ZIPPED[48:], "tampered with or damaged", "byte "),
        (b"\0" * 50, "no gzip header after decryption: most likely the wrong data key or iv", "byte 0"),
    ],
)
@pytest.mark.parametrize("division", [1, 1 << 20])
def test_a_bad_object_is_named_with_byte_cause_and_remedy(compressed: bytes, what: str, place: str, division: int) -> None:
    with pytest.raises(InputError) as raised:
        chunks(compressed, division=division)
    assert URI in raised.value.where
    assert what in str(raised.value)
    assert division == 1 or place in str(raised.value)
    assert raised.value.remedy
    assert not raised.value.transient


def test_a_wrong_key_is_named_as_the_likely_cause() -> None:
    with pytest.raises(InputError, match="wrong data key or iv"):
        chunks(ZIPPED, key=bytes(32))


def test_a_key_of_the_wrong_length_is_refused_without_showing_it() -> None:
    with pytest.raises(InputError, match="a key of 32 and an iv of 16 bytes, not of 5 and 16") as raised:
        chunks(ZIPPED, key=b"12345")
    assert "12345" not in str(raised.value)


def test_the_body_is_read_as_the_chunks_are_taken() -> None:
    taken = 0

    def body() -> Iterator[bytes]:
        nonlocal taken
        for start in range(0, len(encrypted), 10_000):
            taken += 1
            yield encrypted[start : start + 10_000]

    encrypted = encrypt(b"".join(gzip.compress(LINES) for _ in range(200)))
    next(json_chunks(body(), key=KEY, iv=IV, uri=URI, chunk_bytes=1 << 20))
    assert taken < len(encrypted) / 10_000 / 2
