import pytest

from bench.race import Contender, Race, Timing, race, stopwatch

SLOW = Timing("slow", seconds=(8.0, 12.0, 10.0), processor_seconds=(6.0, 6.0, 6.0))
FAST = Timing("fast", seconds=(2.0, 2.0, 5.0), processor_seconds=(2.0, 2.0, 2.0))


def test_ratios_are_of_the_same_round():
    assert Race({"slow": SLOW, "fast": FAST}).times_faster("fast", "slow") == (4.0, 2.0, 6.0)


def test_work_is_compared_by_processor_time():
    assert Race({"slow": SLOW, "fast": FAST}).less_work("fast", "slow") == 3.0


def test_everybody_runs_once_a_round_and_another_begins_each():
    ran = []
    contenders = [Contender(name, prepare=lambda: None, run=lambda _, name=name: ran.append(name)) for name in "abc"]
    timings = race(contenders, rounds=2, say=lambda _text: None).timings
    assert ran == ["a", "b", "c", "b", "c", "a"]
    assert [len(timing.seconds) for timing in timings.values()] == [2, 2, 2]


def test_what_was_prepared_is_cleaned_also_after_a_failure():
    cleaned = []

    def fail(prepared):
        raise ValueError(prepared)

    with pytest.raises(ValueError, match="place"):
        race([Contender("a", prepare=lambda: "place", run=fail, clean=cleaned.append)], rounds=1, say=lambda _text: None)
    assert cleaned == ["place"]


def test_processor_time_is_counted():
    with stopwatch() as watch:
        sum(number * number for number in range(2_000_000))
    assert 0 < watch.processor_seconds <= watch.seconds + 0.1
