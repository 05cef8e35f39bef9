"""`dataworks sample`: write the sample export, as its producer would."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

import msgspec
import typer

from dataworks_assets.cli.certificates import key_service_here
from dataworks_assets.cli.partner_sample import DAYS as PARTNER_DAYS
from dataworks_assets.cli.partner_sample import show_partner_files, write_partner_files
from dataworks_assets.cli.selection import JsonOption
from dataworks_assets.cli.showing import bytes_text, number, plural, table, write_json
from dataworks_assets.cli.workplace import Workplace
from dataworks_assets.config.deployment import Deployment
from dataworks_assets.config.naming import SnapshotType
from dataworks_assets.stack.sample.announce import announce as announce_export
from dataworks_assets.stack.sample.export import SampleRequest, SampleSummary, write_sample
from dataworks_assets.stack.sample.truth import TopicTruth
from dataworks_assets.systems.every import System
from spark.errors import ConfigurationError

TRUTH_PREFIX = "_sample"
"""Prefix in the input bucket of the sample's expected results."""
_EXPORT_DAYS = 3
_REAL_ENVIRONMENTS = {"preprod", "production"}

app = typer.Typer(no_args_is_help=True)


@app.callback()
def sample() -> None:
    """Write the sample export, as its producer would: encrypted, gzipped, with metadata and manifests."""


