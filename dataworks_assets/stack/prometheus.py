"""Prometheus and its Pushgateway: the real programs from Debian's packages, if they are installed.

`apt-get install prometheus prometheus-pushgateway` installs them.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import requests
import yaml

from dataworks_assets.stack.service import HOST, Service, Surroundings, write_private

RULES = Path(__file__).resolve().parents[2] / "monitoring" / "alerts.yml"
"""The project's alert rules."""
_GATEWAY, _SERVER = "pushgateway", "prometheus"
PACKAGES = {
    _GATEWAY: ("prometheus-pushgateway", "metrics of runs"),
    _SERVER: ("prometheus", "scraping the metrics, and alerts"),
}
"""By a service's name: Debian's package, which is also its program's name, and what there is not without it."""
_SCRAPE_SECONDS = 5


def installed() -> tuple[str, ...]:
    """Returns which of these services this machine has, by name."""
    return tuple(name for name, (program, _) in PACKAGES.items() if shutil.which(program, path=_search_path()))


def _search_path() -> str:
    """The search path, plus the folders of Debian's programs that a user's path may lack."""
    return os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/bin", "/usr/sbin"])


def _program(name: str) -> str:
    """Its one path, by whichever folder of the search path it is found: another command would start it again."""
    program, _ = PACKAGES[name]
    found = shutil.which(program, path=_search_path())
    return str(Path(found).resolve()) if found else program


def _url_of(name: str, around: Surroundings) -> str:
    return f"http://{HOST}:{around.port(name)}"


def _gateway_command(around: Surroundings) -> list[str]:
    kept = around.directory(_GATEWAY) / "metrics"
    return [
        _program(_GATEWAY),
        f"--web.listen-address={HOST}:{around.port(_GATEWAY)}",
        f"--persistence.file={kept}",
        "--persistence.interval=1s",
    ]


def _server_command(around: Surroundings) -> list[str]:
    folder = around.directory(_SERVER)
    return [
        _program(_SERVER),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--storage.tsdb.retention.time=7d",
        f"--web.listen-address={HOST}:{around.port(_SERVER)}",
    ]


def _write_server_configuration(around: Surroundings) -> None:
    gateway = f"{HOST}:{around.port(_GATEWAY)}" if _GATEWAY in around.ports else ""
    configuration = {
        "global": {"scrape_interval": f"{_SCRAPE_SECONDS}s", "evaluation_interval": f"{_SCRAPE_SECONDS}s"},
        "rule_files": [str(RULES)],
        "scrape_configs": [
            {"job_name": _GATEWAY, "honor_labels": True, "static_configs": [{"targets": [gateway] if gateway else []}]}
        ],
    }
    write_private(around.directory(_SERVER) / "prometheus.yml", yaml.safe_dump(configuration, sort_keys=False).encode())


def _check(name: str, around: Surroundings) -> None:
    requests.get(f"{_url_of(name, around)}/-/ready", timeout=5).raise_for_status()


PUSHGATEWAY = Service(
    name=_GATEWAY,
    title="Pushgateway",
    port_names=("main",),
    prepare=lambda _: None,
    command=_gateway_command,
    check_ready=lambda around: _check(_GATEWAY, around),
    not_ready=(requests.RequestException,),
    url=lambda around: _url_of(_GATEWAY, around),
    on_demand=True,
)

PROMETHEUS = Service(
    name=_SERVER,
    title="Prometheus",
    port_names=("main",),
    prepare=_write_server_configuration,
    command=_server_command,
    check_ready=lambda around: _check(_SERVER, around),
    not_ready=(requests.RequestException,),
    url=lambda around: _url_of(_SERVER, around),
    on_demand=True,
)
