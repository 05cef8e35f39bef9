"""The names of resources, the same in an AWS account and in the embedded stack. Nothing is created here.

The templates give these names, the embedded stack provisions them, and `given` turns the stacks' outputs into the part of a
deployment's configuration that they decide.
"""

from __future__ import annotations

from dataclasses import dataclass

from dataworks_assets.config.kickstart import PartnerModule
from dataworks_assets.config.ledger import LedgerConfig
from dataworks_assets.config.naming import SnapshotType

STATUS_TABLE = "data_pipeline_metadata"
COLLECTION_TABLE = "UCExportToCrownStatus"
TABLE_KEYS = {STATUS_TABLE: ("Correlation_Id", "DataProduct"), COLLECTION_TABLE: ("CorrelationId", "CollectionName")}
"""The hash and range key of each status table. Systems downstream read them by these names."""
EXPIRY_ATTRIBUTE = "TimeToExist"
"""Attribute of the status table that says when a row expires, in seconds since 1970."""
MOST_RECEIVES = 5
"""How often a message is delivered before it goes to the dead-letter queue."""

CLUSTER_LOG_GROUP = "/app/emr/"
"""The log group for the output of steps, drivers and executors on clusters."""


def product_log_groups() -> tuple[str, ...]:
    """Returns the log group of each product, `/app/<product>/`, by the names that the ledger has unless it is told others."""
    ledger = LedgerConfig()
    products = [ledger.adg.product(str(each)) for each in SnapshotType]
    products += [ledger.kickstart.product(module.value) for module in PartnerModule]
    return tuple(f"/app/{product}/" for product in products)


@dataclass(frozen=True)
class Names:
    """The names of one installation.

    Args:
        prefix: distinguishes it from other installations; bucket names are global in AWS.
    """

    prefix: str = "dataworks"

    @property
    def input_bucket(self) -> str:
        """The producer's data files."""
        return f"{self.prefix}-input"

    @property
    def manifest_bucket(self) -> str:
        """The producer's manifests."""
        return f"{self.prefix}-manifests"

    @property
    def output_bucket(self) -> str:
        """Tables, and the platform's own records."""
        return f"{self.prefix}-output"

    @property
    def log_bucket(self) -> str:
        """Logs of applications and clusters."""
        return f"{self.prefix}-logs"

    @property
    def buckets(self) -> tuple[str, ...]:
        """All buckets."""
        return (self.input_bucket, self.manifest_bucket, self.output_bucket, self.log_bucket)

    @property
    def message_queue(self) -> str:
        """The export's completion messages."""
        return "adg-export-messages"

    @property
    def dead_letter_queue(self) -> str:
        """Messages that could not be processed."""
        return f"{self.message_queue}-dead"

    @property
    def notice_topic(self) -> str:
        """Notices to operators."""
        return "dataworks-notices"

    @property
    def completion_topic(self) -> str:
        """Completion messages to downstream about a complete full."""
        return "adg-completion-status"

    @property
    def pdm_topic(self) -> str:
        """The trigger of the product that runs next."""
        return "adg-pdm-trigger"
