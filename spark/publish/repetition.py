"""Repeating what may be repeated: calls that come to the same thing however often they are made."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential

from spark.errors import DataworksError, LeaseError

ResultT = TypeVar("ResultT")
_TRIES = 5


def repeated(action: Callable[[], ResultT], *, pause: Callable[[float], None]) -> ResultT:
    """Returns the action's result; after a transient error it is called again, up to five times in all.

    A lease that was lost stays lost, so that error is not repeated, although another run may have the lease.

    Raises:
        DataworksError: the first final one, or the last transient one.
    """
    tries = Retrying(
        retry=retry_if_exception(_may_pass),
        stop=stop_after_attempt(_TRIES),
        wait=wait_exponential(multiplier=0.2, max=5.0),
        sleep=pause,
        reraise=True,
    )
    return tries(action)


def _may_pass(error: BaseException) -> bool:
    return isinstance(error, DataworksError) and error.transient and not isinstance(error, LeaseError)
