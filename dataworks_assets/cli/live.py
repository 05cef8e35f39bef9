"""Showing a job while it runs: a progress bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from dataworks_assets.cli.showing import bytes_text
from dataworks_assets.engines.base import Application, Engine
from dataworks_assets.engines.channel import Channel
from dataworks_assets.engines.submission import Submission
from spark.contract import JobResult, PartitionState, StoreSettings
from spark.jobs import progress as job

Watcher = Callable[[job.Message], None]


@dataclass(frozen=True)
class WatchedEngine(Engine):
    """An engine that also shows its jobs' messages."""

    engine: Engine
    watch: Watcher

    def submit(self, submission: Submission, arguments: Sequence[str], emit: Watcher) -> Application:
        """See `Engine.submit`."""
        return self.engine.submit(submission, arguments, emit)

    def log_address(self, submission: Submission) -> str:
        """See `Engine.log_address`."""
        return self.engine.log_address(submission)

    def unfinished(self, family: str, *, store: StoreSettings, control_uri: str) -> list[Submission]:
        """See `Engine.unfinished`."""
        return self.engine.unfinished(family, store=store, control_uri=control_uri)

    def choose_channel(self, channel: Channel | None) -> Channel:
        """See `Engine.choose_channel`."""
        return self.engine.choose_channel(channel)

    def run(self, submission: Submission, *, on_message: Watcher, channel: Channel | None = None) -> JobResult:
        """See `Engine.run`."""
        return self.engine.run(submission, on_message=self._shown(on_message), channel=channel)

    def attend(self, submission: Submission, *, on_message: Watcher, channel: Channel | None = None) -> JobResult:
        """See `Engine.attend`."""
        return self.engine.attend(submission, on_message=self._shown(on_message), channel=channel)

    def _shown(self, on_message: Watcher) -> Watcher:
        def both(message: job.Message) -> None:
            self.watch(message)
            on_message(message)

        return both


@contextmanager
def watching(console: Console, title: str) -> Iterator[Watcher]:
    """Shows the messages of a job while the block runs; the block gives them to what is yielded."""
    if not console.is_terminal:
        yield _Lines(console).take
        return
    columns = (
        SpinnerColumn(),
        TextColumn("[bold]{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TextColumn("{task.fields[days]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as shown:
        yield _Bar(shown, shown.add_task(title, total=None, days="planning")).take


@dataclass
class _Bar:
    shown: Progress
    task: TaskID

    def take(self, message: job.Message) -> None:
        if isinstance(message, job.Finished):
            self.shown.console.print(_finished_line(message))
        if isinstance(message, job.Placed) and message.cluster_id:
            self.shown.console.print(job.message_text(message), markup=False)
        if not isinstance(message, job.Progress):
            return
        days = f"{message.files:,}/{message.files_total:,} files, {message.partitions:,}/{message.partitions_total:,} done"
        self.shown.update(self.task, completed=message.read_bytes, total=message.total_bytes or None, days=days)


@dataclass
class _Lines:
    console: Console

    def take(self, message: job.Message) -> None:
        if isinstance(message, job.Finished):
            self.console.print(_finished_line(message), soft_wrap=True)
        if isinstance(message, job.Placed) and message.cluster_id:
            self.console.print(job.message_text(message), markup=False, soft_wrap=True)
        if not isinstance(message, job.Progress):
            return
        self.console.print(
            f"{message.files:,} of {message.files_total:,} files, {bytes_text(message.read_bytes)} of"
            f" {bytes_text(message.total_bytes)}, {message.partitions:,} of {message.partitions_total:,} collection-days",
            soft_wrap=True,
        )


def _finished_line(message: job.Finished) -> Text:
    name = f"{message.collection} {message.export_date}"
    if message.state == PartitionState.PUBLISHED:
        return Text.assemble(("✓", "green"), f" {name}: {message.rows:,} rows")
    return Text.assemble(("✗", "red"), f" {name}: {message.state}: {message.cause}")
