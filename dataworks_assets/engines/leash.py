"""Starts a program that the operating system kills when the process which asked for it dies, even by SIGKILL.

Run as a program of its own (`python -ISs leash.py PARENT_PID PROGRAM ARGUMENT...`), so that nothing but a system call happens
between fork and exec; the request survives `exec`, so it holds for the JVM that `spark-submit` turns into.
The kernel counts the end of the thread that started it as the death of the parent: an application is watched by the thread
that submits it. Linux only; elsewhere the program is started without.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
_ORPHANED_EXIT_CODE = 3


def main(parent_pid: int, command: list[str]) -> None:
    """Becomes `command`; ends at once when the parent died before the request was in place."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        os._exit(_ORPHANED_EXIT_CODE)
    os.execvp(command[0], command)  # noqa: S606 - becoming the program is the point


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
