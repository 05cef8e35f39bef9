"""`dataworks demo`: the whole platform on this machine, from nothing to published tables, and what to try next."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from dataworks_assets.cli.demo_expectations import failed_unexpectedly, meant_to_be_refused
from dataworks_assets.cli.reports import show_reports
from dataworks_assets.cli.workplace import Workplace, workplace_of
from dataworks_assets.config.naming import SnapshotType
from dataworks_assets.systems.adg.exported import exported_days

if TYPE_CHECKING:
    from dataworks_assets.cli.partner_sample import PartnerWritten
    from dataworks_assets.cli.runs import RunReport

_DAYS = 3
_BAD_INPUT = "bad_input"
_OPTIONS_ON = f"DATAWORKS_OPTIONS={_BAD_INPUT}"
_QUERY = (
    "SELECT carrier, count(*) AS flights, round(avg(arrival.delay), 1) AS minutes_late"
    " FROM analytical_dataset_generation.transport_flights GROUP BY carrier ORDER BY minutes_late"
)

app = typer.Typer()


@app.command()
def demo(
    ctx: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="End when everything is shown, without leaving the UI running.")] = False,
    bad: Annotated[
        bool,
        typer.Option(
            "--bad",
            help="With one collection of each kind of bad input: each is refused, or published where it only looks bad.",
        ),
    ] = False,
    port: Annotated[int | None, typer.Option("--port", "-p", help="Port of the UI; 3000 where that is free, else any.")] = None,
) -> None:
    """Bring the stack up, write a sample export, publish it through Dagster, and show what came of it.

    Leaves Dagster's UI running until interrupted. A second call finds everything done. Exit code 1 when anything failed
    that is not bad on purpose.

    [bold]Examples[/]

    dataworks demo

    dataworks demo --once --bad
    """
    workplace = workplace_of(ctx)
    if bad:
        _switch_on(workplace)
    begun_seconds = time.monotonic()
    with _the_only_one(workplace):
        bring_up(workplace)
        days = _write_sample(workplace, bad=bad)
        reports = [_publish(workplace, each, days) for each in SnapshotType]
        partner = _publish_partner(workplace) if workplace.settings.partner else None
    show_reports(workplace.console, [*reports, *([partner.report] if partner else [])])
    if (proof := _proof(workplace, reports)) is not None:
        workplace.console.print(proof, markup=False, soft_wrap=True)
    workplace.console.print(f"All of it took {time.monotonic() - begun_seconds:.0f} s.\n")
    meant = filter(None, (meant_to_be_refused(reports) if bad else "", partner.expected() if partner else ""))
    for line in meant:
        workplace.console.print(f"Meant to be so: {line}", markup=False, soft_wrap=True)
    failed = "\n".join(filter(None, (failed_unexpectedly(reports, bad=bad), partner.failed() if partner else "")))
    if failed:
        workplace.notes.print(Text.assemble(("Not as it should be: ", "bold red"), failed), soft_wrap=True)
        raise typer.Exit(1)
    if partner is not None and nothing_was_done([*reports, partner.report]):
        workplace.console.print("[bold green]Nothing had to be done[/]: everything but that is published already.")
    _show_next(workplace, days, bad=bad)
    if once:
        dataworks = _own_command(workplace)
        said = f"\nDagster's UI: `{dataworks} dev` starts it; the stack goes on until `{dataworks} stack down`."
        workplace.console.print(said, markup=False, soft_wrap=True)
    else:
        _serve(workplace, port)


@contextmanager
def _the_only_one(workplace: Workplace) -> Iterator[None]:
    """Lets one demo at a time write and publish here: the next one finds done what this one did."""
    from dataworks_assets.stack.locking import locked

    home = workplace.settings.environment.home
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    said = f"Another demo is at work in {home}: waiting until it is done"
    with locked(home / "demo.lock", waiting=lambda: workplace.notes.print(said, markup=False, soft_wrap=True)):
        yield


def bring_up(workplace: Workplace) -> None:
    """Starts the embedded stack, saying how far it is, and lets this process reach it."""
    from dataworks_assets.stack.bring_up import left_out, wanted_services
    from dataworks_assets.stack.lifecycle import up

    workplace.notes.print("[bold]1[/] The embedded stack: S3, queues and topics, a Hive metastore, a key service")
    wanted = wanted_services(workplace.settings.deployment)
    say = partial(workplace.notes.print, markup=False, soft_wrap=True)
    up(workplace.settings.environment.home, wanted=wanted, say=lambda line: say(f"  {line}"))
    for line in left_out(workplace.settings.deployment):
        say(f"  {line}")
    _ = workplace.platform
    if workplace.settings.deployment.engine.emr is not None:
        from dataworks_assets.cli.deploy import deploy_artefacts

        deploy_artefacts(workplace)


def _switch_on(workplace: Workplace) -> None:
    """Makes the collections of bad input part of the deployment, here and in the processes that are started."""
    before = os.environ.get("DATAWORKS_OPTIONS", "")
    os.environ["DATAWORKS_OPTIONS"] = ",".join(dict.fromkeys(filter(None, [*before.split(","), _BAD_INPUT])))
    workplace.reload()


def _write_sample(workplace: Workplace, *, bad: bool) -> tuple[date, ...]:
    from dataworks_assets.cli.sample import sample_request, write_with_progress

    workplace.notes.print("[bold]2[/] A sample export, as its producer writes it: encrypted, gzipped, with manifests")
    days = _days(workplace)
    request = sample_request(workplace.platform.running.deployment, days, bad=bad)
    summary = write_with_progress(workplace, request)
    new = sum(export.is_new for export in summary.exports)
    said = f"{new} exports written in {summary.seconds:.1f} s" if new else "there already"
    workplace.notes.print(f"  {days[0]} to {days[-1]}, {summary.rows:,} documents: {said}")
    return days


def _days(workplace: Workplace) -> tuple[date, ...]:
    """Returns the newest days of an earlier call, so that a later one finds its work done; else the last until yesterday."""
    there = exported_days(workplace.platform.store, workplace.scope(SnapshotType.FULL))
    if len(there) >= _DAYS:
        return there[-_DAYS:]
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    return tuple(yesterday - timedelta(days=back) for back in reversed(range(_DAYS)))


def nothing_was_done(reports: Sequence[RunReport]) -> bool:
    """Whether some days were found published, and none had to be."""
    states = {day.state for report in reports for day in report.days}
    return "unchanged" in states and "published" not in states


def _publish(workplace: Workplace, snapshot_type: SnapshotType, days: Sequence[date]) -> RunReport:
    from dataworks_assets.cli.runs import RunRequest, run_here

    scope = workplace.scope(snapshot_type)
    step = 3 + list(SnapshotType).index(snapshot_type)
    workplace.notes.print(f"[bold]{step}[/] One Dagster run publishes {len(scope.collections)} {snapshot_type} collections")
    return run_here(workplace, RunRequest(scope, tuple(scope.collections), days[0], days[-1]))


@dataclass(frozen=True)
class PartnerDemo:
    """The partner's files, and the run that published them."""

    written: PartnerWritten
    report: RunReport

    def expected(self) -> str:
        """Returns what is meant to be missing; empty where it is there."""
        refused = {(day.collection, day.day) for day in self.report.of_state("refused")}
        missing = sorted(self.written.expected_failures() & refused)
        named = " and ".join(f"{name} {day}" for name, day in missing)
        return f"{named}: one was never delivered, the next waits behind it." if missing else ""

    def failed(self) -> str:
        """Returns what failed that is not missing on purpose; empty where nothing did."""
        refused = self.report.of_state("refused")
        wrong = [day for day in refused if (day.collection, day.day) not in self.written.expected_failures()]
        told = [f"{day.scope}/{day.collection} {day.day}: {day.cause}" for day in wrong]
        return "\n".join([*told, *([self.report.error] if not self.report.succeeded and not refused else [])])


