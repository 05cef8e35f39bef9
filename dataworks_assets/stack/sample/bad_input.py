"""One collection of each kind of bad input. Each has one file that is well, where the fault lies in another.

The topics are those of `config/collections/bad_input.yaml`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from dataworks_assets.stack.sample.wire import EncodedFile, Record, encode_manifest, encrypt
from spark.sources.names import ObjectName

Spoil = Callable[["Batches"], list[EncodedFile]]
_OTHER_KEY = bytes(reversed(range(32)))
_FLIPPED = 0xFF
_TAMPERED_BYTES = 8


@dataclass(frozen=True)
class Batches:
    """The records of a broken collection in three batches, and how a file is encoded."""

    topic: str
    records: Sequence[Sequence[Record]]
    encode: Callable[[ObjectName, Sequence[Record]], EncodedFile]

    def files(self) -> list[EncodedFile]:
        """Returns the three files as they should be."""
        return [self.encode(ObjectName(self.topic, 0, 256, number), batch) for number, batch in enumerate(self.records, 1)]


@dataclass(frozen=True)
class BadInput:
    """A kind of bad input: its topic, which check must refuse it, and how its files are spoiled."""

    topic: str
    refused: str
    spoil: Spoil


def _with_second(change: Callable[[EncodedFile], EncodedFile | None]) -> Spoil:
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


def missing_iv(file: EncodedFile) -> EncodedFile:
    """The object's metadata have no `iv`."""
    return replace(file, metadata={name: value for name, value in file.metadata.items() if name != "iv"})


def without_manifest(file: EncodedFile) -> EncodedFile:
    """The manifest was not written."""
    return replace(file, manifest=None)


def without_body(file: EncodedFile) -> EncodedFile:
    """The data file was lost; its manifest is there."""
    return replace(file, body=None)


def _bad_json(batches: Batches) -> list[EncodedFile]:
    first, second, third = batches.records
    broken = second[0]._replace(line=second[0].line[:-1])
    return replace(batches, records=(first, (broken, *second[1:]), third)).files()


def _duplicate_ids(batches: Batches) -> list[EncodedFile]:
    first, second, third = batches.records
    return replace(batches, records=(first, (*second, first[0]), third)).files()


def _manifest_short(batches: Batches) -> list[EncodedFile]:
    first, second, third = batches.files()
    shorter = encode_manifest(batches.records[1][:-1], topic=batches.topic)
    return [first, replace(second, manifest=shorter), third]


def _overlap(batches: Batches) -> list[EncodedFile]:
    slices = ((0, 128), (100, 200), (200, 256))
    return [
        batches.encode(ObjectName(batches.topic, start, end, 1), batch)
        for (start, end), batch in zip(slices, batches.records, strict=True)
    ]


BAD_INPUTS: tuple[BadInput, ...] = (
    BadInput("db.broken.wrongKey", "read", _with_second(wrong_key)),
    BadInput("db.broken.truncated", "read", _with_second(truncated)),
    BadInput("db.broken.tampered", "read", _with_second(tampered)),
    BadInput("db.broken.missingIv", "read", _with_second(missing_iv)),
    BadInput("db.broken.badJson", "quarantine", _bad_json),
    BadInput("db.broken.duplicateIds", "ids", _duplicate_ids),
    BadInput("db.broken.manifestShort", "manifest", _manifest_short),
    BadInput("db.broken.manifestMissing", "manifest", _with_second(without_manifest)),
    BadInput("db.broken.lostFile", "manifest", _with_second(without_body)),
    BadInput("db.broken.batchGap", "slices", _with_second(lambda _: None)),
    BadInput("db.broken.overlap", "slices", _overlap),
)
"""Every kind, with the check that finds it."""
