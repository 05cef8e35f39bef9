"""What operators do to ADG's ledger as jobs of Dagster: confirmed by what is typed into the run's configuration.

(Annotations are not postponed in this module: Dagster reads those of the ops to find their configuration.)
"""

from collections.abc import Sequence
from datetime import date

from dagster import Config, JobDefinition, OpExecutionContext, job, op
from pydantic import Field

from dataworks_assets.ledger.errands import ErrandKind
from dataworks_assets.systems.acts import BY, NO_RETRIES, new_act
from dataworks_assets.systems.adg.admin import LedgerAdmin
from dataworks_assets.systems.adg.scope import AdgScope
from dataworks_assets.systems.confirming import DRY, is_confirmed
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


def build_admin_jobs(scope: AdgScope) -> list[JobDefinition]:
    """Returns the jobs of one snapshot type; none where no collection is configured for it."""
    return [_clear_job(scope), _resend_job(scope)] if scope.collections else []


def _clear_job(scope: AdgScope) -> JobDefinition:
    @op(name=f"{scope.name}_clear", required_resource_keys={"platform"})
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


def parse_day(text: str) -> date:
    """Returns the day that a text names.

    Raises:
        ConfigurationError: it names none.
    """
    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        raise ConfigurationError(f"{text!r} is no day", remedy="Write it as 2026-11-20") from error


def parse_kinds(names: Sequence[str]) -> tuple[ErrandKind, ...]:
    """Returns the messages that are named.

    Raises:
        ConfigurationError: one is none, or there is none.
    """
    known = [kind.value for kind in ErrandKind]
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise ConfigurationError(f"{(unknown or ['nothing'])[0]!r} is no message", remedy=f"There are {', '.join(known)}")
    return tuple(ErrandKind(name) for name in dict.fromkeys(names))
