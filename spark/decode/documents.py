"""Decodes a file's documents, chunk by chunk, into rows of its collection's tables, and lines that are no row.

How a value is judged is in `spark.decode.exact`, what a line has to be in `spark.decode.lines`. Fetching, writing and
manifests do not belong here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from spark.contract import ExportCollection, Layout, Misfit, OutputTable
from spark.decode.collector import paused_collector
from spark.decode.exact import unmark
from spark.decode.lines import Documents, QuarantinedLine, read_lines, sort_out_lines
from spark.decode.plan import Answers, NotDocumentsError, Plan, Want
from spark.decode.stream import Chunk, json_chunks
from spark.decode.types import TIMESTAMP, parse_type
from spark.errors import InputError
from spark.native.ids import Hashes, plain_hashes
from spark.sources.ids import comparison_hashes, comparison_key, hash_keys, id_text

if TYPE_CHECKING:
    from typing_extensions import Buffer

ERRORS = "_errors"
_ERRORS_TYPE = pa.list_(pa.string())
_NO_ID = b"null"
_TIMES = ("record_timestamp", "created", "removed")


@dataclass(frozen=True)
class DecodedChunk:
    """The decoded content of a chunk.

    Attributes:
        tables: a batch for each of the collection's tables, in their order; all have the same rows. The columns are
            `schema_of` the table, except that the text is an array of views (`string_view`) into the chunk, not a copy.
        quarantined: the lines that are no row.
        ids: for each row, the hash of its id's comparison key (see `spark.sources.ids`); empty if there are no ids.
        id_texts: the ids as in the documents, for naming one by its SHA-256; None if there are no ids.
        line_numbers: each row's line in the file.
        lines: all lines read, blank and quarantined ones among them.
        blank_lines: lines of only blanks, which do not count as records.
        decoded_bytes: bytes of decoded text.
        notes: observations that are no failure.
    """

    tables: tuple[pa.RecordBatch, ...]
    quarantined: list[QuarantinedLine]
    ids: Hashes
    id_texts: pa.Array | None
    line_numbers: npt.NDArray[np.int64]
    lines: int
    blank_lines: int
    decoded_bytes: int
    notes: list[str] = field(default_factory=list)


def schema_of(table: OutputTable) -> pa.Schema:
    """Returns the columns of a table's files, without its partition column.

    Raises:
        ConfigurationError: a column's type is none.
    """
    declared = [(column.name, parse_type(column.type)) for column in table.columns]
    if table.layout is Layout.TEXT:
        return pa.schema([(table.text_column, pa.string())])
    if table.layout is Layout.COLUMNS:
        has_errors = table.misfit is Misfit.NULL and any(data_type != pa.string() for _, data_type in declared)
        return pa.schema([*declared, *([(ERRORS, _ERRORS_TYPE)] if has_errors else [])])
    fixed = [("id", pa.string()), *((name, TIMESTAMP) for name in _TIMES), (table.text_column, pa.string())]
    if table.layout is Layout.RAW:
        return pa.schema(fixed)
    return pa.schema([*fixed, *declared, (ERRORS, _ERRORS_TYPE)])


def decode_file(
    body: Iterable[Buffer], *, key: bytes, iv: bytes, collection: ExportCollection, uri: str
) -> Iterator[DecodedChunk]:
    """Yields a file's rows, chunk by chunk; see `json_chunks` for the arguments and what is raised."""
    decoder = Decoder(collection)
    for chunk in json_chunks(body, key=key, iv=iv, uri=uri):
        yield decoder.decode(chunk)


