"""What the sensors say of ledgers that they looked after: of several modules at once, as of one."""

from __future__ import annotations

from collections import Counter

import pytest

from dataworks_assets.systems.ledger_repair import Repaired, together

IDLE = Repaired(Counter())


@pytest.mark.parametrize(
    ("ticks", "said"),
    [
        ([IDLE, IDLE, IDLE], "the ledger of every run is closed"),
        ([IDLE, Repaired(Counter(repaired=1)), Repaired(Counter(repaired=2, left=1))], "ledgers of runs: 1 left, 3 repaired"),
    ],
    ids=["idle", "busy"],
)
def test_several_modules_are_said_once(ticks, said):
    assert str(together(ticks)) == said


def test_no_problem_of_theirs_is_lost():
    assert together([Repaired(Counter(left=1), ("a",)), IDLE, Repaired(Counter(left=1), ("b",))]).problems == ("a", "b")
