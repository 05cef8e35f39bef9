"""Publishing in parallel with the stage: one thread publishes days in batches as they pass their audit.

A batch is whatever is ready when the thread is free, so that a run over many days makes few catalog calls.
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
    """Queues what is ready and passes it to `publish` in batches, in its own thread; errors are raised when it closes."""

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
        """Adds an item that is ready to be published.

        Raises:
            BaseException: the error that ended the publishing thread; nothing more will be published.
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
        """Blocks for the first item, then takes all others that are ready; empty when closed."""
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
