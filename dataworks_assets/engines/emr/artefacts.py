"""What clusters are built from: Python environment, job and bootstrap scripts, as objects named by digests of their content.

Objects never change, so neither does what a running cluster uses. One small document says which are current.
Building them belongs to `engines.emr.build`.
"""

from __future__ import annotations

import msgspec

from spark.contract import Document, decode, encode
from spark.errors import EngineError, NotFoundError
from spark.store import ObjectStore

_CURRENT = "current.json"


class Artefacts(Document, frozen=True, kw_only=True):
    """One version of everything that a cluster needs from this project."""

    version: str
    """Digest of their content; also the name of the environment's folder on a node."""
    environment_uri: str
    job_uri: str
    scripts: dict[str, str]
    """Addresses of the bootstrap scripts, by name."""
    python: str
    """What the environment was built for: `x86_64`, `aarch64`, `this machine`."""
    files: dict[str, str] = msgspec.field(default_factory=dict)
    """Addresses of further files for the nodes, by name."""

    def file(self, name: str) -> str:
        """Returns the address of a further file for the nodes.

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
    """Returns the artefacts that new clusters use.

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
    """Returns the artefacts that new clusters use, if they fit the nodes.

    Raises:
        EngineError: none were deployed, or only for other nodes.
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
    """Makes these the artefacts that new clusters use."""
    store.put(f"{folder_uri}/{_CURRENT}", encode(artefacts))
