"""The page of the tables says which columns there are, and the catalog says the same of each."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from spark.contract import Column, Layout, OutputTable
from spark.decode.types import hive_type, parse_type
from spark.publish.catalog import POINTER_PARAMETER, Pointer
from spark.publish.tables import columns_of, quarantine

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "tables.md").read_text(encoding="utf-8")
_ROW = re.compile(r"^\| `(\w+)` \| `(\w+)` \| .+ \|$", re.MULTILINE)
COLUMNS, QUARANTINE = _ROW.findall(PAGE)[:5], _ROW.findall(PAGE)[5:]


def table(layout, **fields):
    declared = () if layout in {Layout.RAW, Layout.TEXT} else (Column(name="amount", type="int", comment="Pounds"),)
    return OutputTable(database="db", name="t_history", newest="t", layout=layout, columns=declared, tags={}, **fields)


def test_the_columns_of_every_table():
    assert [(column.name, column.type) for column in columns_of(table(Layout.RAW))] == COLUMNS


def test_declared_columns_stand_behind_them_with_their_comments():
    *standard, amount, errors = columns_of(table(Layout.TYPED))
    assert [(column.name, column.type) for column in standard] == COLUMNS
    assert (amount.name, amount.type, amount.comment) == ("amount", "bigint", "Pounds")
    assert (errors.name, errors.type) == ("_errors", "array<string>")


@pytest.mark.parametrize("layout", Layout)
def test_every_column_has_a_comment(layout):
    assert all(column.comment for column in columns_of(table(layout, text_column="val")))


def test_a_declared_column_of_a_standard_columns_name_says_what_it_is_itself():
    own = OutputTable(database="db", name="t", newest=None, layout=Layout.COLUMNS, columns=(Column(name="id"),), tags={})
    assert columns_of(own)[0].comment == ""


def test_the_columns_of_a_quarantine():
    definition = quarantine("db", "t_quarantine", location_uri="s3://b/t", parameters={})
    assert [(column.name, column.type) for column in definition.columns] == QUARANTINE


def test_the_types_on_disk():
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| (\w+)[ ,|]", PAGE.partition("## Types on disk")[2], flags=re.MULTILINE)
    told = {name: stored for names, stored in rows for name in re.findall(r"\w+", names)}
    assert set(told) > {"string", "boolean", "int", "float", "date", "timestamp"}
    stored = {name: hive_type(parse_type(name)) for name in told}
    assert stored == told | {"timestamp": "timestamp"}


def test_what_a_pointer_holds():
    assert f"`{POINTER_PARAMETER}`" in PAGE
    told = set(re.findall(r"`(\w+)`", PAGE.partition("pointers in the catalog hold")[2]))
    assert told <= set(Pointer.__dataclass_fields__)
