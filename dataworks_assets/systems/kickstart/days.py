"""Which days a run is for: those requested, else from the first incomplete day up to yesterday."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Set
from datetime import date, timedelta

from dataworks_assets.systems.holds import read_holds
from dataworks_assets.systems.kickstart.acknowledged import CollectionDay, read_acknowledged
from dataworks_assets.systems.kickstart.forgotten import read_forgotten
from dataworks_assets.systems.kickstart.scope import KickstartScope, ScopedPartner
from dataworks_assets.systems.platform import Platform
from spark.errors import ConfigurationError
from spark.publish.state import published_states

_TEST_ENVIRONMENTS = {"development", "qa"}


def days_of(first: date, last: date) -> tuple[date, ...]:
    """Returns every day from the first to the last."""
    return tuple(first + timedelta(days=number) for number in range((last - first).days + 1))


def read_day(name: str, text: str | None) -> date | None:
    """Parses a day given to a run; None if none is given.

    Raises:
        ConfigurationError: the text is not a date.
    """
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise ConfigurationError(f"{name} is no day: {text!r}", remedy="Write it as 2026-11-20") from error


def chosen_days(start: date | None, end: date | None, *, first_open: date, today: date) -> tuple[date, ...]:
    """Returns the days of a run; none if everything is done.

    Args:
        start: START_DT; without an end, the run goes up to yesterday.
        end: END_DT; without a start, the run begins at the first open day.
        first_open: the first day that is not complete.
        today: the current date, UTC.

    Raises:
        ConfigurationError: END_DT before START_DT, or a day in the future.
    """
    yesterday = today - timedelta(days=1)
    for name, day in (("START_DT", start), ("END_DT", end)):
        if day is not None and day > today:
            raise ConfigurationError(f"{name} is in the future: {day}", remedy=f"Give a day up to {today}")
    if start is not None and end is not None and end < start:
        raise ConfigurationError(f"END_DT ({end}) is before START_DT ({start})", remedy="Give them in order")
    return days_of(start or first_open, end or yesterday)


def history_start(scope: KickstartScope, done: Mapping[str, Set[date]], *, today: date, forgotten: Iterable[date] = ()) -> date:
    """Returns the first day of the history: the configured one, else the first that was ever done, or forgotten.

    If there is none of these, it is the oldest day that the source can still have.
    """
    if scope.source.first_day is not None:
        return scope.source.first_day
    known = [*forgotten, *(day for days in done.values() for day in days)]
    return min(known, default=max(scope.first_day, today - timedelta(days=scope.source.expiry_days)))


def first_open_day(
    scope: KickstartScope,
    collections: Iterable[ScopedPartner],
    done: Mapping[str, Set[date]],
    *,
    today: date,
    forgotten: Iterable[date] = (),
) -> date:
    """Returns the first day on which a collection is not complete; today if all days before it are.

    Args:
        scope: gives the first day of the history.
        collections: of one or several modules.
        done: by collection, the days that are published or given up.
        today: the current date, UTC.
        forgotten: the first days of forgotten histories.
    """
    wanted = list(collections)
    return next(
        (
            day
            for day in days_of(history_start(scope, done, today=today, forgotten=forgotten), today - timedelta(days=1))
            if any(each.wants(day, today) and day not in done.get(each.name, frozenset()) for each in wanted)
        ),
        today,
    )


def catch_up_start(platform: Platform, scope: KickstartScope, collections: Iterable[ScopedPartner], *, today: date) -> date:
    """Returns the first day of a catch-up of some collections; today if nothing is open.

    Held collections do not count: every catch-up would otherwise begin at the day on which one was held.

    Raises:
        StoreError, CatalogError: store or catalog cannot be read; this is never taken for "nothing is there".
    """
    held = read_holds(platform.store, scope)
    wanted = [each for each in collections if each.name not in held]
    done = done_days(platform, scope, wanted, today=today)
    return first_open_day(scope, wanted, done, today=today, forgotten=forgotten_of(platform, scope, wanted))


def beginning(platform: Platform, scope: KickstartScope, collections: Iterable[ScopedPartner], *, today: date) -> date:
    """Returns the first day of some collections' history, at which a run that forgets the history has to begin.

    A retry, which finds the history already forgotten, begins with the same day.

    Raises:
        StoreError, CatalogError: store or catalog cannot be read; this is never taken for "nothing is there".
    """
    wanted = list(collections)
    done = done_days(platform, scope, wanted, today=today)
    return history_start(scope, done, today=today, forgotten=forgotten_of(platform, scope, wanted))


def forgotten_of(platform: Platform, scope: KickstartScope, collections: Iterable[ScopedPartner]) -> list[date]:
    """Returns the first days of the forgotten histories among some collections."""
    forgotten = read_forgotten(platform.store, scope)
    return [forgotten[each.name] for each in collections if each.name in forgotten]


def done_days(
    platform: Platform,
    scope: KickstartScope,
    collections: Iterable[ScopedPartner],
    *,
    today: date,
    given_up: Collection[CollectionDay] | None = None,
) -> dict[str, frozenset[date]]:
    """Returns the days of each collection that are published or given up.

    Args:
        platform: the deployment's clients.
        scope: the partner's collections.
        collections: the collections of interest.
        today: the current date, UTC.
        given_up: the acknowledgements, if they were already read.

    Raises:
        StoreError, CatalogError: store or catalog cannot be read; this is never taken for "nothing is there".
    """
    wanted = list(collections)
    days = days_of(scope.first_day, today)
    states = published_states(platform.catalog, [each.job for each in wanted], [day.isoformat() for day in days])
    given_up = read_acknowledged(platform.store, scope) if given_up is None else given_up
    return {
        each.name: frozenset(
            day for day in days if states[each.name][day.isoformat()] is not None or (each.name, day) in given_up
        )
        for each in wanted
    }


def first_gap(scope: KickstartScope, scoped: ScopedPartner, done: Set[date], *, asked: Set[date], today: date) -> date | None:
    """Returns the first day of a collection that is neither done nor requested; None if its days have no gap.

    If no first day is configured, its history begins with the first day that was done or is requested.

    Args:
        scope: gives the first day of the history.
        scoped: the collection.
        done: its days that are published or given up.
        asked: the days of the run.
        today: the current date, UTC.
    """
    start = scope.source.first_day or min(done | asked, default=today)
    return next((day for day in days_of(start, today) if scoped.wants(day, today) and day not in done | asked), None)


def refuse_test_folder(scope: KickstartScope) -> None:
    """Refuses the test folder in environments where it must not be read.

    Raises:
        ConfigurationError: in integration, pre-production and production.
    """
    environment = scope.settings.deployment.environment
    if environment not in _TEST_ENVIRONMENTS:
        raise ConfigurationError(
            f"E2E_TEST_FLG is refused in {environment}: test files would reach real tables",
            where=scope.settings.deployment.name,
            remedy="Run end-to-end tests in development or qa",
        )
