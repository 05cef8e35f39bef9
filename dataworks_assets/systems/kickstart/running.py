"""Carrying out a run of Kickstart: first forgets the history if requested, then processes the days."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from dagster import AssetCheckEvaluation

from dataworks_assets.engines.channel import Channel
from dataworks_assets.systems.attending import Failed, RunContext
from dataworks_assets.systems.execution import Execution
from dataworks_assets.systems.kickstart.access import source_settings
from dataworks_assets.systems.kickstart.clean_up import forget, look_at_history
from dataworks_assets.systems.kickstart.days import refuse_test_folder
from dataworks_assets.systems.kickstart.planner import KickstartPlanner
from dataworks_assets.systems.kickstart.recording import kickstart_recorded
from dataworks_assets.systems.kickstart.scope import KickstartScope
from dataworks_assets.systems.plan import Request
from dataworks_assets.systems.platform import Platform
from dataworks_assets.systems.rechecking import Recheck
from spark.errors import ConfigurationError
from spark.jobs.progress import Placed
from spark.store import shared_store


@dataclass(frozen=True)
class Order:
    """What a run was asked to do.

    Args:
        collections: names; if empty, all.
        days: the days.
        clean_up: forget the history of these collections first (CLEAN_UP_FLG).
        is_test: read the test folder (E2E_TEST_FLG).
        force: do again what is published and unchanged.
        confirm: accept that a clean-up loses days that the source has no more.
    """

    collections: tuple[str, ...]
    days: tuple[date, ...]
    clean_up: bool = False
    is_test: bool = False
    force: bool = False
    confirm: bool = False


@dataclass(frozen=True)
class Around:
    """What Dagster knows about a run.

    Args:
        context: Dagster's side.
        channel: how the application's messages travel.
        is_retry: whether an earlier try of the same run may have left something behind.
        goes_on_with: ids of the earlier tries, if the run is a retry from failure.
        family: id shared by all tries of this run; the run's own id if empty.
        show: logs an event that says where the application runs.
        was_cancelled: whether somebody asked for the run to end.
    """

    context: RunContext
    channel: Channel | None = None
    is_retry: bool = False
    goes_on_with: frozenset[str] = frozenset()
    family: str = ""
    show: Callable[[Placed], None] = lambda _placed: None
    was_cancelled: Callable[[], bool] = lambda: False


def carry_out(platform: Platform, scope: KickstartScope, around: Around, order: Order) -> list[Failed]:
    """Carries out the order and returns what failed; everything else is published and reported.

    Args:
        platform: the deployment's clients.
        scope: the partner's collections.
        around: what Dagster knows about the run.
        order: what to do.

    Raises:
        ConfigurationError: the order is refused: the test folder outside of test environments, a clean-up that loses data.
        DataworksError: nothing could be planned, or the application ended without a result.
    """
    context = around.context
    if not order.days:
        raise ConfigurationError("the run is for no day", where=scope.name, remedy="Choose partitions, or dates")
    if order.is_test:
        refuse_test_folder(scope)
    settings = source_settings(platform, run_id=context.run_id)
    planner = KickstartPlanner(platform, scope, shared_store(settings), is_test=order.is_test, starts_anew=order.clean_up)
    if order.clean_up and not around.is_retry:
        _clean_up(platform, scope, planner, context, order)
    names = [each.name for each in scope.select(order.collections)]
    with kickstart_recorded(platform, scope, context, names=names, days=order.days, was_cancelled=around.was_cancelled) as told:
        execution = Execution(
            *(platform, scope, planner, context),
            channel=around.channel,
            is_patient=around.is_retry,
            family=around.family,
            told=told,
            source_store=settings,
            show=around.show,
        )
        execution.run(Request(order.collections, order.days, force=order.force, done_by=around.goes_on_with))
    return execution.failures


def look_again(
    platform: Platform, scope: KickstartScope, names: Sequence[str], days: Sequence[date], *, run_id: str
) -> Iterator[AssetCheckEvaluation]:
    """Yields the checks of collections' days as they are now; of each collection's newest day if no day is named."""
    planner = KickstartPlanner(platform, scope, shared_store(source_settings(platform, run_id=run_id)))
    return Recheck(platform, scope, planner).events(names, days)


def _clean_up(platform: Platform, scope: KickstartScope, planner: KickstartPlanner, context: RunContext, order: Order) -> None:
    """Shows what can be rebuilt, then forgets. A retry does not forget again what its first run has rebuilt."""
    history = look_at_history(platform, planner, scope.select(order.collections))
    context.log.warning("CLEAN_UP_FLG: %s", history.text())
    forgotten = forget(platform, scope, history, run_id=context.run_id, confirmed=order.confirm)
    context.log.warning("CLEAN_UP_FLG: %d days are forgotten; their files stay for the garbage collection", forgotten)
