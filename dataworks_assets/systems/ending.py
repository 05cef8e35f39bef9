"""How a step ends that could not do what it was asked for: as failed, in plain words, and retried only where that may help."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from dagster import AssetExecutionContext, DagsterExecutionInterruptedError, Failure, MetadataValue, OpExecutionContext

from dataworks_assets.systems.acts import NO_RETRIES
from dataworks_assets.systems.attending import Failed
from spark.errors import DataworksError

_MOST_NAMED = 20
_MOST_OF_ONE_CAUSE = 5
_CANCELLED = (
    "cancelled: the application was stopped. What it had published stays, nothing is published half; the next run of these days"
    " does only what is missing"
)


@contextmanager
def told_plainly() -> Iterator[None]:
    """Has a job's step fail with what is wrong and what to do, which Dagster's UI shows before where in the code it was found.

    Raises:
        Failure: the platform refuses what was asked for, or could not do it.
    """
    try:
        yield
    except DataworksError as error:
        raise Failure(description=str(error), allow_retries=error.transient) from error


@contextmanager
def ended_by_cause(context: AssetExecutionContext | OpExecutionContext) -> Iterator[None]:
    """Has a step that could do nothing fail as `told_plainly` says; its run is started again only where that may help.

    One that is cancelled says what that leaves, since Dagster shows only where in the code it was.

    Raises:
        Failure: nothing could be planned, or the application ended without a result.
        DagsterExecutionInterruptedError: it was cancelled.
    """
    try:
        with told_plainly():
            yield
    except DagsterExecutionInterruptedError:
        context.log.warning(_CANCELLED)
        raise
    except Failure as failure:
        if not failure.allow_retries:
            context.instance.add_run_tags(context.run_id, NO_RETRIES)
        raise


def fail_step(context: AssetExecutionContext | OpExecutionContext, failures: Sequence[Failed]) -> None:
    """Ends the step as failed; not to be retried where every failure lies in the data.

    Raises:
        Failure: always.
    """
    if all(failure.lies_in_data for failure in failures):
        context.instance.add_run_tags(context.run_id, NO_RETRIES)
    lines = _by_cause(failures)
    more = f"\n… and {len(lines) - _MOST_NAMED} more" if len(lines) > _MOST_NAMED else ""
    shown = "\n".join(lines[:_MOST_NAMED]) + more
    were = "was" if len(failures) == 1 else "were"
    raise Failure(
        description=f"{len(failures)} of the requested days {were} not published; any other is.\n{shown}",
        metadata={"not_published": MetadataValue.int(len(failures))},
        allow_retries=not all(failure.lies_in_data for failure in failures),
    )


def _by_cause(failures: Sequence[Failed]) -> list[str]:
    """Returns a line a day and cause: a day that was not exported is missing in all collections alike."""
    named: dict[tuple[str, str], dict[str, None]] = {}
    for failure in failures:
        named.setdefault((failure.day, failure.cause), {})[failure.collection] = None
    return [f"{_listed(list(names))} {day}: {cause}" for (day, cause), names in named.items()]


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _MOST_OF_ONE_CAUSE
    return ", ".join(names[:_MOST_OF_ONE_CAUSE]) + (f" and {more} more" if more > 0 else "")
