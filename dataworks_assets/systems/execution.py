"""One run of a system: plan, lease, one application, and every partition reported as it finishes.

Dagster's context is only used for logging. The plan makes every decision, and whatever is recorded as materialized
comes from the application's result document.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from dagster import AssetKey

from dataworks_assets.engines.channel import Channel
from dataworks_assets.engines.submission import Submission
from dataworks_assets.systems.attending import Attendance, Failed, RunContext, source_of
from dataworks_assets.systems.going_on import go_on
from dataworks_assets.systems.holding import Held, held
from dataworks_assets.systems.leasing import owner_name
from dataworks_assets.systems.plan import Decision, Plan, PlannedDay, Plans, Request
from dataworks_assets.systems.platform import Platform
from dataworks_assets.systems.refusals import clear_refusals
from dataworks_assets.systems.reporting import (
    describe,
    failed_check_event,
    unchanged_check_event,
    unchanged_event,
)
from dataworks_assets.systems.retagging import retag
from dataworks_assets.systems.scope import Scope
from dataworks_assets.systems.told import Nobody, Told
from spark.contract import (
    Finding,
    JobParameters,
    PartitionWork,
    StoreSettings,
)
from spark.errors import DataworksError, LeaseError
from spark.jobs.progress import Placed
from spark.jobs.unlock import finding_of
from spark.publish.follow import Follower
from spark.publish.lease import Lease
from spark.publish.newest import NewestFollower
from spark.publish.tables import Tables

_MOST_NAMED = 20


@dataclass
class Execution:
    """Carries out one request of one system, or of one of its snapshot types.

    Args:
        platform: the deployment's clients.
        scope: the system's collections.
        plans: what makes the system's plans.
        context: Dagster's side.
        source_store: how the job reaches its input if that is not in the deployment's own store.
        channel: how the application's messages travel.
        is_patient: whether to wait for the leases of a dead run to expire, as a retry has to.
        family: id shared by all tries of this run; the run's own id if empty.
        told: receives the events of the run, for the ledger.
        show: logs an event that says where the application runs.
    """

    platform: Platform
    scope: Scope
    plans: Plans
    context: RunContext
    channel: Channel | None = None
    is_patient: bool = False
    family: str = ""
    told: Told = field(default_factory=Nobody)
    source_store: StoreSettings | None = None
    show: Callable[[Placed], None] = lambda _placed: None
    failures: list[Failed] = field(default_factory=list)
    _attendance: Attendance = field(init=False)

    def __post_init__(self) -> None:
        self._attendance = self._attend_with(self.told, self.failures)

    def _attend_with(self, told: Told, failures: list[Failed]) -> Attendance:
        return Attendance(self.platform, self.scope, self.context, self.channel, told, self.show, failures)

    def run(self, request: Request) -> Plan:
        """Plans and executes the request. Failed days are in `failures` afterwards; the rest is published and reported.

        An application that outlived an earlier try is attended to its end first; what it leaves undone is planned anew.

        Raises:
            DataworksError: nothing could be planned, or the application ended without a result.
        """
        going_on = self._attend_with(Nobody(), [])
        go_on(self.platform, self.scope, self._family, attend=going_on.attend, log=self.context.log)
        plan = self.plans.plan(request)
        self.told.planned(plan)
        self._say(plan)
        for planned in plan.days:
            if planned.decision is not Decision.CHANGED_TAGS:
                self._report_without_work(planned)
        self._follow(plan)
        self._retag(plan.decided(Decision.CHANGED_TAGS))
        if plan.work:
            owner = owner_name(self.context.run_id)
            with held(self.platform, self.scope, plan.work, owner=owner, is_patient=self.is_patient) as taken:
                work = tuple(self._work_of(planned, lease, request) for planned, lease in self._leased(taken))
                if work:
                    self._submit(work, owner)
        return plan

    @property
    def _family(self) -> str:
        return f"{self.family or self.context.run_id}-{self.scope.name}"

    def _follow(self, plan: Plan) -> None:
        """Completes what a dead run left undone after publishing: newest-day tables, quarantine, day documents, refusals."""
        platform, output_uri = self.platform, self.scope.output_uri
        tables = Tables(platform.catalog, system=self.scope.system, output_uri=output_uri)
        unchanged = [(each.collection.job, each.published) for each in plan.published if each.published]
        collections = {collection.name: collection for collection, _ in unchanged}
        wrong = NewestFollower(platform.catalog, tables).follow_many(list(collections.values()), {})
        follower = Follower(platform.catalog, platform.store, tables=tables, output_uri=output_uri)
        try:
            wrong |= follower.follow(follower.open_days(unchanged))
            clear_refusals(platform.store, self.scope, [(each.name, pointer.partition) for each, pointer in unchanged])
        except DataworksError as error:
            wrong["these days"] = error
        for name, failure in wrong.items():
            self.context.log.warning("what follows the publication of %s is not done: %s", name, failure)

    def _retag(self, days: tuple[PlannedDay, ...]) -> None:
        """Puts changed tags on the objects of published days, and reports each day once it has them."""
        if not days:
            return
        owner = owner_name(self.context.run_id)
        by_day = {(planned.collection.name, planned.day.isoformat()): planned for planned in days}
        with held(self.platform, self.scope, days, owner=owner, is_patient=self.is_patient) as taken:
            for done in retag(self.platform, self.scope, taken.keeper, self._leased(taken)):
                planned = by_day[done.collection, done.export_date]
                if done.error is None:
                    self.context.log.info("%s %s: %d objects have new tags", done.collection, done.export_date, done.objects)
                    self._report_without_work(planned)
                else:
                    self._fail(planned, finding_of(done.error, object_uri=done.error.where, check="tags"), lies_in_data=False)

    def _say(self, plan: Plan) -> None:
        counts = {decision: len(plan.decided(decision)) for decision in Decision}
        said = ", ".join(f"{count:,} {decision}" for decision, count in counts.items() if count)
        input_bytes = sum(planned.input_bytes for planned in plan.work)
        files = sum(len(planned.files) for planned in plan.work)
        log = self.context.log
        log.info(
            "%s: %d days of collections: %s; %d files, %.1f MB to be read",
            *(self.scope.name, len(plan.days), said, files, input_bytes / 1e6),
        )
        for line in plan.left_alone(_MOST_NAMED):
            log.warning("%s", line)

    def _report_without_work(self, planned: PlannedDay) -> None:
        key = AssetKey(list(planned.collection.key_path))
        day = planned.day.isoformat()
        if planned.decision.is_published and planned.published is not None:
            event = unchanged_event(key, planned.published, reason=planned.reason, upstream=source_of(planned.collection))
            self.context.log_event(event)
            self.context.log_event(unchanged_check_event(key, planned.published, reason=planned.reason))
        elif planned.decision is Decision.HELD:
            self.context.log.warning("%s %s: %s; `dataworks release` lets it go", planned.collection.name, day, planned.reason)
        elif planned.decision is Decision.GIVEN_UP:
            self.context.log.warning("%s %s: %s", planned.collection.name, day, planned.reason)
        elif planned.decision.is_impossible:
            self._fail(planned, planned.findings[0], lies_in_data=not planned.findings[0].transient)

    def _fail(self, planned: PlannedDay, finding: Finding, *, lies_in_data: bool) -> None:
        key = AssetKey(list(planned.collection.key_path))
        day = planned.day.isoformat()
        self.context.log_event(failed_check_event(key, day, finding))
        self._attendance.failed(Failed(planned.collection.name, day, describe(finding, day=day), lies_in_data))

    def _leased(self, held: Held) -> Iterator[tuple[PlannedDay, Lease]]:
        """Yields the days whose leases could be taken; a day that another run holds fails, the others go on."""
        for planned, lease in held.days:
            if isinstance(lease, LeaseError):
                finding = Finding(check="lease", passed=False, cause=lease.what, remedy=lease.remedy, transient=True)
                self._fail(planned, finding, lies_in_data=False)
            else:
                yield planned, lease

    def _work_of(self, planned: PlannedDay, lease: Lease, request: Request) -> PartitionWork:
        attempt = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"
        return PartitionWork(
            collection=planned.collection.name,
            export_date=planned.day.isoformat(),
            attempt=attempt,
            epoch=lease.epoch,
            lease_uri=lease.uri,
            fingerprint=planned.fingerprint,
            config_hash=planned.collection.config_hash,
            files=planned.files,
            findings=planned.findings,
            previous_rows=planned.previous_rows,
            previous_day=planned.previous_day,
            confirmed=request.confirm,
            correlation_id=self.told.correlation_id(planned.collection.name, planned.day.isoformat())
            or request.correlation_id_of(planned.day),
        )

    def _submit(self, work: tuple[PartitionWork, ...], owner: str) -> None:
        deployment = self.platform.running.deployment
        application_id = owner
        parameters = JobParameters(
            run_id=application_id,
            system=self.scope.system,
            collections={name: self.scope.collections[name].job for name in {item.collection for item in work}},
            partitions=work,
            store=self.platform.store_settings,
            source_store=self.source_store,
            key_service=self.platform.key_service_settings,
            catalog=self.platform.catalog_settings,
            output_uri=self.scope.output_uri,
            control_uri=self.scope.control_uri,
            result_uri=f"{self.scope.control_uri}/jobs/{application_id}/result.json",
            lease_owner=owner,
            lease_ttl_seconds=deployment.output.lease_ttl_seconds,
            target_file_bytes=deployment.output.target_file_bytes,
            timestamps=deployment.output.timestamps,
        )
        submission = Submission(
            job=self.scope.system,
            run_id=application_id,
            parameters=parameters,
            timeout_seconds=float(deployment.engine.timeout_seconds),
            family=self._family,
        )
        self._attendance.attend(submission)
