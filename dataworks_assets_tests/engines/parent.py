"""A process that runs one application, for tests to kill: this module as a program.

python -m dataworks_assets_tests.engines.parent < (what makes the engine, the submission), pickled
"""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable

from dataworks_assets.engines.base import Engine
from dataworks_assets.engines.submission import Submission
from spark.jobs.progress import Message


def start_parent(make_engine: Callable[[], Engine], submission: Submission) -> subprocess.Popen[bytes]:
    """Starts the process; returns once its application has said anything."""
    parent = subprocess.Popen([sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert parent.stdin
    assert parent.stdout
    parent.stdin.write(pickle.dumps((make_engine, submission)))
    parent.stdin.close()
    assert parent.stdout.readline(), "it ended before its application said anything"
    return parent


def kill(parent: subprocess.Popen[bytes]) -> None:
    """Ends it as a kill -9 does."""
    parent.kill()
    parent.wait()


def _say(message: Message) -> None:
    sys.stdout.write(f"{message}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    wanted: tuple[Callable[[], Engine], Submission] = pickle.load(sys.stdin.buffer)
    wanted[0]().run(wanted[1], on_message=_say)
