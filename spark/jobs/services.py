"""The services that every system's driver uses: store, catalog, keys, and leases while it publishes. No system's own work."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from spark.contract import JobParameters
from spark.jobs.publication import Publication
from spark.jobs.writers import StageSettings
from spark.publish.catalog import Catalog
from spark.publish.catalogs import open_catalog
from spark.publish.holds import reasons_of_holds
from spark.publish.intent import PublishContext
from spark.publish.lease import LeaseKeeper
from spark.publish.repetition import repeated
from spark.publish.switch import Publisher
from spark.sources.keys import KeyService
from spark.store import ObjectStore, shared_store


@dataclass(frozen=True)
class Services:
    """The services of a driver; tests substitute their own. `pause` sleeps for some seconds before a call is repeated.

    `source` is the store that holds the input; None: `store`.
    """

    store: ObjectStore
    catalog: Catalog
    key_service: KeyService
    pause: Callable[[float], None] = time.sleep
    source: ObjectStore | None = None

    @property
    def inputs(self) -> ObjectStore:
        """The store that holds the input."""
        return self.source or self.store


def open_services(parameters: JobParameters) -> Services:
    """Returns the services that the parameters name; each connects on first use."""
    correlation_id = next((work.correlation_id for work in parameters.partitions if work.correlation_id), parameters.run_id)
    return Services(
        store=shared_store(parameters.store),
        catalog=open_catalog(parameters.catalog),
        key_service=KeyService(parameters.key_service, correlation_id=correlation_id),
        source=shared_store(parameters.source_store) if parameters.source_store else None,
    )


def stage_settings(parameters: JobParameters, services: Services) -> StageSettings:
    """Returns how every task of the application writes."""
    return StageSettings(
        store=services.store,
        output_uri=parameters.output_uri,
        target_file_bytes=parameters.target_file_bytes,
        timestamps=parameters.timestamps,
    )


@contextmanager
def open_publication(parameters: JobParameters, services: Services, settings: StageSettings) -> Iterator[Publication]:
    """Holds the leases that planning took, by renewing the same owner's heartbeat, while the block runs."""
    leases = LeaseKeeper(
        services.store, parameters.control_uri, owner=parameters.lease_owner, ttl_seconds=parameters.lease_ttl_seconds
    )
    leases.start_heartbeat()
    try:
        context = PublishContext(parameters.system, parameters.run_id, parameters.output_uri)
        publisher = Publisher(services.catalog, services.store, leases=leases, context=context, pause=services.pause)
        held = leases.adopt_many([(work.lease_uri, work.epoch) for work in parameters.partitions])

        def holds(snapshot_type: str) -> dict[str, str]:
            return repeated(
                partial(reasons_of_holds, services.store, parameters.control_uri, snapshot_type), pause=services.pause
            )

        yield Publication(publisher, settings, held, holds)
    finally:
        leases.stop()
