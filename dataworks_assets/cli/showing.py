"""How all commands show numbers, bytes, states and documents."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from dataworks_assets.systems.plan import Decision
from spark.contract import Finding

_STEP = 1000.0
_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")
_TEN = 10
_ADDRESSES = re.compile(r"\w+://[^\s,]+/[^\s,]+")

STATE_STYLES = {
    "published": "green",
    "unchanged": "dim green",
    "refused": "bold red",
    "failed": "bold red",
    "incomplete": "red",
    "gone": "bold magenta",
    "not kept": "dim",
    "held": "yellow",
    "not exported": "yellow",
    "missing": "dim",
    "expired": "bold red",
    "given up": "dim",
    "waits": "yellow",
    "delivered": "cyan",
}
_DECISION_STYLES = {
    Decision.UNCHANGED: "green",
    Decision.NOT_EXPORTED: "yellow",
    Decision.HELD: "yellow",
    Decision.EXPIRED: "bold red",
    Decision.GIVEN_UP: "dim",
    Decision.WAITS: "yellow",
}


def bytes_text(size_bytes: float) -> str:
    """Returns a size as people read it: `1.2 MB`."""
    for unit in _UNITS:
        if size_bytes < _STEP or unit == _UNITS[-1]:
            break
        size_bytes /= _STEP
    return f"{size_bytes:.0f} {unit}" if unit == "B" or size_bytes >= _TEN * _TEN else f"{size_bytes:.1f} {unit}"


def number(value: int | None) -> str:
    """Returns a count with separators, nothing for None."""
    return "" if value is None else f"{value:,}"


def days_text(days: Sequence[str]) -> str:
    """Returns days in order as people read them: the one, or the first, the last and how many."""
    return days[0] if len(days) == 1 else f"{days[0]} … {days[-1]} ({len(days)})"


def table(*columns: str, title: str = "", right: Sequence[str] = ()) -> Table:
    """Returns an empty table; the columns named in `right` hold numbers."""
    made = Table(title=title or None, title_justify="left", title_style="bold", header_style="bold")
    for column in columns:
        made.add_column(column, justify="right" if column in right else "left", overflow="fold")
    return made


def state_text(state: str) -> Text:
    """Returns a state in its colour."""
    return Text(state, style=STATE_STYLES.get(state, ""))


def decision_text(decision: Decision) -> Text:
    """Returns a decision in its colour: what there is to do stands out."""
    return Text(decision, style=_DECISION_STYLES.get(decision, "cyan"))


def short_text(text: str) -> str:
    """Returns a text with objects' names in place of their addresses, as there is little room, where that tells them apart."""
    found = _ADDRESSES.findall(text)
    names = [_object_name(address) for address in found]
    if len(set(names)) < len(set(found)):
        return text
    return _ADDRESSES.sub(lambda match: names[found.index(match[0])], text)


def _object_name(address: str) -> str:
    """Returns an object's name; a folder's whole address, since its last part says too little."""
    name = address.rpartition("/")[2]
    return name if "." in name else address


def finding_text(finding: Finding) -> str:
    """Returns where something is wrong and what: object, place, cause."""
    where = short_text(", ".join(filter(None, (finding.object, finding.place))))
    return f"{where}: {short_text(finding.cause)}" if where else short_text(finding.cause)


def write_json(document: Any) -> None:
    """Writes a document as JSON to the standard output."""
    typer.echo(json.dumps(document, indent=2, default=str, ensure_ascii=False))


def plural(count: int, noun: str) -> str:
    """Returns `1 file` or `2 files`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def hint(console: Console, text: str) -> None:
    """Writes what to try next."""
    console.print(text, style="dim", soft_wrap=True)
