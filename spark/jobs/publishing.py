"""Publishing beside the stage: days that passed their audit are published in batches by one thread, as they come.

A batch is whatever is ready when the thread is free, so that a run over many days costs few catalog calls.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Generic, TypeVar

Ready = TypeVar("Ready")
_MOST_IN_BATCH = 500


class PublicationQueue(Generic[Ready]):
    """Takes what is ready and hands it to `publish` in batches, in a thread of its own; errors surface when it closes."""

    def __init__(self, publish: Callable[[Sequence[Ready]], None]) -> None:
        self._publish = publish
        self._ready: queue.SimpleQueue[Ready | None] = queue.SimpleQueue()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="publish", daemon=True)

    def __enter__(self) -> PublicationQueue[Ready]:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._ready.put(None)
        self._thread.join()
        if self._error is not None and error is None:
            raise self._error

    def put(self, item: Ready) -> None:
        """Adds what is ready to be published.

        Raises:
            BaseException: what the publishing thread died of; nothing more will be published.
        """
        if self._error is not None:
            raise self._error
        self._ready.put(item)

    def _work(self) -> None:
        try:
            while batch := self._next_batch():
                self._publish(batch)
        except BaseException as error:  # noqa: BLE001 - handed over to the thread that waits for this one
            self._error = error

    def _next_batch(self) -> list[Ready]:
        """Blocks for the first item, then takes what else is there; empty when closed."""
        batch: list[Ready] = []
        item = self._ready.get()
        while item is not None:
            batch.append(item)
            if len(batch) >= _MOST_IN_BATCH or self._ready.empty():
                return batch
            item = self._ready.get()
        if batch:
            self._ready.put(None)
        return batch
