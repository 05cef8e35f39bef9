"""Processes that outlive the program that started them: run in their own session, recognised later, and reliably ended.

A process is ours if its environment carries our mark (state folder and service) and its start time matches the record; a pid
that the operating system has given to another program is never touched.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from dataworks_assets.stack.state import ProcessRecord

_MARK = "DATAWORKS_STACK_SERVICE"
_CLOCK_TOLERANCE_SECONDS = 2.0
_TERM_SECONDS = 10.0
_KILL_SECONDS = 5.0
_MARK_SECONDS = 5.0


def mark(home: Path, service: str) -> str:
    """Returns the environment variables that mark a service's process."""
    return f"{home}:{service}"


def start(
    command: Sequence[str], *, marked: str, log_path: Path, environment: Mapping[str, str], directory: Path
) -> ProcessRecord:
    """Starts a program in its own session, appending its output to a log.

    It does not inherit this process's AWS credentials and endpoints: SeaweedFS would take the credentials for its own.

    Raises:
        OSError: the program cannot be run.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    with log_path.open("ab") as log:
        process = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**inherited, **environment, _MARK: marked},
            cwd=directory,
            start_new_session=True,
        )
    process.returncode = 0  # the process is meant to outlive this object, which would otherwise warn about it
    begun = psutil.Process(process.pid)
    _wait_for_mark(begun, marked=marked)
    return ProcessRecord(pid=begun.pid, started=begun.create_time(), command=tuple(command))


def _wait_for_mark(process: psutil.Process, *, marked: str) -> None:
    """Waits until the operating system shows the new program's environment, or the program has ended."""
    deadline = time.monotonic() + _MARK_SECONDS
    while not is_ours(process, marked=marked) and process.status() != psutil.STATUS_ZOMBIE and time.monotonic() < deadline:
        time.sleep(0.01)


def find(record: ProcessRecord | None, *, marked: str) -> psutil.Process | None:
    """Returns the process of a record if it runs and is still the same one."""
    if record is None:
        return None
    _reap(record.pid)
    try:
        process = psutil.Process(record.pid)
        same = abs(process.create_time() - record.started) < _CLOCK_TOLERANCE_SECONDS
        return process if same and is_ours(process, marked=marked) else None
    except psutil.Error:
        return None


def _reap(pid: int) -> None:
    """Reaps a dead child process."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return


def is_ours(process: psutil.Process, *, marked: str) -> bool:
    """Whether a process runs and carries the mark."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE and process.environ().get(_MARK) == marked
    except (psutil.Error, OSError):
        return False


def find_marked(marked: str) -> Iterator[psutil.Process]:
    """Yields every running process that carries the mark, including those without a record."""
    return (process for process in psutil.process_iter() if is_ours(process, marked=marked))


def end(processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    """Ends processes with their descendants: asks, waits, then kills.

    Returns:
        Those that still exist, which only the operating system can explain.
    """
    family = {member.pid: member for process in processes for member in _with_children(process)}
    for process in family.values():
        _signal(process, kill=False)
    _, alive = psutil.wait_procs(list(family.values()), timeout=_TERM_SECONDS)
    for process in alive:
        _signal(process, kill=True)
    _, left = psutil.wait_procs(alive, timeout=_KILL_SECONDS)
    return [process for process in left if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]


def session_members(leader_pid: int) -> Iterator[psutil.Process]:
    """Yields the living processes of a session, whichever process group they put themselves into."""
    for process in psutil.process_iter():
        with suppress(ProcessLookupError, psutil.NoSuchProcess):
            if os.getsid(process.pid) == leader_pid and process.status() != psutil.STATUS_ZOMBIE:
                yield process


def signal_all(members: Sequence[psutil.Process], number: signal.Signals) -> None:
    """Sends a signal to processes; one that has ended meanwhile is left alone."""
    for process in members:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def _with_children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _signal(process: psutil.Process, *, kill: bool) -> None:
    """Signals a process to end; resumes a stopped one so that it receives the signal."""
    try:
        process.kill() if kill else process.terminate()
        process.resume()
    except psutil.NoSuchProcess:
        return
