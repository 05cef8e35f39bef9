"""Ways to spoil a sample's documents, data files and manifests, and ways to make them odd but sound."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from isal import igzip

from dataworks_assets.stack.sample.wire import EncodedFile, Record, encode_file, encode_manifest, encrypt
from spark.sources.keys import DataKey
from spark.sources.names import ObjectName

Rewrite = Callable[[Sequence[Sequence[Record]]], Sequence[Sequence[Record]]]
"""Changes the documents of three batches before they are encoded."""
Spoil = Callable[["Batches"], list[EncodedFile]]
"""Encodes three batches, not quite as they should be."""

_OTHER_KEY = bytes(reversed(range(32)))
_FLIPPED = 0xFF
_TAMPERED_BYTES = 8
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_LEVELS = 500
_LARGE_BYTES = 4 << 20


@dataclass(frozen=True)
class Batches:
    """The records of a broken collection in three batches, and the producer's data key."""

    topic: str
    records: Sequence[Sequence[Record]]
    key: DataKey
    snapshot_type: str = "full"

    def encode(self, batch: int, records: Sequence[Record], *, part: tuple[int, int] = (0, 256)) -> EncodedFile:
        """Returns a data file as it should be; `part` is the slice."""
        return encode_file(ObjectName(self.topic, *part, batch), records, self.key, snapshot_type=self.snapshot_type)

    def files(self) -> list[EncodedFile]:
        """Returns the files as they should be."""
        return [self.encode(number, batch) for number, batch in enumerate(self.records, 1)]

    def inflating_to(self, file: EncodedFile, compressed: bytes) -> EncodedFile:
        """Returns a file that decrypts to other bytes; metadata and manifest stay."""
        return replace(file, body=encrypt(compressed, self.key.plaintext, base64.b64decode(file.metadata["iv"])))


# Documents


def unchanged(batches: Sequence[Sequence[Record]]) -> Sequence[Sequence[Record]]:
    """The documents stay as they are."""
    return batches


def no_documents(_: Sequence[Sequence[Record]]) -> Sequence[Sequence[Record]]:
    """All documents are gone, and so are the files."""
    return ()


def with_first_line(change: Callable[[bytes], bytes]) -> Rewrite:
    """Returns what changes the first line of the second of three batches."""

    def rewrite(batches: Sequence[Sequence[Record]]) -> Sequence[Sequence[Record]]:
        first, second, third = batches
        return first, (second[0]._replace(line=change(second[0].line)), *second[1:]), third

    return rewrite


def duplicate_ids(batches: Sequence[Sequence[Record]]) -> Sequence[Sequence[Record]]:
    """The second batch has a document of the first once more."""
    first, second, third = batches
    return first, (*second, first[0]), third


def other_type(batches: Sequence[Sequence[Record]]) -> Sequence[Sequence[Record]]:
    """The number `value` is a text in all documents of the second batch."""
    first, second, third = batches
    texts = [record._replace(line=re.sub(rb'"value":\d+', b'"value":"many"', record.line)) for record in second]
    return first, texts, third


def with_field(name: str, value: bytes) -> Rewrite:
    """Returns what gives the first document of the second batch one more field, of this JSON text."""
    return with_first_line(lambda line: b'%s,"%s":%s}' % (line[:-1], name.encode(), value))


deep_nesting = with_field("deep", b'{"a":' * _LEVELS + b"1" + b"}" * _LEVELS)
large_document = with_field("text", b'"' + b"x" * _LARGE_BYTES + b'"')


# Files


def with_second(change: Callable[[EncodedFile], EncodedFile | None]) -> Spoil:
    """Returns a spoiler that changes (or leaves out) the second of three files."""

    def spoil(batches: Batches) -> list[EncodedFile]:
        first, second, third = batches.files()
        return [file for file in (first, change(second), third) if file is not None]

    return spoil


def wrong_key(file: EncodedFile) -> EncodedFile:
    """The body is encrypted with another key than the metadata name (here: once more)."""
    return replace(file, body=encrypt(file.body or b"", _OTHER_KEY, bytes(16)))


