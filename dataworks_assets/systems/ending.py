"""How a step ends that could not publish everything it was asked for: as failed, and retried only where that may help."""

from __future__ import annotations

from collections.abc import Sequence

from dagster import AssetExecutionContext, Failure, MetadataValue, OpExecutionContext

from dataworks_assets.systems.attending import Failed

_MAX_RETRIES_TAG = "dagster/max_retries"
_MOST_NAMED = 20


def fail_step(context: AssetExecutionContext | OpExecutionContext, failures: Sequence[Failed]) -> None:
    """Ends the step as failed; not to be retried where every failure lies in the data.

    Raises:
        Failure: always.
    """
    if all(failure.lies_in_data for failure in failures):
        context.instance.add_run_tags(context.run_id, {_MAX_RETRIES_TAG: "0"})
    lines = [f"{failure.collection} {failure.day}: {failure.cause}" for failure in failures]
    more = f"\n… and {len(lines) - _MOST_NAMED} more" if len(lines) > _MOST_NAMED else ""
    shown = "\n".join(lines[:_MOST_NAMED]) + more
    raise Failure(
        description=f"{len(failures)} of the requested days were not published; the others are.\n{shown}",
        metadata={"not_published": MetadataValue.int(len(failures))},
        allow_retries=not all(failure.lies_in_data for failure in failures),
    )
