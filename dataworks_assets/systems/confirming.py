"""Confirming an act in Dagster's UI: a dry run says what would be done, then its phrase is typed into the run configuration."""

from __future__ import annotations

from typing import Protocol

from dagster import Failure, OpExecutionContext

DRY = "Say what would be done, do nothing."
"""What a configuration says of its `dry_run`."""


class Plan(Protocol):
    """An act that is planned but not done yet."""

    @property
    def phrase(self) -> str:
        """The phrase that has to be typed to confirm it."""

    @property
    def words(self) -> str:
        """What would be done."""


def is_confirmed(context: OpExecutionContext, plan: Plan, typed: str, *, dry_run: bool) -> bool:
    """Logs what would be done, and returns whether it is to be done.

    Raises:
        Failure: it was not confirmed.
    """
    context.log.info("%s", plan.words)
    if dry_run:
        context.log.info("a dry run: nothing was done")
        return False
    if typed.strip() != plan.phrase:
        raise Failure(
            description=f"Not confirmed, nothing was done. It would: {plan.words}. Type `{plan.phrase}` as the confirmation",
            allow_retries=False,
        )
    return True
