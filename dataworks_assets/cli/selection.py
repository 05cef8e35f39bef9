"""Parses what commands are asked for: systems, collections and days, as written on a command line.

A collection is named like its asset, `kickstart/vacancy/vacancies` or `adg_full/core/statement`, or without the first part.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Annotated

import typer

from dataworks_assets.config.naming import SnapshotType
from dataworks_assets.config.problems import nearest
from dataworks_assets.systems.every import System
from dataworks_assets.systems.rooms import Room
from dataworks_assets.systems.scope import Scope, Scoped
from spark.errors import ConfigurationError

TypeOption = Annotated[
    SnapshotType, typer.Option("--type", "-t", help="Which export: the full or the incremental one.", show_default=True)
]
OneTypeOption = Annotated[
    SnapshotType | None,
    typer.Option("--type", "-t", help="Which of ADG's exports; every system where it is left out.", show_default=False),
]
NarrowTypeOption = Annotated[
    SnapshotType | None,
    typer.Option("--type", "-t", help="Which of ADG's exports a short name means; the full one where it is left out."),
]
SystemOption = Annotated[
    System | None, typer.Option("--system", "-s", help="Which system; every one where it is left out.", show_default=False)
]
COLLECTION_HELP = "Collection, such as `adg_full/core/statement`, `kickstart/vacancy/vacancies`, or short: `core/statement`."
COLLECTIONS_HELP = "Collections, also by glob: `core/statement`, `kickstart/*`, `adg_full/core/*`."
DaysOption = Annotated[
    list[str] | None,
    typer.Option("--day", "-D", help="Day, or a range of them: `2026-11-18`, `2026-11-18...2026-11-20`. Repeatable."),
]
CollectionsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--collection", "-c", help="Collection, also by glob: `core/statement`, `core/*`. Repeatable; none means all."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON, for a script.")]


def parse_days(texts: Sequence[str]) -> tuple[date, ...]:
    """Returns the days that texts such as `2026-11-18` and `2026-11-18...2026-11-20` name, each once, oldest first.

    Raises:
        typer.BadParameter: a text is no day and no range of days.
    """
    found = {day for text in texts for part in text.split(",") for day in _days_of(part.strip())}
    return tuple(sorted(found))


def _days_of(text: str) -> Iterator[date]:
    first_text, dots, last_text = text.partition("...")
    first, last = _day(first_text, text), _day(last_text if dots else first_text, text)
    if last < first:
        raise typer.BadParameter(f"{text!r} ends before it begins", param_hint="--day")
    yield from days_between(first, last)


def _day(text: str, whole: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        message = f"{whole!r} is no day: write 2026-11-18, or 2026-11-18...2026-11-20"
        raise typer.BadParameter(message, param_hint="--day") from error


def days_between(first: date, last: date) -> Iterator[date]:
    """Yields every day from the first to the last."""
    for offset in range((last - first).days + 1):
        yield first + timedelta(days=offset)


def select_collections(scope: Scope, patterns: Sequence[str] | None) -> tuple[Scoped, ...]:
    """Returns the collections whose names match any of the globs, all of them where there is no glob.

    Raises:
        ConfigurationError: a glob matches nothing.
    """
    return tuple(scope.select(_matched([scope], patterns).get(scope.name, ())))


def refuse_days_of_none(collections: Sequence[Scoped], days: Sequence[date]) -> None:
    """Refuses days that none of the collections has, and days to come: nothing would be done, or every one would fail.

    Raises:
        ConfigurationError: there is such a day.
    """
    if days and max(days) > (today := datetime.now(UTC).date()):
        raise ConfigurationError(
            f"{max(days)} is a day to come", where="--day", remedy=f"Ask for days up to today, which is {today} (UTC)"
        )
    outside = [day for day in days if not any(scoped.has_day(day) for scoped in collections)]
    if outside:
        more = f", nor {len(outside) - 1} more of these days" if len(outside) > 1 else ""
        raise ConfigurationError(
            f"none of these collections has {outside[0]}{more}",
            where="--day",
            remedy="Their days begin with `first_day`, and end with `last_day`: `dataworks config show` has both",
        )


def select_anywhere(rooms: Sequence[Room], patterns: Sequence[str] | None) -> list[tuple[Room, tuple[Scoped, ...]]]:
    """Returns what globs name in each of the rooms; one has to match in some of them only.

    Raises:
        ConfigurationError: a glob matches nothing in any of them.
    """
    names = _matched([room.scope for room in rooms], patterns)
    return [(room, tuple(room.scope.select(names[room.scope.name]))) for room in rooms if names.get(room.scope.name)]


def in_one_room(rooms: Sequence[Room], patterns: Sequence[str] | None) -> tuple[Room, tuple[Scoped, ...]]:
    """Returns the first room in which every glob names something, and what they name: of short names the full export.

    Raises:
        ConfigurationError: a glob matches nothing, or no one room has something of each.
    """
    found = select_anywhere(rooms, patterns)
    for room, _ in found:
        names = [_matched([room.scope], [pattern], is_strict=False)[room.scope.name] for pattern in patterns or ["*"]]
        if all(names):
            return room, tuple(room.scope.select(set().union(*names)))
    raise ConfigurationError(
        f"no one system has collections of each of {', '.join(patterns or ())}",
        where=", ".join(room.scope.name for room, _ in found),
        remedy="Ask for the collections of each by themselves",
    )


def the_one(rooms: Sequence[Room], name: str) -> tuple[Room, Scoped]:
    """Returns the collection of this name, long or short; of a short name that several have, the first: the full export's.

    Raises:
        ConfigurationError: there is none.
    """
    for room in rooms:
        for scoped in room.scope.collections.values():
            if name in {scoped.name, _long_name(room.scope, scoped.name)}:
                return room, scoped
    raise _unknown([room.scope for room in rooms], f"no collection {name!r}", name)


def _matched(scopes: Sequence[Scope], patterns: Sequence[str] | None, *, is_strict: bool = True) -> dict[str, set[str]]:
    """Returns the names of the collections that globs match, by scope."""
    found: dict[str, set[str]] = {scope.name: set() for scope in scopes}
    for pattern in patterns or ["*"]:
        matched = [
            (scope.name, name)
            for scope in scopes
            for name in scope.collections
            if fnmatchcase(name, pattern) or fnmatchcase(_long_name(scope, name), pattern)
        ]
        if is_strict and not matched:
            raise _unknown(scopes, f"no collection matches {pattern!r}", pattern)
        for scope_name, name in matched:
            found[scope_name].add(name)
    return found


def _long_name(scope: Scope, name: str) -> str:
    """Returns a collection's name as its asset has it: `adg_full/core/statement`."""
    return f"{scope.name}/{name}"


def _unknown(scopes: Sequence[Scope], what: str, name: str) -> ConfigurationError:
    is_long = any(name.startswith(f"{scope.name}/") for scope in scopes)
    known = [_long_name(scope, each) if is_long else each for scope in scopes for each in scope.collections]
    remedy = nearest(name, sorted(set(known))) if known else "Configure one: `dataworks config check` shows what there is"
    if options := _options_that_are_off(scopes):
        remedy += (
            f"{'' if remedy.endswith('?') else '.'} More are configured where DATAWORKS_OPTIONS has {' or '.join(options)}"
        )
    return ConfigurationError(f"{what} in {', '.join(scope.name for scope in scopes)}", remedy=remedy)


def _options_that_are_off(scopes: Sequence[Scope]) -> list[str]:
    """Returns the deployment's options that would add collections and are off."""
    found = {
        option
        for scope in scopes
        for option in scope.settings.deployment.collections.options
        if option not in scope.settings.environment.options
    }
    return sorted(found)
