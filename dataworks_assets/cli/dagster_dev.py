"""`dagster dev` as a child process: on a free port of the loopback address, ended together with its parent."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import requests

from dataworks_assets.cli.dagster_home import PROJECT_FOLDER
from dataworks_assets.cli.webserver import Webserver, forget, remember
from dataworks_assets.config.environment import UI_URL_VARIABLE
from spark.errors import StackError

USUAL_PORT = 3000
_HOST = "127.0.0.1"
_READY_SECONDS = 300.0
"""A busy machine needs minutes to load Dagster's three processes."""
_END_SECONDS = 45.0
_LEFTOVER_SECONDS = 5.0
_POLL_SECONDS = 0.5
_LOG_LINES = 15


@dataclass(frozen=True)
class DagsterDev:
    """A running `dagster dev` whose UI answers."""

    url: str
    process: subprocess.Popen[bytes]

    def wait(self) -> int:
        """Waits until it ends or this process is interrupted, and returns its exit code."""
        return self.process.wait()


@contextmanager
def dagster_dev(
    folder: Path, environment: Mapping[str, str], *, port: int | None = None, log_path: Path | None = None
) -> Iterator[DagsterDev]:
    """Runs `dagster dev` while the block runs, which is entered once the UI answers.

    Args:
        folder: DAGSTER_HOME, prepared.
        environment: its variables.
        port: of the UI; 3000 where that is free, else any.
        log_path: where it writes; to this terminal when None.

    Raises:
        StackError: it ended at once, or does not answer.
    """
    url = f"http://{_HOST}:{port or _free_port()}"
    with _opened(log_path) as output, _interruptible():
        process = subprocess.Popen(
            _command(url),
            cwd=PROJECT_FOLDER,
            env={**environment, "DAGSTER_HOME": str(folder), UI_URL_VARIABLE: url},
            start_new_session=True,
            stdout=output,
            stderr=subprocess.STDOUT if output else None,
        )
        try:
            _wait_until_ready(url, process, log_path)
            remember(folder, Webserver(url=url, pid=process.pid))
            yield DagsterDev(url, process)
        finally:
            forget(folder)
            _end(process)


def _command(url: str) -> list[str]:
    port = url.rpartition(":")[2]
    workspace = str(PROJECT_FOLDER / "workspace.yaml")
    quietly = ("-W", "ignore:Function `dev_command` is superseded")  # `dg dev`, which does not read workspace.yaml
    where = ("-w", workspace, "-h", _HOST, "-p", port)
    return [sys.executable, *quietly, "-m", "dagster", "dev", *where, "--log-level", "warning"]


@contextmanager
def _opened(log_path: Path | None) -> Iterator[int | None]:
    if log_path is None:
        yield None
        return
    log_path.parent.mkdir(parents=True, exist_ok=True)
    with log_path.open("ab") as log:
        yield log.fileno()


@contextmanager
def _interruptible() -> Iterator[None]:
    """Lets SIGINT and SIGTERM end the block even if a shell made this process ignore them; children get the default handler."""
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    for each in before:
        signal.signal(each, signal.default_int_handler)
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _free_port() -> int:
    for wanted in (USUAL_PORT, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((_HOST, wanted))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise StackError("there is no free port", where=_HOST, remedy="Name one with --port")


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], log_path: Path | None) -> None:
    deadline_seconds = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline_seconds and process.poll() is None:
        try:
            if requests.get(f"{url}/server_info", timeout=5).ok:
                return
        except requests.RequestException:
            pass
        time.sleep(_POLL_SECONDS)
    what = "does not answer" if process.poll() is None else f"ended with exit code {process.poll()}"
    tail = "\n".join(log_path.read_text(errors="replace").splitlines()[-_LOG_LINES:]) if log_path else ""
    raise StackError(f"`dagster dev` {what}\n{tail}".rstrip(), where=str(log_path or url), remedy="Look into its log")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends it as an interrupt would, and makes sure that no process of its session remains."""
    members = _session(process.pid)
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
    for end in (psutil.Process.terminate, psutil.Process.kill):
        left = [each for each in members if each.is_running()]
        for each in left:
            with suppress(psutil.NoSuchProcess):
                end(each)
        psutil.wait_procs(left, timeout=_LEFTOVER_SECONDS)


def _session(session_id: int) -> list[psutil.Process]:
    """Returns the processes of a session, its leader left out."""
    found: list[psutil.Process] = []
    for each in psutil.process_iter():
        try:
            if each.pid != session_id and os.getsid(each.pid) == session_id:
                found.append(each)
        except (ProcessLookupError, PermissionError):
            continue
    return found
