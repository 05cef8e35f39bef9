"""What measures find: rows of the table, bars of the plot, and where and how they came about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from bench.place import Place
from bench.sizes import Sizes


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the table. `reached` is None where there is no target."""

    measure: str
    result: str
    target: str = ""
    reached: bool | None = None
    note: str = ""


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """A contender's throughput, MB of JSON text a second: median, least and most over the rounds."""

    name: str
    median: float
    least: float
    most: float
    is_production: bool = False


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """What one measure found. `load` is the machine's load average of the last minute, before and after."""

    title: str
    rows: tuple[Row, ...]
    bars: tuple[Bar, ...] = ()
    inputs: str = ""
    seconds: float = 0.0
    load: tuple[float, float] = (0.0, 0.0)
    measured_utc: str = ""


@dataclass(frozen=True)
class Surroundings:
    """What a measure works with."""

    place: Place
    sizes: Sizes
    say: Callable[[str], None]


def times_text(ratio: tuple[float, float, float]) -> str:
    """Returns a ratio with its noise: `4.2x (3.9 to 4.4)`."""
    median, least, most = ratio
    return f"{median:.2f}x ({least:.2f} to {most:.2f})"


def megabytes_text(size_bytes: float) -> str:
    """Returns a size in megabytes."""
    return f"{size_bytes / 1e6:,.0f} MB"
