"""The one place where the environment is read.

`DATAWORKS_DEPLOYMENT` names the deployment (default `local`), `DATAWORKS_HOME` the folder of this machine's state (default
`.dataworks` beside the code), `DATAWORKS_CONFIG` a folder with further deployments and collections, `DATAWORKS_OPTIONS` the
options that are on, between commas. `DATAWORKS_UI_URL` is set by whatever starts Dagster's UI, for links to its runs.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

UI_URL_VARIABLE = "DATAWORKS_UI_URL"
_HOME = Path(__file__).resolve().parents[2] / ".dataworks"


@dataclass(frozen=True)
class Environment:
    """What the environment says, defaults filled in."""

    deployment: str = "local"
    home: Path = _HOME
    config_folder: Path | None = None
    options: tuple[str, ...] = ()
    ui_url: str = ""


def read_environment(variables: Mapping[str, str] | None = None) -> Environment:
    """Returns what the environment says; an empty variable counts as one that is not set.

    Args:
        variables: in the place of the process' own, for tests.
    """
    said = os.environ if variables is None else variables
    folder = said.get("DATAWORKS_CONFIG")
    return Environment(
        deployment=said.get("DATAWORKS_DEPLOYMENT") or "local",
        home=Path(said.get("DATAWORKS_HOME") or _HOME).resolve(),
        config_folder=Path(folder).resolve() if folder else None,
        options=tuple(option.strip() for option in said.get("DATAWORKS_OPTIONS", "").split(",") if option.strip()),
        ui_url=said.get(UI_URL_VARIABLE, ""),
    )
