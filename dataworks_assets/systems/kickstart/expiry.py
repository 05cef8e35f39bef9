"""Which unpublished days are about to be lost, because the source's lifecycle rules will delete them, and which are lost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Protocol

from dataworks_assets.systems.kickstart.days import days_of, forgotten_of, history_start
from dataworks_assets.systems.kickstart.planner import KickstartPlanner
from dataworks_assets.systems.kickstart.scope import KickstartScope, ScopedPartner
from spark.contract import StoreSettings
from spark.sources.partner_objects import PartnerListing
from spark.store_clients import make_boto_client


class RuleReader(Protocol):
    """Reads a bucket's lifecycle rules."""

    def __call__(self) -> Sequence[tuple[str, int]]:
        """Returns prefixes and the days after which objects below them are deleted; none if the rules must not be read."""


@dataclass(frozen=True)
class AtRisk:
    """An unpublished day of a collection. `last_day` is the last on which its files can be read; None if they are gone."""

    collection: str
    day: date
    last_day: date | None

    @property
    def is_lost(self) -> bool:
        """Whether its source is gone."""
        return self.last_day is None


def last_readable_day(written_utc: datetime, days: int) -> date:
    """Returns the last day on which an object can be read: S3 deletes it at the first midnight after so many days."""
    return (written_utc + timedelta(days=days)).date()


def days_at_risk(
    planner: KickstartPlanner,
    collections: Iterable[ScopedPartner],
    done: dict[str, frozenset[date]],
    rules: Sequence[tuple[str, int]],
) -> list[AtRisk]:
    """Returns the lost days, and those whose files expire within the warning time, oldest first.

    Args:
        planner: lists the partner's days.
        collections: the collections of interest.
        done: by collection, the days that are published or given up.
        rules: the bucket's lifecycle rules; objects that none covers expire after the configured days.
    """
    scope, today = planner.scope, planner.today
    every = tuple(collections)
    start = history_start(scope, done, today=today, forgotten=forgotten_of(planner.platform, scope, every))
    wanted = [
        (scoped, day)
        for scoped in every
        for day in days_of(start, today)
        if scoped.wants(day, today) and day not in done.get(scoped.name, frozenset())
    ]
    listings = planner.list_days({(scoped.config.module, day) for scoped, day in wanted})
    risks = [_risk(planner, scoped, day, rules, listings[scoped.config.module, day]) for scoped, day in wanted]
    return sorted(filter(None, risks), key=lambda risk: (risk.day, risk.collection))


def _risk(
    planner: KickstartPlanner, scoped: ScopedPartner, day: date, rules: Sequence[tuple[str, int]], listing: PartnerListing
) -> AtRisk | None:
    source = planner.scope.source
    written_utc = listing.oldest_utc.get(scoped.config.collection)
    if written_utc is None:
        is_gone = (planner.today - day).days > source.expiry_days
        return AtRisk(scoped.name, day, None) if is_gone else None
    key = planner.scope.prefix_uri(scoped.config.module, day).removeprefix(f"{source.scheme}://{source.bucket}/")
    days = min((days for prefix, days in rules if key.startswith(prefix)), default=source.expiry_days)
    last_day = last_readable_day(written_utc, days)
    return AtRisk(scoped.name, day, last_day) if (last_day - planner.today).days <= source.warn_days else None


def s3_rules(scope: KickstartScope, settings: StoreSettings) -> RuleReader:
    """Returns a reader of the bucket's lifecycle rules that uses the configured chain of roles."""

    def read() -> Sequence[tuple[str, int]]:
        from botocore.exceptions import BotoCoreError, ClientError

        if settings.scheme != "s3":
            return ()
        client = make_boto_client(settings)
        try:
            answer = client.get_bucket_lifecycle_configuration(Bucket=scope.source.bucket)
        except (ClientError, BotoCoreError):  # the partner may deny this: then the configured days count
            return ()
        return [
            (_prefix_of(rule), int(rule["Expiration"]["Days"]))
            for rule in answer["Rules"]
            if rule["Status"] == "Enabled" and "Days" in rule.get("Expiration", {})
        ]

    return read


def _prefix_of(rule: dict[str, Any]) -> str:
    rule_filter = rule.get("Filter", {})
    return str(rule.get("Prefix") or rule_filter.get("Prefix") or rule_filter.get("And", {}).get("Prefix") or "")
