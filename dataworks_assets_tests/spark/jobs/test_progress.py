"""The reporter counts, throttles and stops a job that was cancelled."""

from __future__ import annotations

import msgspec
import pytest

from spark.contract import Finding, PartitionResult, PartitionState
from spark.errors import ConfigurationError, EngineError
from spark.jobs.progress import (
    Finished,
    Message,
    Placed,
    Progress,
    Publishing,
    Reporter,
    message_text,
    payload_of,
    read_message,
)


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def result(**fields) -> PartitionResult:
    given = {"collection": "core/a", "export_date": "2026-11-20", "attempt": "x", "state": PartitionState.PUBLISHED}
    return PartitionResult(**given, fingerprint="f", config_hash="h", **fields)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def messages() -> list[Message]:
    return []


@pytest.fixture
def reporter(messages, clock) -> Reporter:
    return Reporter(messages.append, clock=clock)


def test_the_totals_are_said_at_once(reporter, messages):
    reporter.begin(files=3, total_bytes=30, partitions=2)
    assert messages == [Progress(files_total=3, total_bytes=30, partitions_total=2)]


def test_progress_is_said_once_a_second_at_most(reporter, messages, clock):
    reporter.begin(files=80)
    for _ in range(80):
        clock.seconds += 0.0625
        reporter.advance(files=1)
    assert len(messages) == 1 + 5


def test_progress_that_was_held_back_is_in_the_next_message(reporter, messages, clock):
    reporter.begin(files=3)
    reporter.advance(files=1, read_bytes=10)
    clock.seconds = 1.0
    reporter.advance(files=1, read_bytes=5)
    assert messages[-1] == Progress(files=2, files_total=3, read_bytes=15, seconds=1.0)


def test_every_finished_day_is_said(reporter, messages):
    reporter.finished(result(rows=7))
    reporter.finished(result(rows=8))
    assert [message.rows for message in messages] == [7, 8]


def test_a_refused_day_says_why(reporter, messages):
    passed = Finding(check="ids", passed=True)
    failed = Finding(check="read", passed=False, object="s3://in/a.gz.enc", place="byte 5", cause="truncated")
    reporter.finished(result(findings=(passed, failed)))
    assert (messages[-1].cause, messages[-1].where) == ("truncated", "s3://in/a.gz.enc, byte 5")


def test_the_end_says_the_last_counts(reporter, messages):
    reporter.begin(files=1)
    reporter.advance(files=1)
    reporter.end()
    assert messages[-1].files == 1


def test_all_results_so_far_are_handed_on_with_each_finished_day(clock):
    handed: list[int] = []
    reporter = Reporter(lambda message: None, on_finished=lambda results: handed.append(len(results)), clock=clock)
    reporter.finished(result())
    reporter.finished(result())
    assert handed == [1, 2]


@pytest.mark.parametrize("call", [lambda r: r.begin(), lambda r: r.advance(files=1), lambda r: r.finished(result())])
def test_a_cancelled_job_ends_at_its_next_report(reporter, call):
    reporter.cancel()
    with pytest.raises(EngineError, match="cancelled"):
        call(reporter)


@pytest.mark.parametrize(
    "message",
    [
        Progress(files=1),
        Placed(cluster_id="j-1"),
        Publishing(collection="a/b", export_date="2026-11-20"),
        Finished(collection="a/b", export_date="2026-11-20", state="refused"),
    ],
)
def test_messages_survive_the_way_through_json(message):
    assert read_message(payload_of(message)) == message


def test_a_published_day_is_a_line_with_its_rows():
    message = Finished(collection="a/b", export_date="2026-11-20", state="published", rows=1234)
    assert message_text(message) == "a/b 2026-11-20 published, 1,234 rows"


def test_a_refused_day_is_a_line_with_its_cause():
    message = Finished(collection="a/b", export_date="2026-11-20", state="refused", cause="truncated")
    assert message_text(message) == "a/b 2026-11-20 refused: truncated"
    where = msgspec.structs.replace(message, where="s3://in/a.gz.enc, byte 5")
    assert message_text(where) == "a/b 2026-11-20 refused: s3://in/a.gz.enc, byte 5: truncated"


def test_progress_is_a_line_with_its_counts():
    message = Progress(files=1, files_total=2, read_bytes=1_500_000, total_bytes=3_000_000, partitions_total=1)
    assert message_text(message) == "1 of 2 files, 1.5 of 3.0 MB, 0 of 1 days"


def test_a_message_of_another_release_is_refused():
    with pytest.raises(ConfigurationError, match="not a progress message"):
        read_message({"type": "progress", "furlongs": 3})
