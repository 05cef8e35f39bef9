"""Intents: written before EMR is asked to start an application, so that a later try finds one that outlived its process.

One document per application below the control prefix, from before its first call until nothing of it runs any more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from spark.contract import Document, decode, encode
from spark.errors import NotFoundError
from spark.store import ObjectStore

_FOLDER = "applications"


class Intent(Document, frozen=True, kw_only=True):
    """One application on EMR.

    `token` identifies the last start request; every call gets a new one. `cluster_id` and `step_id` are empty until known.
    """

    run_id: str
    family: str
    job: str
    parameters_uri: str
    timeout_seconds: float
    begun_utc: str
    name: str
    """Name of the cluster, or of the step on a running cluster."""
    owns_cluster: bool
    size: str = ""
    """Size of the cluster, or the size whose Spark settings the step uses."""
    kind: str = ""
    """What its cluster is for, as in its tag."""
    token: str = ""
    cluster_id: str = ""
    step_id: str = ""


@dataclass(frozen=True)
class Intents:
    """The intents of one deployment."""

    store: ObjectStore
    control_uri: str

    def write(self, intent: Intent) -> None:
        """Writes an intent, replacing its earlier version."""
        self.store.put(self._uri(intent.family, intent.run_id), encode(intent))

    def read(self, family: str, run_id: str) -> Intent | None:
        """Returns an intent, None where there is none."""
        uri = self._uri(family, run_id)
        try:
            return decode(self.store.read(uri), Intent, where=uri)
        except NotFoundError:
            return None

    def remove(self, intent: Intent) -> None:
        """Deletes the intent of an application of which nothing runs any more."""
        self.store.delete([self._uri(intent.family, intent.run_id)])

    def list(self, family: str | None = None) -> Iterator[Intent]:
        """Yields the intents of one family; all if it is None."""
        below = f"/{family}" if family else ""
        for listed in list(self.store.list(f"{self.control_uri}/{_FOLDER}{below}")):
            try:
                yield decode(self.store.read(listed.uri), Intent, where=listed.uri)
            except NotFoundError:
                continue

    def _uri(self, family: str, run_id: str) -> str:
        return f"{self.control_uri}/{_FOLDER}/{family}/{run_id}.json"
