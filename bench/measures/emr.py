"""What EMR costs a run beside its work: the same day by the local engine and by the emulated EMR, in turns."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.deployments import SMALL, add_collections, configure, write_day
from bench.findings import Row, Section, Surroundings
from bench.race import Contender, Race, Stopwatch, race, stopwatch
from dataworks_assets.cli.deploy import deploy_artefacts
from dataworks_assets.cli.runs import RunRequest, run_here
from dataworks_assets.cli.workplace import Workplace
from dataworks_assets.config.naming import SnapshotType
from dataworks_assets.stack.emr import service
from spark.errors import EngineError

_COLLECTIONS = 20
_LOCAL, _EMR = "local", "emulated"
_MOST_SECONDS = 5.0
_NO_DELAYS = {"starting": 0.0, "bootstrapping": 0.0, "pending": 0.0, "terminating": 0.0}


def measure(around: Surroundings) -> Section:
    """Publishes a day by force, by each engine in turns; clusters stay in no state longer than their work takes."""
    home = around.place.state.home
    _without_delays(home)
    day = datetime.now(UTC).date() - timedelta(days=1)
    add_collections(home / "emr-day", _COLLECTIONS, database="emr")
    places = {name: configure(home / "emr-day", f"bench-{name}", first_day=day, like=name) for name in (_LOCAL, _EMR)}
    around.say(f"EMR: writing {_COLLECTIONS} collections")
    write_day(around.place, places[_LOCAL], day)
    deploy_artefacts(places[_EMR])
    scope = places[_LOCAL].scope(SnapshotType.FULL)
    request = RunRequest(scope, tuple(scope.collections), day, day, {"force": True})
    _published(places[_LOCAL], request)
    with stopwatch() as first:
        _published(places[_EMR], request)
    around.say(f"  the first cluster of a version: {first.seconds:.1f} s")
    contenders = [_contender(name, workplace, request) for name, workplace in places.items()]
    run = race(contenders, rounds=around.sizes.rounds, say=around.say)
    inputs = (
        f"a forced run of {_COLLECTIONS} collections x 2 files of {SMALL.file_bytes / 1e3:.0f} kB of JSON, with Dagster around"
        f" it, by either engine; a cluster of its own each, without EMR's own delays; {around.sizes.rounds} rounds"
    )
    return Section(title="EMR (emulated)", rows=(_overhead_row(run), _first_row(run, first)), inputs=inputs)


def _without_delays(home: Path) -> None:
    """Lets clusters go from state to state at once; the emulator reads it when it starts."""
    folder = home / service.NAME
    folder.mkdir(exist_ok=True)
    (folder / service.DELAYS_FILE).write_text(json.dumps(_NO_DELAYS), encoding="utf-8")


def _contender(name: str, workplace: Workplace, request: RunRequest) -> Contender:
    return Contender(name, prepare=lambda: None, run=lambda _prepared: _published(workplace, request))


def _published(workplace: Workplace, request: RunRequest) -> None:
    report = run_here(workplace, request)
    if len(report.of_state("published")) != len(request.collections):
        raise EngineError(f"not every collection is published: {report.error}", where=report.run_id)


def _overhead_row(run: Race) -> Row:
    local, emr = run.timings[_LOCAL], run.timings[_EMR]
    over = emr.median_seconds - local.median_seconds
    return Row(
        measure="a run on a cluster of its own, more than by the local engine (medians)",
        result=f"{over:.1f} s",
        target=f"< {_MOST_SECONDS:.0f} s",
        reached=over < _MOST_SECONDS,
        note=(
            f"{emr.median_seconds:.1f} s and {local.median_seconds:.1f} s, +-{max(emr.spread, local.spread):.0%};"
            f" {emr.median_processor_seconds - local.median_processor_seconds:.1f} s more of processor time"
        ),
    )


def _first_row(run: Race, first: Stopwatch) -> Row:
    return Row(
        measure="the first run of a version of the code, whose cluster makes the environment, more than by the local engine",
        result=f"{first.seconds - run.timings[_LOCAL].median_seconds:.1f} s",
        note="one run; later clusters of the emulated EMR begin with it, as with an image of one's own",
    )
