"""Turns wanted days into run requests: in order, with contiguous days of the same collections in one run. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

from dagster import AssetKey, RunRequest

from dataworks_assets.systems.adg.scope import AdgScope
from dataworks_assets.systems.runs import (
    MESSAGE_TRIGGER,
    RANGE_END_TAG,
    RANGE_START_TAG,
    RESTART_TAG,
    TRIGGER_TAG,
    export_tag,
)


class Trigger(StrEnum):
    """What starts a run automatically."""

    MESSAGE = MESSAGE_TRIGGER
    SCHEDULE = "schedule"
    CATCH_UP = "catch_up"
    RESTART = "restart"


@dataclass(frozen=True)
class WantedDay:
    """One day that is wanted of some collections.

    Args:
        day: the export date.
        collections: names of collections that have the day.
        correlation_id: of the export's message, where there is one.
        s3_prefix: the prefix that the message named.
        digest: of the message that this run is for, if any.
        act: id of the operator's act that starts the day, if any; such a day gets a run of its own.
        told: further configuration of that run.
    """

    day: date
    collections: frozenset[str]
    correlation_id: str = ""
    s3_prefix: str | None = None
    digest: str = ""
    act: str = ""
    told: Mapping[str, object] = field(default_factory=dict)


def with_day(scope: AdgScope, day: date) -> frozenset[str]:
    """Returns the names of the collections that have a day at all."""
    return frozenset(name for name, scoped in scope.collections.items() if scoped.has_day(day))


def run_requests(scope: AdgScope, wanted: Iterable[WantedDay], *, trigger: Trigger, by_key: bool = True) -> list[RunRequest]:
    """Returns the run requests for what is wanted, oldest first; a day without wanted collections gets no run.

    Args:
        scope: the snapshot type.
        wanted: the days, each once.
        trigger: what starts the runs.
        by_key: whether a single day may be given by its partition key; a schedule's run takes ranges only.
    """
    most_days = scope.settings.deployment.limits.backfill_days_per_run
    chunks: list[list[WantedDay]] = []
    for each in sorted((each for each in wanted if each.collections), key=lambda each: each.day):
        if chunks and len(chunks[-1]) < most_days and _continues(chunks[-1][-1], each):
            chunks[-1].append(each)
        else:
            chunks.append([each])
    return [_run_request(scope, chunk, trigger, by_key=by_key) for chunk in chunks]


def _continues(last: WantedDay, following: WantedDay) -> bool:
    if last.act or following.act:
        return False
    return last.day + timedelta(days=1) == following.day and last.collections == following.collections


def _run_request(scope: AdgScope, days: Sequence[WantedDay], trigger: Trigger, *, by_key: bool) -> RunRequest:
    first, last = days[0].day.isoformat(), days[-1].day.isoformat()
    names = sorted(days[0].collections)
    tags = {TRIGGER_TAG: trigger.value}
    tags |= {export_tag(scope.snapshot_type, each.day): each.digest for each in days if each.digest}
    tags |= {RESTART_TAG: days[0].act} if days[0].act else {}
    by_key = by_key and first == last and len({_span(scope, name) for name in names}) == 1
    if not by_key:  # Dagster takes a single key only for assets that share one partitions definition
        tags |= {RANGE_START_TAG: first, RANGE_END_TAG: last}
    return RunRequest(
        asset_selection=[AssetKey(list(scope.collections[name].key_path)) for name in names],
        partition_key=first if by_key else None,
        tags=tags,
        run_config={"ops": {scope.name: {"config": _config(days)}}},
    )


def _span(scope: AdgScope, name: str) -> tuple[date, date | None]:
    scoped = scope.collections[name]
    return scoped.first_day, scoped.config.last_day


def _config(days: Sequence[WantedDay]) -> dict[str, object]:
    """Returns the run's configuration: id and prefix for one day; only ids for several, whose prefixes are as configured."""
    if len(days) == 1:
        one = days[0]
        said: dict[str, object] = {"correlation_id": one.correlation_id, "s3_prefix": one.s3_prefix}
        return {name: value for name, value in said.items() if value} | dict(one.told)
    ids = {each.day.isoformat(): each.correlation_id for each in days if each.correlation_id}
    return {"correlation_ids": ids} if ids else {}
