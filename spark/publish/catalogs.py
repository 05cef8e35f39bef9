"""Opens a catalog by the name of its kind."""

from __future__ import annotations

from spark.contract import CatalogSettings
from spark.errors import ConfigurationError
from spark.publish.catalog import Catalog
from spark.publish.glue import GlueCatalog
from spark.publish.hive import HiveCatalog


def open_catalog(settings: CatalogSettings) -> Catalog:
    """Returns the catalog that the settings name; it connects on first use.

    Raises:
        ConfigurationError: there is no such kind of catalog.
    """
    if settings.kind == "glue":
        return GlueCatalog(settings)
    if settings.kind != "hive":
        raise ConfigurationError(f"no catalog of kind {settings.kind!r}", remedy="Use hive or glue")
    return HiveCatalog(settings.uri, timeout_seconds=settings.timeout_seconds)
