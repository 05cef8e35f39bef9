"""Turns a batch of source values into rows of the table: cast and hashed, with failed casts described in `error_desc`."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from spark.contract import Column
from spark.decode.collector import paused_collector
from spark.decode.partner.batches import SourceBatch
from spark.decode.partner.casting import Rows, cast_texts
from spark.decode.partner.kinds import Kind, kind_of_texts
from spark.decode.partner.names import ERROR_DESC, ROW_HASH
from spark.decode.types import parse_type

_SEPARATOR = "||"
_ERRORS = pa.list_(pa.string())


@dataclass(frozen=True)
class Misfits:
    """Values of one column that did not cast: their number, the number of all values, and what they are."""

    count: int
    values: int
    kind: Kind


class RowMaker:
    """Makes rows of one file.

    Args:
        columns: of the table, from this day on.
        names: the column by source name.
    """

    def __init__(self, columns: Sequence[Column], names: Mapping[str, str]) -> None:
        self._columns = [(column.name, parse_type(column.type)) for column in columns]
        self._sources = {column: source for source, column in names.items()}
        self._hashed = sorted(names)
        self.schema = pa.schema(self._columns)

    def rows(self, batch: SourceBatch) -> tuple[pa.RecordBatch, dict[str, Misfits]]:
        """Returns the batch's rows and, by column, what did not cast."""
        with paused_collector():
            return self._rows(batch)

    def _rows(self, batch: SourceBatch) -> tuple[pa.RecordBatch, dict[str, Misfits]]:
        arrays: dict[str, pa.Array] = {}
        entries: dict[int, list[str]] = defaultdict(list)
        misfits: dict[str, Misfits] = {}
        for name, data_type in self._columns:
            source = self._sources.get(name)
            if source is None:
                arrays[name] = pa.nulls(batch.rows, data_type)
                continue
            texts = batch.columns[source].texts
            arrays[name], wrong = cast_texts(texts, data_type)
            if len(wrong):
                misfits[name] = _misfits(texts, wrong)
                for row in wrong.tolist():
                    entries[row].append(f"Type Conversion for column {name}. The source value is: {texts[row].as_py()}")
        if ROW_HASH in arrays:
            arrays[ROW_HASH] = self._hashes(batch)
        if entries:
            arrays[ERROR_DESC] = pa.array([entries.get(row) for row in range(batch.rows)], _ERRORS)
        return pa.RecordBatch.from_arrays([arrays[name] for name, _ in self._columns], schema=self.schema), misfits

    def _hashes(self, batch: SourceBatch) -> pa.Array:
        # Arrow leaves a row of nulls alone out of the result altogether: each row begins with an empty text therefore
        columns = [pa.repeat("", batch.rows), *(batch.columns[name].hash_texts for name in self._hashed)]
        joined = pc.binary_join_element_wise(*columns, _SEPARATOR, null_handling="skip").cast(pa.binary()).to_pylist()
        return pa.array([hashlib.sha256(text[len(_SEPARATOR) :]).hexdigest() for text in joined], pa.string())


def _misfits(texts: pa.Array, wrong: Rows) -> Misfits:
    return Misfits(len(wrong), len(texts) - texts.null_count, kind_of_texts(texts.take(pa.array(wrong))))
