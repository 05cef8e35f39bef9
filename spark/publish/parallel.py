"""Doing the same to many things at once, in threads, in their order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from spark.errors import DataworksError

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")

OBJECTS_AT_ONCE = 16
TABLES_AT_ONCE = 8


def in_parallel(action: Callable[[ItemT], ResultT], items: Sequence[ItemT], *, threads: int = OBJECTS_AT_ONCE) -> list[ResultT]:
    """Returns the action's results in the order of the items."""
    if len(items) < 2:  # noqa: PLR2004 - one needs no thread
        return [action(item) for item in items]
    with ThreadPoolExecutor(min(threads, len(items))) as pool:
        return list(pool.map(action, items))


def or_error(action: Callable[[ItemT], ResultT]) -> Callable[[ItemT], ResultT | DataworksError]:
    """Returns the action with the platform's errors as results, so that one failure leaves the others alone."""

    def call(item: ItemT) -> ResultT | DataworksError:
        try:
            return action(item)
        except DataworksError as error:
            return error

    return call