def _publish_partner(workplace: Workplace) -> PartnerDemo:
    """Writes the partner's files and publishes them; one day of them is missing on purpose, and one waits behind it."""
    from dataworks_assets.cli.partner_sample import DAYS, write_partner_files
    from dataworks_assets.cli.runs import RunRequest, run_here

    scope = workplace.kickstart
    workplace.notes.print("[bold]5[/] A partner's files in another account, reached by two chained roles: CSV, encrypted JSON")
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    written = write_partner_files(workplace, [yesterday - timedelta(days=back) for back in reversed(range(DAYS))])
    days = written.days
    workplace.notes.print(f"  {days[0]} to {days[-1]}: {len(written.files)} files written")
    workplace.notes.print(
        f"[bold]6[/] One Dagster run publishes {len(scope.collections)} collections of {len(days)} days, in order"
    )
    return PartnerDemo(written, run_here(workplace, RunRequest(scope, tuple(scope.collections), days[0], days[-1])))


def _proof(workplace: Workplace, reports: Sequence[RunReport]) -> str | None:
    """Returns what another engine reads of the largest table, from the very files that the catalog names."""
    from dataworks_assets.systems.contents import read_rows

    scope = workplace.scope(SnapshotType.FULL)
    outcomes = [day for day in reports[0].days if day.state in {"published", "unchanged"} and day.rows]
    if not outcomes:
        return None
    largest = max(outcomes, key=lambda day: (day.day, day.rows))
    main = scope.collections[largest.collection].job.tables[0]
    pointer = workplace.platform.catalog.pointers(main.database, main.name, [largest.day]).get(largest.day)
    if pointer is None:
        return f"{main.database}.{main.name} has no {largest.day}, though Dagster was told so"
    rows = read_rows(workplace.platform.store, pointer.location).rows
    said = "as published" if rows == largest.rows else f"but {largest.rows:,} were published"
    return f"Read back by DuckDB: {main.database}.{main.name} on {largest.day} holds {rows:,} rows, {said}."


