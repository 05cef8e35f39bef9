"""Starts a program that the operating system kills when the process that started it dies, even by SIGKILL.

Run as a separate program (`python -ISs leash.py PARENT_PID PROGRAM ARGUMENT...`), so that nothing but a system call happens
between fork and exec; the request survives `exec`, so it also holds for the JVM that `spark-submit` turns into.
The kernel counts the end of the thread that started it as the death of the parent; therefore the thread that submits an
application also watches it. Linux only; elsewhere the program is started without this protection.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
_ORPHANED_EXIT_CODE = 3


def main(parent_pid: int, command: list[str]) -> None:
    """Becomes `command`; exits at once if the parent died before the request was in place."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        os._exit(_ORPHANED_EXIT_CODE)
    os.execvp(command[0], command)  # noqa: S606 - becoming the program is the point


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
