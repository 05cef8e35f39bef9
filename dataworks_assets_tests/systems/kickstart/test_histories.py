"""Random histories of schemas: after any days, with retries and crashes anywhere, the table is what a plain model says."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from dataworks_assets_tests.systems.kickstart.whole_path import ADVERTS, World, configured
from spark.errors import CatalogError

FIRST = date(2026, 11, 11)
COLUMNS = ("id", "title", "wage", "open")
VALUES = st.sampled_from([None, "", "x", "1", "2.5", "-3", "true", "2026-11-20 08:00:00"])


@st.composite
def delivered(draw):
    """A day: some columns in some order, and rows of them."""
    columns = draw(st.lists(st.sampled_from(COLUMNS), unique=True, min_size=1))
    rows = draw(st.lists(st.tuples(*[VALUES] * len(columns)), max_size=3))
    return [dict(zip(columns, row, strict=True)) for row in rows], columns


HISTORIES = st.lists(delivered(), min_size=1, max_size=4)


class Model:
    """A table as plain dictionaries, a day at a time."""

    def __init__(self):
        self.types = {"id": "bigint", "error_desc": "array<string>"}
        self.days = {}

    def add(self, day, rows, columns):
        for name in columns:
            if name not in self.types:
                self.types[name] = self.narrowest([row[name] for row in rows if row[name] is not None])
        self.days[day] = [self.row(row) for row in rows]

    def row(self, row):
        values, errors = {}, []
        for name, kind in self.types.items():
            text = row.get(name)
            if name == "error_desc" or text is None:
                continue
            value = self.cast(text, kind)
            values[name] = value
            if value is None:
                errors.append(f"Type Conversion for column {name}. The source value is: {text}")
        return {**values, "error_desc": errors or None}

    def shown(self, day):
        return [{name: row.get(name) for name in self.types} for row in self.days[day]]

    @staticmethod
    def cast(text, kind):
        if kind == "string":
            return text
        if kind == "boolean":
            return {"true": True}.get(text)
        if kind == "timestamp":
            return "08:00" if text.startswith("2026") else None
        if text not in {"1", "2.5", "-3"} or (kind == "bigint" and "." in text):
            return None
        return float(text) if kind == "double" else int(text)

    @classmethod
    def narrowest(cls, texts):
        kinds = ("bigint", "double", "boolean", "timestamp")
        return next((kind for kind in kinds if texts and all(cls.cast(text, kind) is not None for text in texts)), "string")


def written(rows, columns):
    """CSV with nulls unquoted and empty, and everything else quoted."""
    out = io.StringIO()
    csv.writer(out).writerow(columns)
    for row in rows:
        cells = ["" if row[name] is None else f'"{row[name]}"' for name in columns]
        out.write(",".join(cells) + "\n")
    return out.getvalue()


def crash_at(world, number):
    """Lets the catalog fail at its n-th call from now on, once."""
    calls = iter(range(number, -1, -1))

    def hook(moment, method):
        if moment == ("before" if number % 2 else "after") and next(calls, None) == 0:
            raise CatalogError(f"struck at {method}", transient=False)

    world.catalog.hook = hook


@settings(max_examples=40, deadline=None)
@given(HISTORIES, st.lists(st.integers(0, 25), max_size=3), st.integers(1, 4))
def test_any_history_with_any_crashes_is_the_models(history, crashes, days_a_run):
    world = World([configured(ADVERTS, columns=[{"name": "id", "type": "integer"}])], today=FIRST + timedelta(days=20))
    world.kickstart_fields = {"expiry_days": 100}
    model = Model()
    days = [FIRST + timedelta(days=number) for number in range(len(history))]
    for day, (rows, columns) in zip(days, history, strict=True):
        padded = [{**row, "pad": "x"} for row in rows]  # a row of one null would be a blank line, which is no row
        world.csv(written(padded, [*columns, "pad"]), day)
        model.add(day, padded, [*columns, "pad"])
    for number in crashes:
        crash_at(world, number)
        world.run(days=days[: max(1, len(days) - number % 2)])
        world.catalog.hook = None
    for start in range(0, len(days), days_a_run):
        outcome = world.run(days=days[start : start + days_a_run])
        assert (outcome.error, outcome.failures) == (None, ())
    assert world.types(ADVERTS) == model.types
    for day in days:
        assert [_plain(row) for row in world.rows(ADVERTS, day)] == model.shown(day)


def _plain(row):
    return {name: f"{value:%H:%M}" if hasattr(value, "hour") else value for name, value in row.items()}
