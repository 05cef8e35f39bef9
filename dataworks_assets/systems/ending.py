"""How a step ends that could not do what it was asked for: as failed, in plain words, and retried only where that may help."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from dagster import AssetExecutionContext, Failure, MetadataValue, OpExecutionContext

from dataworks_assets.systems.acts import NO_RETRIES
from dataworks_assets.systems.attending import Failed
from spark.errors import DataworksError

_MOST_NAMED = 20


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

    Raises:
        Failure: nothing could be planned, or the application ended without a result.
    """
    try:
        with told_plainly():
            yield
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
    lines = [f"{failure.collection} {failure.day}: {failure.cause}" for failure in failures]
    more = f"\n… and {len(lines) - _MOST_NAMED} more" if len(lines) > _MOST_NAMED else ""
    shown = "\n".join(lines[:_MOST_NAMED]) + more
    were = "was" if len(failures) == 1 else "were"
    raise Failure(
        description=f"{len(failures)} of the requested days {were} not published; any other is.\n{shown}",
        metadata={"not_published": MetadataValue.int(len(failures))},
        allow_retries=not all(failure.lies_in_data for failure in failures),
    )
