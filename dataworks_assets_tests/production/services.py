"""Dagster's services as production starts them: `production/start` with its environment, each in a session of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import requests

START = Path(__file__).resolve().parents[2] / "production" / "start"
_BACKFILL = """
mutation Launch($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message stack }
  }
}
"""


def start_once(service: str, environment: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs one that ends by itself."""
    return subprocess.run(
        [START, service, *arguments], env=_whole(environment), capture_output=True, text=True, timeout=120, check=False
    )


def wait_for(what: str, happened: Callable[[], bool], *, seconds: float = 240) -> None:
    """Waits until something is so."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.2)


@dataclass
class Services:
    """The three services; what they print goes to files of their names."""

    environment: Mapping[str, str]
    logs: Path
    webserver_port: int
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, service: str) -> None:
        with (self.logs / service).open("ab") as log:
            self._running[service] = subprocess.Popen(
                [START, service], env=_whole(self.environment), stdout=log, stderr=log, start_new_session=True
            )

    def kill(self, service: str) -> None:
        """Ends a service and all its processes at once, as the death of its machine would."""
        process = self._running.pop(service)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def end(self) -> None:
        for service in list(self._running):
            self.kill(service)

    def webserver_answers(self) -> bool:
        assert self._running["webserver"].poll() is None, (self.logs / "webserver").read_text()
        try:
            return requests.get(f"http://127.0.0.1:{self.webserver_port}/server_info", timeout=5).ok
        except requests.RequestException:
            return False

    def code_is_loaded(self) -> bool:
        query = "{ workspaceOrError { ... on Workspace { locationEntries { locationOrLoadError { __typename } } } } }"
        entries = self.ask(query)["workspaceOrError"]["locationEntries"]
        return [entry["locationOrLoadError"]["__typename"] for entry in entries] == ["RepositoryLocation"]

    def launch_backfill(self, asset: str, days: tuple[str, ...]) -> str:
        """Launches a backfill as the UI does, and returns its id."""
        params = {"assetSelection": [{"path": [asset]}], "partitionNames": list(days)}
        answer = self.ask(_BACKFILL, params=params)["launchPartitionBackfill"]
        assert answer["__typename"] == "LaunchBackfillSuccess", answer
        return answer["backfillId"]

    def ask(self, query: str, **variables: object) -> dict:
        body = {"query": query, "variables": variables}
        answer = requests.post(f"http://127.0.0.1:{self.webserver_port}/graphql", json=body, timeout=30)
        answer.raise_for_status()
        return answer.json()["data"]


def _whole(environment: Mapping[str, str]) -> dict[str, str]:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    left_out = ("DAGSTER_", "PG", "DATAWORKS_")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    return {**inherited, "PATH": path, **environment}
