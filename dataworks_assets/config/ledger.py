"""The ledger: what the rest of the organisation reads about runs, by the names under which it reads them.

Every system writes through the same parts; a system's names are a `ProductConfig`. Nothing here opens anything.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from pydantic import Field

from dataworks_assets.config.model import Model
from dataworks_assets.config.services import known


class StatusWords(Model):
    """What a row of the status table says of a run's day."""

    running: str = "IN_PROGRESS"
    """While it runs, and while something of the day is still to be published."""
    completed: str = "COMPLETED"
    """When everything that is configured for the day is published."""
    failed: str = "FAILED"
    """When something that was asked for failed, or the run was cancelled."""


class ProductConfig(Model):
    """The names of one system. `{kind}` is the snapshot type or module, `{date}` the export date."""

    data_product: str = "ADG-{kind}"
    """`DataProduct` of a row in the status table."""
    correlation_id: str = "{product}_{date}"
    """`Correlation_Id` of a day for which no message gave one; `{product}` is the data product."""
    statuses: StatusWords = StatusWords()
    """What its rows say."""
    collection_status: str = "ADGStatus"
    """Name of the status in a row of the table of collections."""
    metric: str = "adg"
    """First part of its metrics' names (`adg_status`), and their `job`."""
    component: str = "ADG"
    """Label `component` of its metrics."""

    def product(self, kind: str) -> str:
        """Returns the data product of a snapshot type or module."""
        return self.data_product.format(kind=kind)

    def default_correlation_id(self, kind: str, day: date) -> str:
        """Returns the correlation id of a day for which no message gave one."""
        return self.correlation_id.format(product=self.product(kind), kind=kind, date=day.isoformat())


class WindowConfig(Model):
    """Hours in which something may be sent, counted from an export date (UTC)."""

    opens_utc: time = time(14)
    """On the export date."""
    closes_utc: time = time(2)
    """On the export date, or on the next day where that is not later than it opens."""

    def of(self, day: date) -> tuple[datetime, datetime]:
        """Returns from when to when the window of an export date is open."""
        opens, closes = (datetime.combine(day, each, tzinfo=UTC) for each in (self.opens_utc, self.closes_utc))
        return opens, closes if closes > opens else closes + timedelta(days=1)


class PdmConfig(Model):
    """The trigger of the product that runs after a full."""

    topic: str | None = None
    """ARN of the topic it is sent to, or `embedded`; null: none is sent."""
    window: WindowConfig | None = None
    """When it may be sent; it waits for the window, and is dropped with a notice when that is over. Null: at any time."""

    def topic_arn(self) -> str | None:
        """The topic, None where there is none."""
        return known(self.topic, "topic of PDM triggers")


class MetricsConfig(Model):
    """Metrics, pushed to a Prometheus Pushgateway."""

    pushgateway: str | None = None
    """Its address, or `embedded`; null: none are pushed. Embedded, where none is installed on this machine: none either."""
    delete_after_seconds: float = Field(default=120.0, ge=0)
    """So long after a run's end its metrics are deleted: longer than Prometheus takes from one scrape to the next."""
    timeout_seconds: float = Field(default=5.0, gt=0)
    """Of one push."""

    def address(self) -> str | None:
        """Its address, None where there is none."""
        return known(self.pushgateway, "Pushgateway")


class LedgerConfig(Model):
    """What the rest of the organisation reads about runs. Nothing of it is read back to decide anything."""

    status_table: str | None = None
    """DynamoDB table with a row a day and product (`data_pipeline_metadata`); null: none is written."""
    collection_table: str | None = None
    """DynamoDB table with a row a collection and day (`UCExportToCrownStatus`); null: none is written."""
    keep_days: int = Field(default=7, ge=1)
    """When a row of the status table expires (`TimeToExist`), and how long the platform remembers that it told of a day."""
    log_group: str | None = None
    """Log group of CloudWatch that gets a run's lines as JSON: `/app/{product}/`; null: none does."""
    patience_seconds: float = Field(default=20.0, ge=0)
    """How long the end of a run waits for rows that are still to be written; the repair sensor writes what is left."""
    completion_topic: str | None = None
    """ARN of the topic on which downstream is told of a complete full, or `embedded`; null: none is."""
    pdm: PdmConfig = PdmConfig()
    """The trigger of the product that runs after a full."""
    metrics: MetricsConfig = MetricsConfig()
    """Metrics, pushed to a Prometheus Pushgateway."""
    adg: ProductConfig = ProductConfig()
    """The names of the analytical dataset generation."""
    kickstart: ProductConfig = ProductConfig(
        data_product="kickstart-{kind}",
        correlation_id="kickstart_{kind}_analytical_dataset_generation",
        statuses=StatusWords(running="In-Progress", completed="Completed", failed="Failed"),
        collection_status="KickstartStatus",
        metric="kickstart",
        component="Kickstart",
    )
    """The names of Kickstart; its rows are one a module, of the last day of the run that wrote it last."""

    def completion_topic_arn(self) -> str | None:
        """The topic on which downstream is told, None where there is none."""
        return known(self.completion_topic, "topic of completion messages")
