"""How often AWS is asked by fifty runs of an hour: the poller itself, by a clock that the measure moves."""

from __future__ import annotations

import random
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench.findings import Row, Section, Surroundings
from bench.pretended_emr import PretendedEmr
from dataworks_assets.engines.emr.calls import EmrCalls
from dataworks_assets.engines.emr.polling import Poller, Watch
from dataworks_assets.engines.emr.turns import SharedTurns

_RUNS, _HOUR_SECONDS, _MINUTE_SECONDS = 50, 3600.0, 60.0
_LOOK_SECONDS = 0.2
_MOST_A_SECOND = 1.0
_CLOSING_SECONDS = 2.0
"""From a job's last word to the end of its step."""


@dataclass
class _Clock:
    """Seconds, moved by hand."""

    now_seconds: float = 0.0

    def __call__(self) -> float:
        return self.now_seconds


@dataclass(frozen=True)
class Polled:
    """What fifty runs cost.

    Args:
        a_second: calls of the more frequent kind in the whole hour.
        busiest: of either kind, in its busiest minute, a second.
        late_seconds: between the end of a step and its being seen, by run.
    """

    a_second: float
    busiest: float
    late_seconds: tuple[float, ...]


def measure(around: Surroundings) -> Section:
    """Fifty runs that start together, each in a process of its own as Dagster has it, with turns in common and without."""
    around.say("Polling: fifty runs of an hour, by a false clock")
    together, apart = polled(share=True), polled(share=False)
    late = sorted(together.late_seconds)
    rows = (
        _rate_row("runs of one machine, calls of either kind", together, target=True),
        _rate_row("runs each on a machine of its own, calls of either kind", apart, target=False),
        Row(
            measure="from a step's end until it is seen, median and longest",
            result=f"{late[len(late) // 2]:.0f} s and {late[-1]:.0f} s",
            note="all of them end within a minute; the job's last message hastens the look",
        ),
    )
    inputs = (
        f"{_RUNS} runs that start together and take an hour, each in a process of its own; no time passes, nothing is called"
    )
    return Section(title="Polling of EMR", rows=rows, inputs=inputs)


def polled(*, share: bool, look_seconds: float = _LOOK_SECONDS, run_seconds: float = _HOUR_SECONDS) -> Polled:
    """Lets fifty pollers look at a run each, until every run is seen to have ended.

    Args:
        share: whether they have turns in common.
        look_seconds: between two questions of a run to its poller.
        run_seconds: how long runs take.
    """
    clock = _Clock()
    emr = PretendedEmr(clock, lambda number: run_seconds - _MINUTE_SECONDS + number)
    chance = random.Random(1)  # noqa: S311 - phases of processes, no secret
    with tempfile.TemporaryDirectory() as folder:
        processes = [_Process(emr, clock, number, Path(folder) if share else None, chance.random()) for number in range(_RUNS)]
        seen: dict[int, float] = {}
        while len(seen) < _RUNS:
            clock.now_seconds += look_seconds / _RUNS
            number = round(clock.now_seconds * _RUNS / look_seconds) % _RUNS
            if number not in seen and processes[number].looked():
                seen[number] = emr.age_seconds
    late = tuple(at - emr.step_seconds(number) for number, at in seen.items())
    times = emr.called_seconds.values()
    return Polled(
        a_second=max(map(len, times)) / run_seconds, busiest=max(map(_busiest, times)) / _MINUTE_SECONDS, late_seconds=late
    )


class _Process:
    """One run's: a poller with one application."""

    def __init__(self, emr: PretendedEmr, clock: _Clock, number: int, folder: Path | None, phase: float) -> None:
        turns = SharedTurns(folder, "bench", clock=clock) if folder is not None else None
        self._poller = Poller(EmrCalls(lambda: emr), clock=clock, turns=turns)
        self._watch = Watch(f"j-{number}", str(number), due_seconds=clock() + phase)
        self._poller.add(self._watch)
        self._emr, self._last_word_seconds = emr, emr.step_seconds(number) - _CLOSING_SECONDS
        self._is_hastened = False

    def looked(self) -> bool:
        """Looks where it is due; whether the end is seen."""
        if not self._is_hastened and self._emr.age_seconds > self._last_word_seconds:
            self._is_hastened = True
            self._poller.hasten(self._watch)
        self._poller.look()
        return self._watch.has_step_ended


def _busiest(times: list[float]) -> int:
    """Returns the most calls within a minute."""
    most, first = 0, 0
    for last, at in enumerate(times):
        while times[first] <= at - _MINUTE_SECONDS:
            first += 1
        most = max(most, last - first + 1)
    return most


def _rate_row(measure: str, found: Polled, *, target: bool) -> Row:
    return Row(
        measure=measure,
        result=f"{found.a_second:.2f} a second",
        target=f"< {_MOST_A_SECOND:.0f} a second" if target else "",
        reached=found.a_second < _MOST_A_SECOND and found.busiest < _MOST_A_SECOND if target else None,
        note=f"{found.busiest:.2f} a second in the busiest minute",
    )