@app.command()
def write(
    ctx: typer.Context,
    system: Annotated[System, typer.Option(help="System whose source is written.")] = System.ADG,
    first_day: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], help="First export date; by default the last is yesterday."),
    ] = None,
    days: Annotated[int | None, typer.Option(min=1, help="How many days: 3 of an export, 10 of the partner's files.")] = None,
    snapshot_type: Annotated[
        list[SnapshotType] | None, typer.Option("--type", "-t", help="Only this export: full or incremental.")
    ] = None,
    topic: Annotated[list[str] | None, typer.Option(help="Only this topic, such as db.core.statement. Repeatable.")] = None,
    bad: Annotated[bool, typer.Option("--bad", help="With one collection of each kind of bad input.")] = False,
    scale: Annotated[float, typer.Option(min=0.001, help="How many times the usual 60,000 documents of a full.")] = 1.0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same documents.")] = 1,
    announce: Annotated[bool, typer.Option("--announce", help="Then send the export's completion messages.")] = False,
    e2e_test: Annotated[
        bool, typer.Option("--e2e-test", help="Into the test folder that E2E_TEST_FLG reads (kickstart).")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Write a sample of some days. A day that lies there already, made the same way, is left alone.

    [bold]Examples[/]

    dataworks sample write --system adg --from 2026-11-18 --days 3

    dataworks sample write --from 2026-11-20 --days 1 --type full --bad --announce

    dataworks sample write --system kickstart
    """
    workplace = ctx.obj if isinstance(ctx.obj, Workplace) else Workplace()
    if system is System.KICKSTART:
        files = write_partner_files(workplace, _days(first_day, days or PARTNER_DAYS), is_test=e2e_test, seed=seed)
        if as_json:
            write_json([asdict(file) for file in files.files])
        else:
            show_partner_files(workplace.console, files)
        return
    request = sample_request(
        workplace.platform.running.deployment,
        _days(first_day, days or _EXPORT_DAYS),
        snapshot_types=tuple(snapshot_type or SnapshotType),
        topics=tuple(topic or ()),
        bad=bad,
        scale=scale,
        seed=seed,
    )
    summary = write_with_progress(workplace, request)
    if as_json:
        write_json([msgspec.to_builtins(export.truth) | {"is_new": export.is_new} for export in summary.exports])
    else:
        show(workplace, summary)
    if announce:
        announce_all(workplace, request)


def _days(first_day: datetime | None, count: int) -> tuple[date, ...]:
    start = first_day.date() if first_day else datetime.now(UTC).date() - timedelta(days=count)
    return tuple(start + timedelta(days=offset) for offset in range(count))


def sample_request(
    deployment: Deployment,
    days: Sequence[date],
    *,
    snapshot_types: Sequence[str] = tuple(SnapshotType),
    topics: Sequence[str] = (),
    bad: bool = False,
    scale: float = 1.0,
    seed: int = 1,
) -> SampleRequest:
    """Returns what to write where this deployment reads its exports from.

    Raises:
        ConfigurationError: the deployment is a real one, or a topic is not in the sample.
    """
    if deployment.environment in _REAL_ENVIRONMENTS:
        raise ConfigurationError(
            f"no sample is written where the environment is {deployment.environment}",
            where=f"deployment {deployment.name}",
            remedy="Choose another one with --deployment",
        )
    scheme, buckets, prefixes = deployment.store.scheme, deployment.buckets, deployment.prefixes
    return SampleRequest(
        data_uri=f"{scheme}://{buckets.input}/{prefixes.data}",
        manifest_uri=f"{scheme}://{buckets.manifests}/{prefixes.manifests}",
        truth_uri=f"{scheme}://{buckets.input}/{TRUTH_PREFIX}",
        days=tuple(days),
        snapshot_types=tuple(str(each) for each in snapshot_types),
        topics=tuple(topics),
        bad=bad,
        scale=scale,
        seed=seed,
    )


def write_with_progress(workplace: Workplace, request: SampleRequest) -> SampleSummary:
    """Writes the sample and shows, on a terminal, which topic it is at."""
    platform = workplace.platform
    store = platform.store
    with key_service_here(platform) as key_service, workplace.notes.status("Writing the sample export") as status:

        def progress(day: date, snapshot_type: str, truth: TopicTruth) -> None:
            status.update(f"Writing the sample export: {day} {snapshot_type} {truth.topic}, {number(truth.rows)} documents")

        return write_sample(store, key_service, request, progress=progress)


def show(workplace: Workplace, summary: SampleSummary) -> None:
    """Writes a table of what the sample consists of, one line a topic and snapshot type."""
    groups: dict[tuple[str, str], list[TopicTruth]] = defaultdict(list)
    for export in summary.exports:
        for truth in export.truth.topics:
            groups[export.truth.snapshot_type, truth.topic].append(truth)
    shown = table("export", "topic", "days", "files", "documents", "stored", "JSON", "", right=_NUMBERS)
    for (snapshot_type, topic), truths in groups.items():
        shown.add_row(
            snapshot_type,
            topic,
            number(len(truths)),
            number(sum(truth.files for truth in truths)),
            number(sum(truth.rows for truth in truths)),
            bytes_text(sum(truth.input_bytes for truth in truths)),
            bytes_text(sum(truth.decoded_bytes for truth in truths)),
            _remark(truths[0]),
        )
    workplace.console.print(shown)
    new = sum(export.is_new for export in summary.exports)
    kept = len(summary.exports) - new
    workplace.console.print(
        f"{plural(summary.rows, 'document')}; {plural(new, 'export')} written in {summary.seconds:.1f} s"
        + (f", {kept} there already" if kept else "")
    )


_NUMBERS = ("days", "files", "documents", "stored", "JSON")


def _remark(truth: TopicTruth) -> str:
    if truth.refused:
        return f"bad on purpose: {truth.refused}"
    return "" if truth.configured else "not configured"


def announce_all(workplace: Workplace, request: SampleRequest) -> None:
    """Sends the completion message of every day and snapshot type.

    Raises:
        ConfigurationError: the deployment has no topic for them.
    """
    exports = workplace.platform.running.deployment.exports
    for snapshot_type in request.snapshot_types:
        topic_arn = exports.of(SnapshotType(snapshot_type)).topic
        if topic_arn is None:
            raise ConfigurationError(
                f"there is no topic for messages of a complete {snapshot_type} export",
                where=f"exports.{snapshot_type}.topic",
                remedy="Configure it, or leave out --announce",
            )
        for day in request.days:
            data_uri = request.data_uri.format(export_date=day.isoformat(), snapshot_type=snapshot_type)
            correlation_id = announce_export(
                workplace.platform.topics, topic_arn, data_uri=data_uri, export_date=day, snapshot_type=snapshot_type
            )
            workplace.console.print(f"announced {snapshot_type} {day} as {correlation_id}")
