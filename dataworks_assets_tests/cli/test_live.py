"""A job that runs is seen to run, on a terminal and in a log."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from dataworks_assets.cli.live import WatchedEngine, watching
from dataworks_assets.engines.base import Engine
from spark.contract import JobResult
from spark.jobs.progress import Finished, Progress

PROGRESS = Progress(files=3, files_total=10, read_bytes=1_500_000, total_bytes=9_000_000, partitions=1, partitions_total=4)
DONE = Finished(collection="core/toDo", export_date="2026-11-20", state="published", rows=1234)
REFUSED = Finished(collection="core/toDo", export_date="2026-11-20", state="refused", cause="one [record] too many")


class Says(Engine):
    def submit(self, submission, arguments, emit):
        return (submission, arguments, emit)

    def run(self, submission, *, on_message, channel=None):
        on_message(PROGRESS)
        return JobResult(run_id="r", partitions=(), seconds=0.0)

    def attend(self, submission, *, on_message, channel=None):
        on_message(DONE)
        return JobResult(run_id="r", partitions=(), seconds=0.0)

    def unfinished(self, family, *, store, control_uri):
        return [family, store, control_uri]

    def choose_channel(self, channel):
        return "its own"


@pytest.fixture(params=["terminal", "log"])
def console(request):
    return Console(file=io.StringIO(), force_terminal=request.param == "terminal", width=120, color_system=None)


def shown(console, *messages):
    with watching(console, "adg_full 2026-11-20") as watch:
        for message in messages:
            watch(message)
    return console.file.getvalue()


def test_files_are_counted(console):
    text = shown(console, PROGRESS)
    assert "3/10 files" in text or "3 of 10 files" in text


def test_a_day_that_is_done_has_its_rows(console):
    assert "✓ core/toDo 2026-11-20: 1,234 rows" in shown(console, PROGRESS, DONE)


def test_a_refused_day_has_its_cause_as_it_is(console):
    assert "✗ core/toDo 2026-11-20: refused: one [record] too many" in shown(console, REFUSED)


def test_messages_go_where_they_went_before_too():
    seen, watched = [], []
    WatchedEngine(Says(), watched.append).run(None, on_message=seen.append)
    assert seen == watched == [PROGRESS]


def test_messages_of_an_application_that_is_gone_on_with_are_shown_too():
    seen, watched = [], []
    WatchedEngine(Says(), watched.append).attend(None, on_message=seen.append)
    assert seen == watched == [DONE]


def test_everything_else_is_the_engines_own():
    engine = WatchedEngine(Says(), print)
    assert engine.submit(1, 2, 3) == (1, 2, 3)
    assert engine.unfinished("family", store="s", control_uri="c") == ["family", "s", "c"]
    assert engine.choose_channel(None) == "its own"


def test_no_part_of_an_engine_is_forgotten():
    parts = {name for name, part in vars(Engine).items() if callable(part) and not name.startswith("_")}
    assert parts <= set(vars(WatchedEngine))