class Decoder:
    """Decodes one file of a collection. Chunks have to be passed in order, because lines are counted."""

    def __init__(self, collection: ExportCollection) -> None:
        self._collection = collection
        self._id = None if collection.id_path is None else Want(collection.id_path, None)
        self._tables = [_Table(table, collection) for table in collection.tables]
        wants = [want for table in self._tables for want in table.wants.values()]
        self._plan = Plan([*([self._id] if self._id else []), *wants])
        self._noted: set[tuple[str, str]] = set()
        self._next_line = 1

    def decode(self, chunk: Chunk) -> DecodedChunk:
        """Returns the rows of a chunk."""
        with paused_collector():
            documents, answers = self._answer(chunk.text)
            self._next_line += documents.lines
            rows = _Rows(documents, answers, answers.columns[self._id] if self._id else None)
            self._refuse(rows)
            return self._assemble(chunk, rows)

    def _answer(self, text: bytes) -> tuple[Documents, Answers]:
        documents = read_lines(text, self._next_line)
        if documents.is_regular:
            try:
                return documents, self._plan.answer(documents)
            except NotDocumentsError:
                pass
        documents = sort_out_lines(text, self._next_line)
        return documents, self._plan.answer(documents)

    def _refuse(self, rows: _Rows) -> None:
        """Marks documents that are no row: without the expected id, or refused by a table for a misfit."""
        if self._id is not None and rows.raw_ids is not None and rows.raw_ids.null_count:
            name = ".".join(self._id.path)
            for row in np.flatnonzero(rows.raw_ids.is_null()).tolist():
                rows.refused.setdefault(row, _Refusal(f"the document has no {name}"))
        if not rows.answers.misfits:
            return
        for table in self._tables:
            if table.table.misfit is Misfit.REFUSE:
                for row, name, misfit in table.entries(rows.answers):
                    rows.refused.setdefault(row, _Refusal(f"{name}{misfit}", f"{name} does not fit its type"))

    def _assemble(self, chunk: Chunk, rows: _Rows) -> DecodedChunk:
        ids, hashes = rows.ids()
        keep = rows.keep()
        texts = rows.documents.texts(keep)
        batches = [table.batch(rows, texts, ids, keep) for table in self._tables]
        numbers = rows.documents.line_numbers
        if keep is not None:
            ids = None if ids is None else ids.filter(pa.array(keep))
            hashes, numbers = (hashes[keep] if len(hashes) else hashes), numbers[keep]
        return DecodedChunk(
            tables=tuple(batches),
            quarantined=rows.quarantined(),
            ids=hashes,
            id_texts=ids,
            line_numbers=numbers,
            lines=rows.documents.lines,
            blank_lines=rows.documents.blank_lines,
            decoded_bytes=len(chunk.text),
            notes=self._notes(chunk, rows),
        )

    def _notes(self, chunk: Chunk, rows: _Rows) -> list[str]:
        notes = [] if chunk.text.endswith(b"\n") else ["the last line has no line feed"]
        if rows.answers.misfits:
            notes += self._silent_misfits(rows)
        return notes

    def _silent_misfits(self, rows: _Rows) -> Iterator[str]:
        """Yields a note, once per file and column, about misfits in tables without an error column."""
        for table in self._tables:
            if ERRORS in table.schema.names or table.table.misfit is Misfit.REFUSE:
                continue
            for row, name, _ in table.entries(rows.answers):
                if (table.table.name, name) not in self._noted:
                    self._noted.add((table.table.name, name))
                    line = rows.documents.line_numbers[row]
                    yield f"{name} of {table.table.name} does not fit its type in some lines, first in line {line}"


class _Refusal(NamedTuple):
    """Why a document is no row; `kind` is the reason without any of the document's content, if the reason has some."""

    reason: str
    kind: str = ""


