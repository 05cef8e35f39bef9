"""Decides what to do with a day whose input exists, by what is published of it; the same rules for every system."""

from __future__ import annotations

from collections.abc import Callable

from dataworks_assets.systems.plan import Decision, Request
from spark.contract import Collection
from spark.publish.catalog import Pointer
from spark.publish.tagging import has_other_tags

IsWhole = Callable[[Pointer], bool]
"""Whether all files of a published day still exist."""

OTHER_TAGS = "same inputs, other tags: the objects get them without being read"


def compare(
    request: Request, job: Collection, published: Pointer | None, *, fingerprint: str, config_hash: str, is_whole: IsWhole
) -> tuple[Decision, str]:
    """Returns what to do with the day, and why.

    Args:
        request: what was asked for.
        job: the collection as the job's contract describes it.
        published: what the catalog shows for the day; None if it is not published.
        fingerprint: of the current inputs and configuration.
        config_hash: of the current configuration.
        is_whole: called only when the fingerprint is unchanged.
    """
    if published is None:
        return Decision.NEW, "not published yet"
    if request.force and published.run_id not in request.done_by:
        return Decision.FORCED, "asked for by force"
    if published.fingerprint == fingerprint:
        return _compare_output(job, published, is_whole)
    if published.config_hash != config_hash:
        return Decision.RECONFIGURED, "the configuration that shapes the output changed"
    return Decision.CHANGED, "the input files are not those that were published"


def _compare_output(job: Collection, published: Pointer, is_whole: IsWhole) -> tuple[Decision, str]:
    if not is_whole(published):
        return Decision.INCOMPLETE, "published files are gone from the store"
    if has_other_tags(job, published):
        return Decision.CHANGED_TAGS, OTHER_TAGS
    return Decision.UNCHANGED, "same inputs and configuration"