def _show_next(workplace: Workplace, days: Sequence[date], *, bad: bool) -> None:
    dataworks = _own_command(workplace)
    if bad:
        said = f"The collections of bad input are configured by an option. Before any command here: export {_OPTIONS_ON}"
        workplace.console.print(said, markup=False, soft_wrap=True)
    quarantined = ("See the lines that were no documents", f"quarantine broken/badJson --partition {days[-1]}")
    workplace.console.print("[bold]Things to try[/]")
    for what, command in (
        *([quarantined] if bad else []),
        ("See what is published, by collection and day", "status"),
        ("Publish a day of a collection again", f"adg run --day {days[-1]} --collection core/contract --force"),
        ("See the partner's days, and where a catch-up begins", "status --system kickstart --last 10"),
        ("Query a table", f"sql '{_QUERY}'"),
    ):
        workplace.console.print(f"  {what}:\n    {dataworks} {command}", markup=False, soft_wrap=True)


def _own_command(workplace: Workplace) -> str:
    name = workplace.settings.deployment.name
    return own_name() if name == "local" else f"{own_name()} -d {name}"


def own_name() -> str:
    """Returns how `dataworks` is called in the user's shell: by its path, where it is not found by its name."""
    return "dataworks" if shutil.which("dataworks") else os.path.relpath(Path(sys.executable).with_name("dataworks"))


def _serve(workplace: Workplace, port: int | None) -> None:
    """Runs Dagster's UI until interrupted, unless one runs already."""
    from dataworks_assets.cli.dagster_dev import dagster_dev
    from dataworks_assets.cli.dagster_home import prepare_dagster_home
    from dataworks_assets.cli.webserver import find_webserver

    folder = prepare_dagster_home(workplace.settings)
    if (running := find_webserver(folder)) is not None:
        workplace.console.print(f"\nDagster's UI runs already: [bold]{running.url}[/]", soft_wrap=True)
        return
    log_path = folder / "dagster-dev.log"
    try:
        environment = workplace.child_environment()
        with (
            workplace.notes.status("Starting Dagster's UI …") as status,
            dagster_dev(folder, environment, port=port, log_path=log_path) as started,
        ):
            status.stop()
            workplace.console.print(f"\nDagster's UI: [bold]{started.url}[/]   (Ctrl-C ends it; `make stop` ends the stack)")
            workplace.console.print(f"Its log: {log_path}", style="dim", soft_wrap=True, markup=False)
            code = started.wait()
    except KeyboardInterrupt:
        return
    raise typer.Exit(code)
