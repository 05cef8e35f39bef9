"""How a job's live messages reach the Dagster step: the interface, and a channel through the object store without Dagster.

All channels use the Pipes protocol, so the job's side is always the same. Messages may be lost and are only for display;
results have their own document. The channel that reports to a Dagster run is in `engines.pipes`.
"""

from __future__ import annotations

import json
import queue
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import TYPE_CHECKING, Any, Protocol

from dagster_pipes import PipesContextData, encode_param

from spark.errors import StoreError
from spark.jobs.progress import Message, read_message
from spark.store import ObjectStore, shared_store, split_uri

if TYPE_CHECKING:
    from dataworks_assets.engines.submission import Submission

_LOOK_SECONDS = 0.5
_CHUNKS_A_LOOK = 100


class Line:
    """One open channel, used by the thread that runs the engine.

    Args:
        arguments: the command-line arguments that the job needs to write to it.
        fetch: returns what arrived since the last call; its argument says that the job has ended and this is the last call.
        is_closed: whether the job has said that no more messages come; a job that dies never says so.
    """

    def __init__(
        self,
        arguments: Sequence[str] = (),
        fetch: Callable[[bool], Sequence[Message]] | None = None,
        is_closed: Callable[[], bool] = lambda: False,
    ) -> None:
        self.arguments = tuple(arguments)
        self.is_closed = is_closed
        self._fetch = fetch
        self._emitted: queue.SimpleQueue[Message] = queue.SimpleQueue()

    def emit(self, message: Message) -> None:
        """Receives a message from a job in this process, from any thread."""
        self._emitted.put(message)

    def receive(self, *, last: bool = False) -> list[Message]:
        """Returns what arrived since the last call, in order."""
        messages = list(self._fetch(last)) if self._fetch is not None else []
        while not self._emitted.empty():
            messages.append(self._emitted.get())
        return messages


class Channel(Protocol):
    """Opens a line for a submission."""

    def open(self, submission: Submission) -> AbstractContextManager[Line]:
        """Opens the line for one run of one application, and removes its traces at the end."""


class LocalChannel:
    """For jobs in this process: carries only what they emit."""

    @contextmanager
    def open(self, submission: Submission) -> Iterator[Line]:
        """See `Channel.open`."""
        del submission
        yield Line()


class StoreChannel:
    """For applications without a Dagster run: message chunks in the object store, read by this process."""

    @contextmanager
    def open(self, submission: Submission) -> Iterator[Line]:
        """See `Channel.open`."""
        store = shared_store(submission.parameters.store)
        folder_uri = f"{submission.folder_uri}/messages"
        context_uri = f"{folder_uri}/context.json"
        store.put(context_uri, json.dumps(pipes_context(submission.run_id)).encode())
        bucket, prefix = split_uri(folder_uri)
        reader = _ChunkReader(store, folder_uri)
        try:
            yield Line(
                pipes_arguments(
                    context={"bucket": bucket, "key": split_uri(context_uri)[1]},
                    messages={"bucket": bucket, "key_prefix": prefix},
                ),
                reader.fetch,
                lambda: reader.is_closed,
            )
        finally:
            store.delete([item.uri for item in store.list(folder_uri)])


class _ChunkReader:
    """Reads the numbered message chunks that a Pipes writer leaves."""

    def __init__(self, store: ObjectStore, folder_uri: str) -> None:
        self._store = store
        self._folder_uri = folder_uri
        self._next_chunk = 1
        self.is_closed = False
        self._looked_seconds = float("-inf")

    def fetch(self, last: bool) -> list[Message]:
        if not last and time.monotonic() - self._looked_seconds < _LOOK_SECONDS:
            return []
        self._looked_seconds = time.monotonic()
        messages: list[Message] = []
        with suppress(StoreError):  # nothing there yet; and a store that fails here must not end an application that works
            for _ in range(_CHUNKS_A_LOOK):
                messages += self._custom_messages(self._store.read(f"{self._folder_uri}/{self._next_chunk}.json"))
                self._next_chunk += 1
        return messages

    def _custom_messages(self, chunk: bytes) -> Iterator[Message]:
        for line in chunk.splitlines():
            message = json.loads(line)
            if message["method"] == "report_custom_message":
                yield read_message(message["params"]["payload"])
            elif message["method"] == "closed":
                self.is_closed = True


def pipes_context(run_id: str) -> PipesContextData:
    """Returns a job's Pipes context document, without the asset details that Pipes could pass and no job needs."""
    return PipesContextData(
        asset_keys=None,
        code_version_by_asset_key=None,
        provenance_by_asset_key=None,
        partition_key=None,
        partition_key_range=None,
        partition_time_window=None,
        run_id=run_id,
        job_name=None,
        retry_number=0,
        extras={},
    )


def pipes_arguments(*, context: Any, messages: Any) -> tuple[str, ...]:
    """Returns Pipes' two parameter sets as command-line arguments of the job."""
    return ("--dagster-pipes-context", encode_param(context), "--dagster-pipes-messages", encode_param(messages))
