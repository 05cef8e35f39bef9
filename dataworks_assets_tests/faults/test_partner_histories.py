"""Random histories of schemas: after any days, with retries and crashes anywhere, the table is what a plain model says."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataworks_assets_tests.faults.partner import PartnerScenario
from dataworks_assets_tests.faults.points import TTL_SECONDS
from dataworks_assets_tests.faults.reader import watched
from dataworks_assets_tests.faults.scenario import run
from dataworks_assets_tests.faults.strikes import Strike
from dataworks_assets_tests.systems.kickstart.whole_path import ADVERTS, configured

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


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(HISTORIES, st.lists(st.tuples(st.integers(1, 200), st.sampled_from(["before", "after"])), max_size=3), st.integers(1, 4))
def test_any_history_with_runs_killed_anywhere_is_the_models(clock, history, killed, days_a_run):
    model = Model()
    days = [FIRST + timedelta(days=number) for number in range(len(history))]
    delivered = []
    for day, (rows, columns) in zip(days, history, strict=True):
        padded = [{**row, "pad": "x"} for row in rows]  # a row of one null would be a blank line, which is no row
        delivered.append((ADVERTS, day, written(padded, [*columns, "pad"])))
        model.add(day, padded, [*columns, "pad"])
    collection = configured(ADVERTS, columns=[{"name": "id", "type": "integer"}])
    scenario = PartnerScenario("history", (collection,), then=delivered, days=tuple(days), ids={}, first_day=FIRST)
    lake = scenario.start
    reader = watched(lake, rule=scenario.rule, digest=scenario.digest)
    for at, moment in killed:
        run(scenario, lake, Strike(at=at, moment=moment), days=days[: max(1, len(days) - at % 2)])
        run(scenario, lake)  # what the dead hold is not worked on, nor what comes behind it
        clock.sleep(2 * TTL_SECONDS)
    for start in range(0, len(days), days_a_run):
        assert run(scenario, lake, days=days[start : start + days_a_run]).is_clean
    assert reader.wrong == []
    world = scenario.world(lake)
    assert world.types(ADVERTS) == model.types
    for day in days:
        assert [_plain(row) for row in world.rows(ADVERTS, day)] == model.shown(day)


def _plain(row):
    return {name: f"{value:%H:%M}" if hasattr(value, "hour") else value for name, value in row.items()}
