"""The notices about a run's start and end. They are only made here; others send them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from dataworks_assets.ledger.entries import Failing, Outcome, RunEntry
from dataworks_assets.ledger.judging import DayEnd
from dataworks_assets.ledger.notices import Notice, NoticeType
from dataworks_assets.ledger.rows import CollectionStatus

_NAMED = 20
_CAUSES = 5
_LOOK = "`dataworks status --problems` has every cause; docs/reference/errors.md says what to do of each"


def started(entry: RunEntry, *, run_url: str) -> Notice:
    """Returns the notice that a run started."""
    names = sorted({name for day in entry.days for name in day.asked})
    elements = {**_facts(entry, run_url), "collections": _listed(names)}
    return Notice(NoticeType.INFORMATION, f"{entry.product} {_days(entry)} started", elements)


def ended(entry: RunEntry, ends: Sequence[DayEnd], *, run_url: str, will_retry: bool = False) -> Notice:
    """Returns the notice about how a run ended.

    Args:
        entry: the run.
        ends: its days.
        run_url: URL of the run in Dagster.
        will_retry: whether Dagster will retry it by itself, so that it is no alarm yet.
    """
    failing = [each for end in ends for each in end.failing]
    published = sorted({name for end in ends for name, status in end.collections.items() if status is _DONE})
    kind, what, remedy = _verdict(entry, failing, has_published=bool(published), will_retry=will_retry)
    elements = _facts(entry, run_url)
    if entry.error:
        elements["error"] = entry.error
    if failing:
        elements |= {"failed collections": _failed(failing), "causes": _causes(failing)}
    if published or not failing:
        elements["published collections"] = _listed(published) or "none: everything was published already"
    if remedy:
        elements["what to do"] = remedy
    return Notice(kind, f"{entry.product} {_days(entry)} {what}", elements)


_DONE = CollectionStatus.COMPLETED


def _verdict(
    entry: RunEntry, failing: Sequence[Failing], *, has_published: bool, will_retry: bool
) -> tuple[NoticeType, str, str]:
    if entry.outcome is Outcome.CANCELLED:
        return NoticeType.WARNING, "was cancelled", "Run it again when it is wanted: what was published stays and is not redone"
    if not failing and entry.outcome is not Outcome.FAILED:
        return NoticeType.INFORMATION, "completed", ""
    if will_retry:
        return NoticeType.WARNING, "failed and is relaunched", "Nothing yet: the relaunch does what is missing"
    if not failing:
        return NoticeType.ERROR, "ended badly, though everything that was asked for is published", f"See the run's log. {_LOOK}"
    if has_published:
        return NoticeType.WARNING, "completed with failures", _LOOK
    return NoticeType.ERROR, "failed", _LOOK


def _facts(entry: RunEntry, run_url: str) -> dict[str, str]:
    ids = list(dict.fromkeys(day.correlation_id for day in entry.days))
    return {"days": _days(entry), "correlation_id": _listed(ids), "run_url": run_url or entry.run_id}


def _days(entry: RunEntry) -> str:
    dates = [day.date for day in entry.days] or ["of no day"]
    return dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"


def _failed(failing: Iterable[Failing]) -> str:
    """Names what failed: each collection with its days."""
    ordered = sorted(failing, key=lambda each: (each.collection, each.date))
    said = [
        f"{name or 'all'} ({_listed([each.date for each in group])})"
        for name, group in groupby(ordered, key=lambda each: each.collection)
    ]
    return _listed(said)


def _causes(failing: Iterable[Failing]) -> str:
    causes = list(dict.fromkeys(f"{each.collection or 'all'}: {each.cause}" for each in failing if each.cause))
    more = [f"and {len(causes) - _CAUSES} more"] if len(causes) > _CAUSES else []
    return "\n".join([*causes[:_CAUSES], *more])


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
