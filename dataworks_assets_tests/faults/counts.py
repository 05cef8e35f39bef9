"""The count of what was struck on purpose, over all of pytest's processes, told at the end of a run of tests."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

STRUCK: Counter[str] = Counter()
"""How many points were struck, by what was done."""
SEEN: Counter[str] = Counter()
"""What else was counted."""


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker hands its counts to the process that started it."""
    workeroutput = getattr(session.config, "workeroutput", None)
    if workeroutput is not None:
        workeroutput |= {"struck": dict(STRUCK), "seen": dict(SEEN)}


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: WorkerController) -> None:
    """Adds what a worker counted; one that crashed has handed nothing over."""
    workeroutput = getattr(node, "workeroutput", {})
    STRUCK.update(workeroutput.get("struck", {}))
    SEEN.update(workeroutput.get("seen", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if STRUCK:
        terminalreporter.section("faults on purpose")
        for name, count in sorted(STRUCK.items()):
            terminalreporter.write_line(f"{count:6,}  {name}")
        for name, count in sorted(SEEN.items()):
            terminalreporter.write_line(f"        {name}: {count:,}")
        terminalreporter.write_line(f"{STRUCK.total():6,}  in all, each followed by a plain retry")
