"""Messages through the object store, without Dagster."""

from __future__ import annotations

import json

from dagster_pipes import decode_param

from dataworks_assets.engines.channel import Line, StoreChannel
from dataworks_assets_tests.engines.conftest import make_submission
from spark.contract import StoreSettings
from spark.jobs.progress import Finished, Progress, payload_of
from spark.store import shared_store

MEMORY = StoreSettings(scheme="memory")
STORE = shared_store(MEMORY)
SUBMISSION = make_submission("done", MEMORY, "memory://channel")
DONE = Finished(collection="core/statement", export_date="2026-11-20", state="published", rows=3)


def put_chunk(number: int, *messages) -> None:
    """Writes messages as a Pipes writer does: the protocol's own ones around them."""
    lines = [{"method": "opened", "params": {}}]
    lines += [{"method": "report_custom_message", "params": {"payload": payload_of(message)}} for message in messages]
    body = "\n".join(json.dumps(line) for line in lines)
    STORE.put(f"{SUBMISSION.folder_uri}/messages/{number}.json", body.encode())


def test_chunks_are_read_in_order_and_once():
    with StoreChannel().open(SUBMISSION) as line:
        put_chunk(1, Progress(files=1))
        put_chunk(2, Progress(files=2), DONE)
        assert line.receive(last=True) == [Progress(files=1), Progress(files=2), DONE]
        assert line.receive(last=True) == []


def test_a_line_is_closed_once_the_job_says_so():
    with StoreChannel().open(SUBMISSION) as line:
        put_chunk(1, DONE)
        line.receive(last=True)
        assert not line.is_closed()
        STORE.put(f"{SUBMISSION.folder_uri}/messages/2.json", json.dumps({"method": "closed", "params": None}).encode())
        line.receive(last=True)
        assert line.is_closed()


def test_the_store_is_not_asked_at_every_poll():
    with StoreChannel().open(SUBMISSION) as line:
        assert line.receive() == []
        put_chunk(1, DONE)
        assert line.receive() == []
        assert line.receive(last=True) == [DONE]


def test_the_job_is_told_where_to_write():
    with StoreChannel().open(SUBMISSION) as line:
        messages = decode_param(line.arguments[line.arguments.index("--dagster-pipes-messages") + 1])
    assert messages == {"bucket": "channel", "key_prefix": f"_dataworks/jobs/{SUBMISSION.run_id}/messages"}


def test_nothing_is_left_of_a_channel():
    with StoreChannel().open(SUBMISSION):
        put_chunk(1, DONE)
    assert list(STORE.list(f"{SUBMISSION.folder_uri}/messages")) == []


def test_a_line_passes_on_what_a_job_of_this_process_emits():
    line = Line()
    line.emit(DONE)
    assert (line.receive(), line.receive()) == ([DONE], [])