@dataclass
class _Rows:
    """The documents of a chunk while they become rows; `refused` holds row indexes by the reason of refusal."""

    documents: Documents
    answers: Answers
    raw_ids: pa.BinaryArray | None
    refused: dict[int, _Refusal] = field(default_factory=dict)

    def ids(self) -> tuple[pa.Array | None, Hashes]:
        """Returns the ids' texts and the hashes of their comparison keys; those of refused rows are arbitrary."""
        if self.raw_ids is None:
            return None, np.empty(0, np.uint64)
        if self.documents.marked is None and not self.raw_ids.null_count:
            hashes = plain_hashes(self.raw_ids)
            if hashes is not None:
                return self.raw_ids.view(pa.string()), hashes
        raws = self.raw_ids.fill_null(_NO_ID).to_pylist()
        if self.documents.marked is not None:
            raws = list(map(unmark, raws))
        try:
            return pa.array(map(id_text, raws), pa.string(), size=len(raws)), comparison_hashes(raws)
        except (InputError, RecursionError):
            return self._ids_one_by_one(raws)

    def _ids_one_by_one(self, raws: list[bytes]) -> tuple[pa.Array, Hashes]:
        texts, keys = [b""] * len(raws), [b""] * len(raws)
        for row, raw in enumerate(raws):
            try:
                texts[row], keys[row] = id_text(raw), comparison_key(raw)
            except (InputError, RecursionError):
                self.refused.setdefault(row, _Refusal("the document's id is nested too deep"))
        return pa.array(texts, pa.string()), hash_keys(keys)

    def keep(self) -> npt.NDArray[np.bool_] | None:
        """Returns which documents are rows; None if all are."""
        if not self.refused:
            return None
        keep: npt.NDArray[np.bool_] = np.ones(len(self.documents.ends), np.bool_)
        keep[list(self.refused)] = False
        return keep

    def quarantined(self) -> list[QuarantinedLine]:
        """Returns the lines that are no row, in their order."""
        if not self.refused:
            return self.documents.quarantined
        lines = self.documents.text.split(b"\n")
        numbers = self.documents.line_numbers
        refused = [QuarantinedLine(int(numbers[row]), why.reason, lines[row], why.kind) for row, why in self.refused.items()]
        return sorted([*self.documents.quarantined, *refused], key=lambda line: line.line_number)


class _Table:
    """One table of the collection: the values it takes from a document, and how rows become its batch."""

    def __init__(self, table: OutputTable, collection: ExportCollection) -> None:
        self.table = table
        self.schema = schema_of(table)
        self.wants: dict[str, Want] = {}
        if table.layout in {Layout.RAW, Layout.TYPED}:
            paths = (collection.timestamp_path, collection.created_path, collection.removed_path)
            self.wants |= {name: Want(path, TIMESTAMP) for name, path in zip(_TIMES, paths, strict=True) if path}
        if table.layout in {Layout.TYPED, Layout.COLUMNS}:
            self.wants |= {each.name: Want(each.path or (each.name,), parse_type(each.type)) for each in table.columns}

    def entries(self, answers: Answers) -> Iterator[tuple[int, str, str]]:
        """Yields (row, column, path below it and text) for every value that did not fit one of the table's columns."""
        names: dict[Want, list[str]] = defaultdict(list)
        for name, want in self.wants.items():
            names[want].append(name)
        for row, want, text in answers.misfits:
            for name in names[want]:
                yield row, name, text

    def batch(self, rows: _Rows, texts: pa.Array, ids: pa.Array | None, keep: npt.NDArray[np.bool_] | None) -> pa.RecordBatch:
        """Returns the table's rows; `texts` are those to keep already."""
        mask = None if keep is None else pa.array(keep)
        count = len(rows.documents.ends)
        columns = {}
        for column in self.schema:
            if column.name == self.table.text_column and column.name not in self.wants:
                columns[column.name] = texts
                continue
            array = self._column(column, rows, ids, count)
            columns[column.name] = array if mask is None else array.filter(mask)
        return pa.RecordBatch.from_pydict(columns)

    def _column(self, column: pa.Field, rows: _Rows, ids: pa.Array | None, count: int) -> pa.Array:
        if column.name in self.wants:
            return rows.answers.columns[self.wants[column.name]]
        if column.name == ERRORS:
            return self._errors(rows.answers, count)
        if column.name == "id" and ids is not None:
            return ids
        return pa.nulls(count, column.type)

    def _errors(self, answers: Answers, count: int) -> pa.Array:
        if not answers.misfits:
            return pa.nulls(count, _ERRORS_TYPE)
        entries: list[list[str] | None] = [None] * count
        for row, name, text in self.entries(answers):
            entries[row] = [*(entries[row] or []), f"{name}{text}"]
        return pa.array(entries, _ERRORS_TYPE)
