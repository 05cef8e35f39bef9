"""What commands are asked for: days, collections and snapshot types, as they are written on a command line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from fnmatch import fnmatchcase
from typing import Annotated

import typer

from dataworks_assets.config.naming import SnapshotType
from dataworks_assets.config.problems import nearest
from dataworks_assets.systems.adg.scope import AdgScope, ScopedCollection
from spark.errors import ConfigurationError

TypeOption = Annotated[
    SnapshotType, typer.Option("--type", "-t", help="Which export: the full or the incremental one.", show_default=True)
]
OneTypeOption = Annotated[
    SnapshotType | None, typer.Option("--type", "-t", help="Which export; both where it is left out.", show_default=False)
]
DaysOption = Annotated[
    list[str] | None,
    typer.Option("--day", "-D", help="Export date, or a range of them: `2026-11-18`, `2026-11-18...2026-11-20`. Repeatable."),
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


def select_collections(scope: AdgScope, patterns: Iterable[str] | None) -> tuple[ScopedCollection, ...]:
    """Returns the collections whose names match any of the globs, all of them where there is no glob.

    Raises:
        ConfigurationError: a glob matches nothing.
    """
    names: set[str] = set()
    for pattern in patterns or ["*"]:
        matched = [name for name in scope.collections if fnmatchcase(name, pattern)]
        if not matched:
            known = list(scope.collections)
            remedy = nearest(pattern, known) if known else "Configure one: `dataworks config check` shows what there is"
            raise ConfigurationError(f"no collection matches {pattern!r} in {scope.name}", remedy=remedy)
        names.update(matched)
    return scope.select(names)


def types_of(named: SnapshotType | None) -> list[SnapshotType]:
    """Returns the type that was named, both where none was."""
    return [named] if named else list(SnapshotType)


def select_anywhere(
    scopes: Sequence[AdgScope], patterns: Sequence[str] | None
) -> list[tuple[AdgScope, tuple[ScopedCollection, ...]]]:
    """Returns what globs name in each of the scopes; one has to match in some of them only.

    Raises:
        ConfigurationError: a glob matches nothing in any of them.
    """
    names: dict[str, set[str]] = {scope.name: set() for scope in scopes}
    for pattern in patterns or ["*"]:
        errors: list[ConfigurationError] = []
        for scope in scopes:
            try:
                names[scope.name] |= {collection.name for collection in select_collections(scope, [pattern])}
            except ConfigurationError as error:
                errors.append(error)
        if patterns and len(errors) == len(scopes):
            raise errors[0]
    return [(scope, scope.select(names[scope.name])) for scope in scopes if names[scope.name]]
