"""The demo's input that is bad on purpose: what had to be refused, what was not, and what failed unexpectedly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dataworks_assets.cli.showing import plural
from dataworks_assets.stack.sample.bad_input import BAD_INPUTS

if TYPE_CHECKING:
    from dataworks_assets.cli.runs import RunReport


def failed_unexpectedly(reports: Sequence[RunReport], *, bad: bool) -> str:
    """Returns what failed but is not bad on purpose, and what was published although it is; empty if there is neither."""
    may_be_refused = {bad_input.collection for bad_input in BAD_INPUTS if bad and bad_input.refused}
    must_be_refused = {bad_input.collection for bad_input in BAD_INPUTS if bad and bad_input.refused_on(second_day=False)}
    days = [day for report in reports for day in report.days]
    refused = [day for day in days if day.state == "refused" and day.collection not in may_be_refused]
    wrong = [f"{day.scope}/{day.collection} {day.day}: {day.cause}" for day in refused]
    accepted = [day for day in days if day.state != "refused" and day.collection in must_be_refused]
    wrong += [f"{day.scope}/{day.collection} {day.day}: {day.state}, though its input is bad" for day in accepted]
    wrong += [report.error for report in reports if not report.succeeded and not report.of_state("refused")]
    return "\n".join(wrong)


def meant_to_be_refused(reports: Sequence[RunReport]) -> str:
    """Returns what is bad on purpose and was refused, and what only looks bad and was not; empty if there is neither."""
    sound = {bad_input.collection for bad_input in BAD_INPUTS if bad_input.refused is None}
    may_be_refused = {bad_input.collection for bad_input in BAD_INPUTS} - sound
    days = [day for report in reports for day in report.days]
    refused = [day for day in days if day.state == "refused" and day.collection in may_be_refused]
    published = {day.collection for day in days if day.state != "refused"} & sound
    if not refused:
        return ""
    kinds = len({day.collection for day in refused})
    return (
        f"{plural(len(refused), 'day')} of `broken/*`, {plural(kinds, 'kind')} of bad input: their siblings are published,"
        f" {plural(len(published), 'kind')} among them that only look bad."
    )
