"""One collection of each kind of bad input, and of what only looks so. Each has one file that is well beside the other one.

Kinds are what objects of an export can be. What services and timing do is none of it: a key service that is down or slow, an
object replaced while it is read, a day that is not exported. Nor is what takes many objects or much memory: more than 1,000
files, documents of tens of megabytes. A topic that nobody configured and a foreign object are in every sample.

The topics are those of `config/collections/bad_input.yaml`.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, replace

from dataworks_assets.stack.sample import spoiling as ways
from dataworks_assets.stack.sample.spoiling import Batches, Rewrite, Spoil, with_compressed, with_first_line, with_second
from dataworks_assets.stack.sample.wire import EncodedFile, Record

_UNKNOWN_CIPHERTEXT = base64.b64encode(b"no key of any service").decode()


@dataclass(frozen=True)
class Broken:
    """A broken collection's day as it is written: `refused` is the check that must refuse it, None where it is published."""

    records: list[Record]
    files: list[EncodedFile]
    refused: str | None


@dataclass(frozen=True)
class BadInput:
    """A kind of bad input.

    Attributes:
        name: of the collection in the database `broken`.
        refused: the check that must refuse it; None where it only looks bad and is published whole.
        spoil: how its files are spoiled.
        rewrite: how its documents are changed before.
        against_day_before: whether it is bad only against a day that is well: then it is so on every second day.
    """

    name: str
    refused: str | None
    spoil: Spoil = Batches.files
    rewrite: Rewrite = ways.unchanged
    against_day_before: bool = False

    @property
    def topic(self) -> str:
        """As in the object names."""
        return f"db.broken.{self.name}"

    @property
    def collection(self) -> str:
        """As configured."""
        return f"broken/{self.name}"

    def write(self, batches: Batches, *, second_day: bool = False) -> Broken:
        """Returns a day's documents and files, whose batches are three; `second_day` after a day on which all is well."""
        if self.against_day_before and not second_day:
            return Broken(_all(batches.records), batches.files(), None)
        changed = replace(batches, records=self.rewrite(batches.records))
        return Broken(_all(changed.records), self.spoil(changed), self.refused)

    def refused_on(self, *, second_day: bool) -> str | None:
        """Returns the check that must refuse it on such a day."""
        return self.refused if second_day or not self.against_day_before else None


def _all(batches: Sequence[Sequence[Record]]) -> list[Record]:
    return [record for batch in batches for record in batch]


_OBJECTS = (
    BadInput("wrongKey", "read", with_second(ways.wrong_key)),
    BadInput("refusedKey", "read", with_second(ways.with_metadata(ciphertext=_UNKNOWN_CIPHERTEXT))),
    BadInput("truncated", "read", with_second(ways.truncated)),
    BadInput("tampered", "read", with_second(ways.tampered)),
    BadInput("emptyObject", "read", with_second(ways.empty_object)),
    BadInput("missingIv", "read", with_second(ways.missing_iv)),
    BadInput("malformedIv", "read", with_second(ways.with_metadata(iv="%%%%"))),
    BadInput("shortIv", "read", with_second(ways.with_metadata(iv="AAAA"))),
    BadInput("gzipMembers", None, with_compressed(ways.gzip_members)),
    BadInput("trailingBytes", "read", with_compressed(ways.trailing_bytes)),
)
_LINES = (
    BadInput("noFinalNewline", None, with_compressed(ways.no_final_newline)),
    BadInput("crlf", None, with_compressed(ways.crlf)),
    BadInput("blankLines", None, with_compressed(ways.blank_lines)),
    BadInput("byteOrderMark", None, with_compressed(ways.byte_order_mark)),
    BadInput("invalidUtf8", "quarantine", rewrite=ways.with_field("text", b'"\xff"')),
    BadInput("badJson", "quarantine", rewrite=with_first_line(lambda line: line[:-1])),
    BadInput("arrayLine", "quarantine", rewrite=with_first_line(lambda line: b"[" + line + b"]")),
    BadInput("scalarLine", "quarantine", rewrite=with_first_line(lambda _: b"12")),
    BadInput("missingId", "quarantine", rewrite=with_first_line(lambda line: line.replace(b'"_id":', b'"other":', 1))),
    BadInput("deepNesting", None, rewrite=ways.deep_nesting),
    BadInput("largeDocument", None, rewrite=ways.large_document),
    BadInput("typeChange", None, rewrite=ways.other_type, against_day_before=True),
)
_MANIFESTS = (
    BadInput("duplicateIds", "ids", rewrite=ways.duplicate_ids),
    BadInput("manifestShort", "manifest", ways.with_manifest_of(ways.one_fewer)),
    BadInput("manifestExtra", "manifest", ways.with_manifest_of(ways.one_more)),
    BadInput("manifestOtherId", "ids", ways.with_manifest_of(ways.other_id)),
    BadInput("manifestMalformed", "manifest", with_second(ways.malformed_manifest)),
    BadInput("manifestMissing", "manifest", with_second(ways.without_manifest)),
    BadInput("lostFile", "manifest", with_second(ways.without_body)),
)
_EXPORTS = (
    BadInput("batchGap", "slices", with_second(lambda _: None)),
    BadInput("overlap", "slices", ways.overlap),
    BadInput("twins", None, ways.twins),
    BadInput("copiedFile", "ids", ways.copied_file),
    BadInput("rowsToNone", "rows", rewrite=ways.no_documents, against_day_before=True),
)
BAD_INPUTS: tuple[BadInput, ...] = (*_OBJECTS, *_LINES, *_MANIFESTS, *_EXPORTS)
"""Every kind, with the check that finds it."""
