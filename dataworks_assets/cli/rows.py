"""Showing a query's rows: as a table or, if there are too many columns for the terminal, as a block per row.

Values are as Spark collects them; nested ones are shown as JSON, with the names of their fields.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from dataworks_assets.cli.showing import table

_LONGEST_CELL = 200
_NARROWEST_COLUMN = 14
"""Average column width, in characters, below which a table is hard to read."""
_BETWEEN_COLUMNS = 3


def plain(value: Any) -> Any:
    """Returns a value with nested rows as dictionaries by name, so that it can be written as JSON."""
    if hasattr(value, "asDict"):  # pyspark's Row, which is a tuple
        return {name: plain(each) for name, each in value.asDict().items()}
    if isinstance(value, dict):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value


def show_rows(console: Console, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Prints the rows, as a table or a block a row, whichever can be read on this console."""
    cells = [[_cell(value) for value in row] for row in rows]
    console.print(_blocks(columns, cells) if _is_too_wide(columns, cells, console.width) else _table(columns, cells))


def _cell(value: Any) -> str:
    value = plain(value)
    text = json.dumps(value, default=str, ensure_ascii=False) if isinstance(value, (dict, list, bool)) else str(value)
    if value is None:
        return ""
    return text if len(text) <= _LONGEST_CELL else f"{text[:_LONGEST_CELL]}…"


def _is_too_wide(columns: Sequence[str], cells: Sequence[Sequence[str]], width: int) -> bool:
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    return sum(widths) + _BETWEEN_COLUMNS * len(columns) > width and len(columns) * _NARROWEST_COLUMN > width


def _table(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> Table:
    shown = table(*map(escape, columns))
    for row in cells:
        shown.add_row(*map(Text, row))
    return shown


def _blocks(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> Table:
    shown = table("Column", "Value")
    for row in cells:
        for name, text in zip(columns, row, strict=True):
            shown.add_row(Text(name), Text(text))
        shown.add_section()
    return shown