def truncated(file: EncodedFile) -> EncodedFile:
    """The second half of the body is missing."""
    return replace(file, body=(file.body or b"")[: len(file.body or b"") // 2])


def tampered(file: EncodedFile) -> EncodedFile:
    """Some bytes in the middle of the ciphertext are flipped."""
    body = bytearray(file.body or b"")
    middle = len(body) // 2
    body[middle : middle + _TAMPERED_BYTES] = bytes(byte ^ _FLIPPED for byte in body[middle : middle + _TAMPERED_BYTES])
    return replace(file, body=bytes(body))


def empty_object(file: EncodedFile) -> EncodedFile:
    """The object has no byte."""
    return replace(file, body=b"")


def missing_iv(file: EncodedFile) -> EncodedFile:
    """The object's metadata have no `iv`."""
    return replace(file, metadata={name: value for name, value in file.metadata.items() if name != "iv"})


def with_metadata(**entries: str) -> Callable[[EncodedFile], EncodedFile]:
    """Returns what gives an object other metadata."""
    return lambda file: replace(file, metadata=file.metadata | entries)


def without_manifest(file: EncodedFile) -> EncodedFile:
    """The manifest was not written."""
    return replace(file, manifest=None)


def without_body(file: EncodedFile) -> EncodedFile:
    """The data file was lost; its manifest is there."""
    return replace(file, body=None)


def malformed_manifest(file: EncodedFile) -> EncodedFile:
    """The manifest's first line is no record."""
    return replace(file, manifest=b"what is this\n" + (file.manifest or b""))


def overlap(batches: Batches) -> list[EncodedFile]:
    """Two slices cover the same keys."""
    slices = ((0, 128), (100, 200), (200, 256))
    return [batches.encode(1, batch, part=part) for part, batch in zip(slices, batches.records, strict=True)]


def twins(batches: Batches) -> list[EncodedFile]:
    """The third file has the name of the second, in a folder of its own."""
    first, second, _ = batches.files()
    return [first, second, replace(batches.encode(2, batches.records[2]), folder="again")]


def copied_file(batches: Batches) -> list[EncodedFile]:
    """The second file lies in a folder of its own once more."""
    first, second, third = batches.files()
    return [first, second, third, replace(second, folder="copy")]


# The second file's text and manifest


def with_compressed(compress: Callable[[bytes], bytes]) -> Spoil:
    """Returns a spoiler whose second file decrypts to what is made of its text."""

    def spoil(batches: Batches) -> list[EncodedFile]:
        first, second, third = batches.files()
        text = b"".join(record.line + b"\n" for record in batches.records[1])
        return [first, batches.inflating_to(second, compress(text)), third]

    return spoil


def gzip_members(text: bytes) -> bytes:
    """Three gzip members one after another, cut within lines."""
    third = len(text) // 3
    return b"".join(igzip.compress(part) for part in (text[:third], text[third : 2 * third], text[2 * third :]))


def trailing_bytes(text: bytes) -> bytes:
    """Bytes that are no gzip member after the gzip stream."""
    return igzip.compress(text) + b"more"


def no_final_newline(text: bytes) -> bytes:
    """The last line has no line feed."""
    return igzip.compress(text[:-1])


def crlf(text: bytes) -> bytes:
    """Lines end as on Windows."""
    return igzip.compress(text.replace(b"\n", b"\r\n"))


def blank_lines(text: bytes) -> bytes:
    """Between two lines there is an empty one and one of spaces."""
    return igzip.compress(text.replace(b"\n", b"\n\n  \n"))


def byte_order_mark(text: bytes) -> bytes:
    """The file begins with the mark of UTF-8."""
    return igzip.compress(_BYTE_ORDER_MARK + text)


def with_manifest_of(change: Callable[[Sequence[Record]], Sequence[Record]]) -> Spoil:
    """Returns a spoiler whose second manifest is that of other records."""

    def spoil(batches: Batches) -> list[EncodedFile]:
        first, second, third = batches.files()
        listed = encode_manifest(change(batches.records[1]), topic=batches.topic)
        return [first, replace(second, manifest=listed), third]

    return spoil


def one_fewer(records: Sequence[Record]) -> Sequence[Record]:
    """All records but the last."""
    return records[:-1]


def one_more(records: Sequence[Record]) -> Sequence[Record]:
    """One record more, which no document has."""
    return [*records, _other_id(records[-1])]


def other_id(records: Sequence[Record]) -> Sequence[Record]:
    """The last record's id is one that no document has."""
    return [*records[:-1], _other_id(records[-1])]


def _other_id(record: Record) -> Record:
    return record._replace(manifest_id=b'{"$oid":"no document has this id"}')
