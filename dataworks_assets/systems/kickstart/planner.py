"""Kickstart's planner: lists the partner's days, looks up what the catalog shows, compares, decides. Only reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from dataworks_assets.config.kickstart import PartnerModule
from dataworks_assets.systems.comparing import compare
from dataworks_assets.systems.fingerprint import fingerprint
from dataworks_assets.systems.holds import read_holds
from dataworks_assets.systems.kickstart.acknowledged import CollectionDay, read_acknowledged
from dataworks_assets.systems.kickstart.order import Gap, find_gaps, in_order
from dataworks_assets.systems.kickstart.scope import KickstartScope, ScopedPartner
from dataworks_assets.systems.plan import Decision, Plan, PlannedDay, Request
from dataworks_assets.systems.platform import Platform
from dataworks_assets.systems.refusals import Refusal, read_refusals
from spark.contract import Finding
from spark.errors import ConfigurationError
from spark.publish.catalog import Pointer
from spark.publish.manifest import intact_many
from spark.publish.state import published_states
from spark.sources.partner_objects import PartnerListing, list_partner_day
from spark.store import ObjectStore

_IN_PARALLEL = 8


def _today() -> date:
    return datetime.now(UTC).date()


@dataclass(frozen=True)
class KickstartPlanner:
    """Plans runs of Kickstart.

    Args:
        platform: the deployment's clients.
        scope: its collections.
        source: the partner's store.
        is_test: whether the test folder is read instead of the source's.
        today: the current date, UTC.
        starts_anew: whether the history begins with the request's first day, as after a clean-up, so that no earlier day
            is waited for.
    """

    platform: Platform
    scope: KickstartScope
    source: ObjectStore
    is_test: bool = False
    today: date = field(default_factory=_today)
    starts_anew: bool = False

    def plan(self, request: Request) -> Plan:
        """Returns what a run of this request would do.

        Raises:
            ConfigurationError: an unknown collection, or a day in the future.
            StoreError, CatalogError: store or catalog cannot be read; this is never taken for "nothing is there".
        """
        collections = self.scope.select(request.collections)
        days = sorted(set(request.days))
        if days and days[-1] > self.today:
            raise ConfigurationError(
                f"{days[-1]} is in the future", where=self.scope.name, remedy=f"Ask for days up to {self.today}"
            )
        texts = [day.isoformat() for day in days]
        published = published_states(self.platform.catalog, [scoped.job for scoped in collections], texts)
        listings = self.list_days(
            {(scoped.config.module, day) for scoped in collections for day in days if scoped.has_day(day)}
        )
        pointers = [pointer for states in published.values() for pointer in states.values() if pointer is not None]
        given_up = {key: each.reason for key, each in read_acknowledged(self.platform.store, self.scope).items()}
        looks = _Looks(
            listings=listings,
            intact=intact_many(self.platform.store, pointers),
            held=read_holds(self.platform.store, self.scope),
            given_up=given_up,
            refusals=read_refusals(self.platform.store, self.scope) if given_up else {},
        )
        planned = {
            scoped.name: [
                self._decide(request, scoped, day, published[scoped.name][day.isoformat()], looks)
                for day in days
                if scoped.has_day(day)
            ]
            for scoped in collections
        }
        gaps = self._gaps(planned, looks.given_up)
        days_in_order = [each for name, same in planned.items() for each in in_order(same, gaps.get(name))]
        return Plan(
            request=request,
            days=tuple(sorted(days_in_order, key=lambda each: (each.day, each.collection.name))),
            foreign_objects=tuple(sorted({uri for listing in listings.values() for uri in listing.foreign})),
        )

    def _gaps(self, planned: Mapping[str, Sequence[PlannedDay]], given_up: Mapping[CollectionDay, str]) -> dict[str, Gap]:
        """Returns the earlier days that are waited for; none after a clean-up or in a test folder, which may hold any days."""
        if self.is_test or self.starts_anew:
            return {}
        return find_gaps(self.platform, self.scope, planned, given_up=given_up, today=self.today)

    def list_days(self, wanted: Iterable[tuple[PartnerModule, date]]) -> dict[tuple[PartnerModule, date], PartnerListing]:
        """Returns what the partner has of each module and day."""
        distinct = sorted(wanted)
        with ThreadPoolExecutor(_IN_PARALLEL) as pool:
            return dict(zip(distinct, pool.map(lambda place: self.list_day(*place), distinct), strict=True))

    def list_day(self, module: PartnerModule, day: date) -> PartnerListing:
        """Returns what the partner has of a module and day."""
        name_prefix = self.scope.source.modules[module].name_prefix
        names = {each.config.collection: f"{name_prefix}{each.config.collection}" for each in self.scope.of_module(module)}
        prefix_uri = self.scope.prefix_uri(module, day, is_test=self.is_test)
        return list_partner_day(self.source, prefix_uri, day=day, names=names)

    def _decide(
        self, request: Request, scoped: ScopedPartner, day: date, published: Pointer | None, looks: _Looks
    ) -> PlannedDay:
        listing = looks.listings[scoped.config.module, day]
        files = listing.files.get(scoped.config.collection, ())
        findings = listing.findings.get(scoped.config.collection, ())
        if scoped.name in looks.held:
            reason = f"held by an operator: {looks.held[scoped.name]}"
            return PlannedDay(scoped, day, Decision.HELD, reason, published=published)
        if not files and not findings:
            return self._without_source(scoped, day, published, looks)
        now = fingerprint(files, config_hash=scoped.config_hash)
        if published is None and looks.is_given_up_as_it_is(scoped, day, now) and not (request.force or self.is_test):
            return PlannedDay(scoped, day, Decision.GIVEN_UP, f"given up by an operator: {looks.given_up[scoped.name, day]}")
        decision, reason = compare(
            request,
            scoped.job,
            published,
            fingerprint=now,
            config_hash=scoped.config_hash,
            is_whole=lambda pointer: looks.intact[pointer.location],
        )
        return PlannedDay(scoped, day, decision, reason, now, files, findings, published)

    def _without_source(self, scoped: ScopedPartner, day: date, published: Pointer | None, looks: _Looks) -> PlannedDay:
        if published is not None and looks.intact[published.location] and not self.is_test:
            reason = "published; its source is there no more"
            return PlannedDay(scoped, day, Decision.UNCHANGED, reason, published.fingerprint, published=published)
        if (scoped.name, day) in looks.given_up and not self.is_test:
            reason = f"given up by an operator: {looks.given_up[scoped.name, day]}"
            return PlannedDay(scoped, day, Decision.GIVEN_UP, reason, published=published)
        expected = f"{self.scope.prefix_uri(scoped.config.module, day, is_test=self.is_test)}/"
        expected += f"{day}_{self.scope.source.modules[scoped.config.module].name_prefix}{scoped.config.collection}..."
        if (self.today - day).days > self.scope.source.expiry_days and not self.is_test:
            return PlannedDay(scoped, day, Decision.EXPIRED, "its source has expired", findings=(self._expired(scoped, day),))
        return PlannedDay(
            scoped, day, Decision.NOT_EXPORTED, "no file of it is there", findings=(_missing(scoped, day, expected),)
        )

    def _expired(self, scoped: ScopedPartner, day: date) -> Finding:
        return Finding(
            check="expired",
            passed=False,
            place=day.isoformat(),
            cause=f"{scoped.name} of {day} was never published, and its source is gone:"
            f" objects expire after {self.scope.source.expiry_days} days",
            remedy="Ask the partner to deliver the day again; or acknowledge the loss:"
            f" dataworks kickstart acknowledge {scoped.name} --day {day} --reason ...",
        )


@dataclass(frozen=True)
class _Looks:
    """What was found before anything is decided."""

    listings: Mapping[tuple[PartnerModule, date], PartnerListing]
    intact: Mapping[str, bool]
    held: Mapping[str, str]
    given_up: Mapping[CollectionDay, str]
    refusals: Mapping[tuple[str, str], Refusal]

    def is_given_up_as_it_is(self, scoped: ScopedPartner, day: date, now: str) -> bool:
        """Whether the day was given up, and these very files of it were refused; other files are another delivery."""
        refusal = self.refusals.get((scoped.name, day.isoformat()))
        return (scoped.name, day) in self.given_up and refusal is not None and refusal.is_of(now, scoped.audit_hash)


def _missing(scoped: ScopedPartner, day: date, expected: str) -> Finding:
    return Finding(
        check="missing",
        passed=False,
        object=expected,
        place=day.isoformat(),
        cause=f"the expected file of {scoped.name} is not there",
        remedy="Have the partner deliver it; the days before it stand",
    )
