"""Operators' actions on ADG's ledger as Dagster jobs, confirmed by a phrase typed into the run configuration.

(Annotations are not postponed in this module: Dagster reads those of the ops to find their configuration.)
"""

from collections.abc import Sequence
from datetime import date

from dagster import Config, JobDefinition, OpExecutionContext, job, op
from pydantic import Field

from dataworks_assets.config.naming import SnapshotType
from dataworks_assets.ledger.errands import ErrandKind
from dataworks_assets.systems.acts import BY, NO_RETRIES, RUN, new_act, run_about
from dataworks_assets.systems.adg.admin import LedgerAdmin
from dataworks_assets.systems.adg.automation.restarts import Restart
from dataworks_assets.systems.adg.scope import AdgScope
from dataworks_assets.systems.confirming import DRY, is_confirmed
from dataworks_assets.systems.ending import told_plainly
from spark.errors import ConfigurationError


class ClearConfig(Config):
    """Which status row is cleared."""

    day: str = Field(description="The export date, such as 2026-11-20.")
    correlation_id: str = Field(default="", description="Of the row; empty: that of the day's one row.")
    by: str = Field(description=BY)
    confirmation: str = Field(default="", description="Type `clear <day>`, such as `clear 2026-11-20`.")
    dry_run: bool = Field(default=False, description=DRY)


class ResendConfig(Config):
    """What is told of which day again."""

    day: str = Field(description="The export date, such as 2026-11-20.")
    correlation_id: str = Field(default="", description="Of the day; empty: that of its one status row.")
    what: list[str] = Field(default_factory=lambda: ["completion"], description="`completion`, `pdm`, or both.")
    by: str = Field(description=BY)
    confirmation: str = Field(default="", description="Type `resend <day>`, such as `resend 2026-11-20`.")
    dry_run: bool = Field(default=False, description=DRY)


class StartRunConfig(Config):
    """Which run is started, and what it is told."""

    day: str = Field(description="The export date, such as 2026-11-20.")
    correlation_id: str = Field(default="", description="Of the export's message; shown in notices, rows and logs.")
    s3_prefix: str | None = Field(
        default=None, description="Prefix of the data files in the input bucket, in place of the configured one."
    )
    skip_pdm_trigger: bool | None = Field(
        default=None, description="true or left out: tell nobody; false: tell downstream once the day is complete. Full only."
    )
    collections: list[str] = Field(default_factory=list, description="Such as core/toDo; empty: all that have the day.")
    force: bool = Field(default=False, description="Read and publish again what is published and unchanged.")
    by: str = Field(description=BY)
    dry_run: bool = Field(default=False, description=DRY)


def build_admin_jobs(scope: AdgScope) -> list[JobDefinition]:
    """Returns the jobs of one snapshot type; none if no collection is configured for it."""
    if not scope.collections:
        return []
    tells = [_resend_job(scope)] if scope.snapshot_type is SnapshotType.FULL else []
    return [_clear_job(scope), *tells, _start_job(scope)]


def _clear_job(scope: AdgScope) -> JobDefinition:
    @op(name=f"{scope.name}_clear", required_resource_keys={"platform"})
    @told_plainly()
    def clear(context: OpExecutionContext, config: ClearConfig) -> None:
        admin = LedgerAdmin(context.resources.platform, scope)
        plan = admin.plan_clear(parse_day(config.day), config.correlation_id, context.instance)
        if is_confirmed(context, plan, config.confirmation, dry_run=config.dry_run):
            about = {"day": config.day, "correlation_id": plan.correlation_id, "product": plan.product}
            act = new_act(context.resources.platform, "clear", about, by=config.by, via=f"run {context.run_id}")
            admin.clear(plan, act, starts=True)
            context.log.info(
                "done by %s (%s); the sensor adg_ledger_%s starts the run", act.by, act.identity, scope.snapshot_type
            )

    @job(
        name=f"{scope.name}_clear_status_row",
        description="Deletes a day's status row and starts the day anew, by force.",
        tags=NO_RETRIES,
    )
    def clearing() -> None:
        clear()

    return clearing


def _resend_job(scope: AdgScope) -> JobDefinition:
    @op(name=f"{scope.name}_resend", required_resource_keys={"platform"})
    @told_plainly()
    def resend(context: OpExecutionContext, config: ResendConfig) -> None:
        admin = LedgerAdmin(context.resources.platform, scope)
        plan = admin.plan_resend(parse_day(config.day), config.correlation_id, parse_kinds(config.what))
        if is_confirmed(context, plan, config.confirmation, dry_run=config.dry_run):
            about = {"day": config.day, "what": ", ".join(config.what), "correlation_id": plan.errands[0].correlation_id}
            act = new_act(context.resources.platform, "resend", about, by=config.by, via=f"run {context.run_id}")
            admin.resend(plan, act)
            context.log.info("done by %s (%s)", act.by, act.identity)

    @job(name=f"{scope.name}_resend_completion", description="Tells downstream of a complete day again.", tags=NO_RETRIES)
    def resending() -> None:
        resend()

    return resending


def _start_job(scope: AdgScope) -> JobDefinition:
    @op(name=f"{scope.name}_start", required_resource_keys={"platform"})
    @told_plainly()
    def start(context: OpExecutionContext, config: StartRunConfig) -> None:
        platform = context.resources.platform
        admin = LedgerAdmin(platform, scope)
        restart = Restart(
            system=scope.name,
            date=parse_day(config.day),
            correlation_id=config.correlation_id,
            act="",
            force=config.force,
            s3_prefix=config.s3_prefix,
            skip_pdm_trigger=config.skip_pdm_trigger,
            collections=tuple(config.collections),
        )
        plan = admin.plan_start(restart)
        context.log.info("%s", plan.words)
        if config.dry_run:
            context.log.info("a dry run: nothing was done")
            return
        told = {
            "correlation_id": config.correlation_id,
            "s3_prefix": config.s3_prefix,
            "skip_pdm_trigger": config.skip_pdm_trigger,
            "force": config.force or None,
        }
        names = {planned.collection.name for planned in plan.plan.days}
        about = run_about(scope, [str(restart.date)], names, told)
        act = new_act(platform, RUN, about, by=config.by, via=f"run {context.run_id}")
        admin.start(plan, act)
        context.log.info("done by %s (%s); the sensor adg_ledger_%s starts the run", act.by, act.identity, scope.snapshot_type)

    @job(
        name=f"{scope.name}_start_run",
        description="Starts a run of one day: with a prefix, a correlation id, chosen collections, and whether PDM is told.",
        tags=NO_RETRIES,
    )
    def starting() -> None:
        start()

    return starting


def parse_day(text: str) -> date:
    """Returns the day that a text names.

    Raises:
        ConfigurationError: the text is not a date.
    """
    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        raise ConfigurationError(f"{text!r} is no day", remedy="Write it as 2026-11-20") from error


def parse_kinds(names: Sequence[str]) -> tuple[ErrandKind, ...]:
    """Returns the kinds of messages that a text names.

    Raises:
        ConfigurationError: a name is unknown, or there is no name.
    """
    known = [kind.value for kind in ErrandKind]
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise ConfigurationError(f"{(unknown or ['nothing'])[0]!r} is no message", remedy=f"There are {', '.join(known)}")
    return tuple(ErrandKind(name) for name in dict.fromkeys(names))
