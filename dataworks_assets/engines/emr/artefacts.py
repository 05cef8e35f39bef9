"""What clusters are made with: the Python environment, the job and the bootstrap scripts, as objects named by their content.

An object is never changed, so a running cluster never changes under its feet. One small document says which are current.
Building them belongs to `engines.emr.build`.
"""

from __future__ import annotations

import msgspec

from spark.contract import Document, decode, encode
from spark.errors import EngineError, NotFoundError
from spark.store import ObjectStore

_CURRENT = "current.json"


class Artefacts(Document, frozen=True, kw_only=True):
    """One version of everything that a cluster needs of this project."""

    version: str
    """Of their content; also the name of the environment's folder on a node."""
    environment_uri: str
    job_uri: str
    scripts: dict[str, str]
    """The bootstrap scripts' addresses, by name."""
    python: str
    """What the environment was built for: `x86_64`, `aarch64`, `this machine`."""
    files: dict[str, str] = msgspec.field(default_factory=dict)
    """Addresses of what else nodes are given, by name."""

    def file(self, name: str) -> str:
        """Returns the address of what else nodes are given.

        Raises:
            EngineError: it was not deployed.
        """
        if name not in self.files:
            raise EngineError(
                f"{name} was not deployed, and the configuration asks for it",
                where=f"version {self.version}",
                remedy="Run `dataworks deploy artefacts`",
                transient=False,
            )
        return self.files[name]


def read_current(store: ObjectStore, folder_uri: str) -> Artefacts:
    """Returns the artefacts that new clusters are made with.

    Raises:
        EngineError: none were deployed.
    """
    uri = f"{folder_uri}/{_CURRENT}"
    try:
        return decode(store.read(uri), Artefacts, where=uri)
    except NotFoundError as error:
        raise EngineError(
            "nothing was deployed for clusters to run",
            where=uri,
            remedy="Run `dataworks deploy artefacts`",
            transient=False,
        ) from error


def current_artefacts(store: ObjectStore, folder_uri: str, *, python: str) -> Artefacts:
    """Returns the artefacts that new clusters are made with, if they fit their nodes.

    Raises:
        EngineError: none were deployed, or for other nodes.
    """
    found = read_current(store, folder_uri)
    if found.python != python:
        raise EngineError(
            f"what was deployed is for nodes of {found.python}, and the clusters' are of {python}",
            where=f"{folder_uri}/{_CURRENT}",
            remedy="Run `dataworks deploy artefacts` for this configuration (engine.emr.python)",
            transient=False,
        )
    return found


def write_current(store: ObjectStore, folder_uri: str, artefacts: Artefacts) -> None:
    """Makes artefacts those that new clusters are made with."""
    store.put(f"{folder_uri}/{_CURRENT}", encode(artefacts))
