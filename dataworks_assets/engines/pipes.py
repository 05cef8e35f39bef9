"""Live messages from an application to the Dagster step that runs it: Pipes over S3, with dagster-aws' injector and reader.

Assembled from Pipes' parts instead of `open_pipes_session`, which would demand that every selected output is yielded (ours
are skippable) and look up the provenance of each asset. Results do not travel this way.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dagster_pipes import PIPES_PROTOCOL_VERSION, PIPES_PROTOCOL_VERSION_FIELD, PipesMessage

from dataworks_assets.engines.channel import Line, pipes_arguments, pipes_context
from spark.jobs.progress import Message, read_message
from spark.jobs.runner import pipes_client
from spark.store import shared_store, split_uri

if TYPE_CHECKING:
    from dagster import AssetExecutionContext, OpExecutionContext, PipesMessageHandler

    from dataworks_assets.engines.submission import Submission

_READ_SECONDS = 0.25
_CLOSING_SECONDS = 3.0


class PipesChannel:
    """Opens a new Pipes session per submission, with its objects in the submission's folder.

    Args:
        context: the step's execution context.
    """

    def __init__(self, context: AssetExecutionContext | OpExecutionContext) -> None:
        self._context = context

    @contextmanager
    def open(self, submission: Submission) -> Iterator[Line]:
        """See `Channel.open`."""
        from dagster import PipesMessageHandler, PreviewWarning
        from dagster_aws.pipes import PipesS3ContextInjector

        settings = submission.parameters.store
        folder_uri = f"{submission.folder_uri}/messages"
        bucket, prefix = split_uri(folder_uri)
        client = pipes_client(settings)
        injector = PipesS3ContextInjector(bucket=bucket, client=client, key_prefix=f"{prefix}/context-")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PreviewWarning)  # about an attribute that Dagster's own handler reads
            handler = PipesMessageHandler(self._context, _make_reader(bucket, prefix, client))
        try:
            with (
                injector.inject_context(pipes_context(submission.run_id)) as context_parameters,
                handler.handle_messages() as message_parameters,
            ):
                try:
                    arguments = pipes_arguments(context=context_parameters, messages=message_parameters)
                    yield Line(arguments, _Inbox(handler).fetch, lambda: handler.received_closed_message)
                finally:
                    _close(handler)
        finally:
            store = shared_store(settings)
            store.delete([item.uri for item in store.list(folder_uri)])


class _Inbox:
    """Messages that the handler has received but not yet passed on."""

    def __init__(self, handler: PipesMessageHandler) -> None:
        self._handler = handler
        self._passed_on = 0

    def fetch(self, last: bool) -> list[Message]:
        deadline_seconds = time.monotonic() + _CLOSING_SECONDS
        while last and not self._handler.received_closed_message and time.monotonic() < deadline_seconds:
            time.sleep(_READ_SECONDS)
        payloads = self._handler.get_custom_messages()[self._passed_on :]
        self._passed_on += len(payloads)
        return [read_message(payload) for payload in payloads]


def _close(handler: PipesMessageHandler) -> None:
    """Tells the reader that no more is coming; for a killed job it would wait 11 seconds for the closing message."""
    if not handler.received_closed_message:
        message: PipesMessage = {PIPES_PROTOCOL_VERSION_FIELD: PIPES_PROTOCOL_VERSION, "method": "closed", "params": None}  # type: ignore[misc]
        handler.handle_message(message)


def _make_reader(bucket: str, prefix: str, client: Any) -> Any:
    """A dagster-aws reader that reads from a given prefix, and takes all available chunks at each poll."""
    from dagster_aws.pipes import PipesS3MessageReader

    class DrainingReader(PipesS3MessageReader):
        @contextmanager
        def get_params(self) -> Iterator[dict[str, Any]]:
            yield {"bucket": bucket, "key_prefix": prefix}

        def download_messages_chunk(self, index: int, params: Any) -> str | None:
            chunks: list[str] = []
            while (chunk := super().download_messages_chunk(index + len(chunks), params)) is not None:
                chunks.append(chunk)
            self.counter += max(len(chunks) - 1, 0)
            return "\n".join(chunks) or None

    return DrainingReader(bucket=bucket, client=client, interval=_READ_SECONDS)
