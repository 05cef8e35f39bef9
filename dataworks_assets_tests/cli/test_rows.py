"""A query's rows can be read on the terminal, whatever they hold."""

from __future__ import annotations

import io
from datetime import date
from decimal import Decimal

from pyspark.sql import Row
from rich.console import Console

from dataworks_assets.cli.rows import plain, show_rows


def shown(columns, rows, width=80):
    console = Console(file=io.StringIO(), width=width, color_system=None)
    show_rows(console, columns, rows)
    return console.file.getvalue()


def test_rows_are_a_table():
    assert "│ 7 │ true │ [x] │" in shown(["n", "b", "t"], [(7, True, "[x]"), (None, None, "")])


def test_nested_values_are_json_with_the_names_of_their_fields():
    said = shown(["v"], [([Row(day=date(2026, 1, 26), amount=Decimal("1.50"))],)])
    assert '[{"day": "2026-01-26", "amount": "1.50"}]' in said


def test_a_nested_row_keeps_its_names_as_a_plain_value():
    assert plain({"a": [Row(b=Row(c=1))]}) == {"a": [{"b": {"c": 1}}]}


def test_a_row_of_more_columns_than_fit_is_a_block():
    names = [f"column_{number}" for number in range(20)]
    said = shown(names, [range(20), range(20)])
    assert said.count("column_19") == 2
    assert "│ column_19 │ 19    │" in said


def test_many_narrow_columns_that_fit_stay_a_table():
    names = [f"c{number}" for number in range(12)]
    assert "┃ c0 ┃ c1 ┃" in shown(names, [range(12)])


def test_a_long_value_is_cut():
    assert "…" in shown(["t"], [("x" * 300,)], width=400)
