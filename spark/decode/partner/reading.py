"""Reads a partner's file in either format: its fields, the kinds of new columns, its rows. Fetches nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from spark.contract import PartnerFormat
from spark.decode.partner.batches import SourceBatch, SourceField
from spark.decode.partner.csv_rows import csv_fields, csv_rows
from spark.decode.partner.json_document import json_fields, json_rows
from spark.decode.partner.kinds import Kind, merged

if TYPE_CHECKING:
    from typing_extensions import Buffer

OpenBody = Callable[[], Iterable["Buffer"]]
"""Opens the object from its start, decrypting it if it is encrypted."""


def read_fields(body: OpenBody, style: PartnerFormat, *, uri: str) -> tuple[SourceField, ...]:
    """Returns a file's fields, reading no more of it than necessary; see `csv_fields` and `json_fields`."""
    read = csv_fields if style is PartnerFormat.CSV else json_fields
    return read(body(), uri=uri)


def read_rows(body: OpenBody, style: PartnerFormat, fields: tuple[SourceField, ...], *, uri: str) -> Iterator[SourceBatch]:
    """Yields a file's rows; see `csv_rows` and `json_rows`."""
    read = csv_rows if style is PartnerFormat.CSV else json_rows
    return read(body(), fields, uri=uri)


def infer_kinds(batches: Iterable[SourceBatch], names: Iterable[str]) -> dict[str, Kind]:
    """Returns the narrowest kind of these columns over all batches, by source name."""
    kinds = dict.fromkeys(names, Kind.NOTHING)
    for batch in batches:
        for name, kind in kinds.items():
            kinds[name] = merged((kind, batch.columns[name].kind()))
    return kinds
