"""Contenders in turns: one round after another, everybody once a round, so that a machine's moods meet all alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import psutil

Say = Callable[[str], None]


@dataclass(frozen=True)
class Contender:
    """One way to do it.

    Attributes:
        name: as it is shown.
        prepare: called before each run, outside of the clock; what it returns is given to `run`.
        run: what is measured.
        clean: called after each run with the same, outside of the clock.
    """

    name: str
    prepare: Callable[[], object]
    run: Callable[[object], object]
    clean: Callable[[object], object] = lambda _prepared: None


@dataclass(frozen=True)
class Timing:
    """What a contender's runs took: seconds on the clock, and of processor time of this process and all below it."""

    name: str
    seconds: tuple[float, ...]
    processor_seconds: tuple[float, ...]

    @property
    def median_seconds(self) -> float:
        """The median run."""
        return statistics.median(self.seconds)

    @property
    def median_processor_seconds(self) -> float:
        """The median run's processor time."""
        return statistics.median(self.processor_seconds)

    @property
    def spread(self) -> float:
        """Half the distance between the slowest and the fastest run, as a share of the median: the noise."""
        return (max(self.seconds) - min(self.seconds)) / 2 / self.median_seconds


@dataclass
class Race:
    """The timings of contenders that ran in turns."""

    timings: dict[str, Timing] = field(default_factory=dict)

    def times_faster(self, name: str, than: str) -> tuple[float, float, float]:
        """Returns how many times faster one is than another: (median, least, most) over the rounds."""
        pairs = zip(self.timings[than].seconds, self.timings[name].seconds, strict=True)
        ratios = [other / own for other, own in pairs]
        return statistics.median(ratios), min(ratios), max(ratios)

    def less_work(self, name: str, than: str) -> float:
        """Returns how many times less processor time one takes than another; other programs disturb it less."""
        return self.timings[than].median_processor_seconds / self.timings[name].median_processor_seconds


def race(contenders: Sequence[Contender], *, rounds: int, say: Say) -> Race:
    """Runs everybody once a round, each round beginning with another, and returns the timings."""
    seconds: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    processor: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    for number in range(rounds):
        first = number % len(contenders)
        for contender in (*contenders[first:], *contenders[:first]):
            taken, worked = _run_once(contender)
            seconds[contender.name].append(taken)
            processor[contender.name].append(worked)
            say(f"  round {number + 1}: {contender.name}: {taken:.1f} s ({worked:.1f} s of processor time)")
    return Race({name: Timing(name, tuple(seconds[name]), tuple(processor[name])) for name in seconds})


def _run_once(contender: Contender) -> tuple[float, float]:
    prepared = contender.prepare()
    try:
        with stopwatch() as watch:
            contender.run(prepared)
        return watch.seconds, watch.processor_seconds
    finally:
        contender.clean(prepared)


@dataclass
class Stopwatch:
    """What a block took; 0 until it ends."""

    seconds: float = 0.0
    processor_seconds: float = 0.0


@contextmanager
def stopwatch() -> Iterator[Stopwatch]:
    """Measures a block; one that raises is not measured."""
    watch = Stopwatch()
    before, started = _processor_seconds(), time.monotonic()
    yield watch
    watch.seconds = time.monotonic() - started
    watch.processor_seconds = sum(worked - before.get(process, 0.0) for process, worked in _processor_seconds().items())


def _processor_seconds() -> dict[int, float]:
    """Returns the processor time of this process and of all below it, each with what it reaped, by process id.

    By process, because Spark's daemon lets idle workers go without taking over their time.
    """
    own = psutil.Process()
    worked = {}
    for process in (own, *own.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            worked[process.pid] = times.user + times.system + times.children_user + times.children_system
    return worked
