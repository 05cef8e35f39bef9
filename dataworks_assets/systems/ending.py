"""How a Dagster step that could not do its work ends: failed with a plain message, and retried only where that may help."""

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
    """Turns the platform's errors into a `Failure` that says what is wrong and what to do, which Dagster's UI shows first.

    Raises:
        Failure: the platform refused the request, or could not do it.
    """
    try:
        yield
    except DataworksError as error:
        raise Failure(description=str(error), allow_retries=error.transient) from error


@contextmanager
def ended_by_cause(context: AssetExecutionContext | OpExecutionContext) -> Iterator[None]:
    """Fails a step as `told_plainly` does, and lets Dagster retry its run only where that may help.

    A cancelled step also says what the cancellation leaves behind: Dagster by itself shows only a traceback.

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
    """Ends the step as failed, without retries if every failure lies in the data.

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
    """Returns one line per day and cause, since a day that was not exported is missing from every collection alike."""
    named: dict[tuple[str, str], dict[str, None]] = {}
    for failure in failures:
        named.setdefault((failure.day, failure.cause), {})[failure.collection] = None
    return [f"{_listed(list(names))} {day}: {cause}" for (day, cause), names in named.items()]


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _MOST_OF_ONE_CAUSE
    return ", ".join(names[:_MOST_OF_ONE_CAUSE]) + (f" and {more} more" if more > 0 else "")
