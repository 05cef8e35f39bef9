"""Kickstart's configuration: where the partner's files lie and how they are reached, and what is made of each collection."""

from __future__ import annotations

import string
from datetime import date
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from dataworks_assets.config.collections import Owner, RetentionConfig
from dataworks_assets.config.model import Model, refused
from dataworks_assets.config.naming import hive_fold
from dataworks_assets.config.prefixes import Prefix
from dataworks_assets.config.services import Address, known
from dataworks_assets.config.tables import Columns, HiveName, Tags
from spark.contract import PartnerFormat, Role, RoleChain, StoreSettings
from spark.decode.partner.names import ADDED

EXPIRY_DAYS = 7
"""The partner's lifecycle rule deletes an object so many days after it was put there."""
_PREFIX_FIELDS = ("module", "export_date")


class PartnerModule(StrEnum):
    """The partner's modules; each is delivered, run and caught up by itself."""

    VACANCY = "vacancy"
    APPLICATION = "application"
    PAYMENT = "payment"


def _day_prefix(text: str) -> str:
    fields = [field for _, field, _, _ in string.Formatter().parse(text) if field is not None]
    unknown = [field for field in fields if field not in _PREFIX_FIELDS]
    if unknown or "export_date" not in fields:
        raise ValueError(f"{text!r} must hold {{export_date}}, may hold {{module}}, and no other field")
    if text.startswith("/") or text.endswith("/") or "//" in text:
        raise ValueError(f"the prefix {text!r} begins or ends with a slash, or has two in a row")
    return text


DayPrefix = Annotated[str, AfterValidator(_day_prefix)]
"""A prefix with `{export_date}` and perhaps `{module}` in it."""


class RoleConfig(Model):
    """A role of the chain to the partner's bucket."""

    arn: Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+$")]
    """Its ARN."""
    external_id: str = ""
    """What the role's owner asks callers to know."""


class ModuleConfig(Model):
    """How one module's files come."""

    format: PartnerFormat
    """`csv` (with header, not encrypted) or `json` (`fields` and `data`, encrypted)."""
    name_prefix: str = ""
    """What stands between the date and the collection in an object's name."""
    row_hash: bool = False
    """Whether rows have `row_hash_id`."""


_MODULES = {
    PartnerModule.VACANCY: ModuleConfig(format=PartnerFormat.CSV),
    PartnerModule.APPLICATION: ModuleConfig(format=PartnerFormat.JSON, name_prefix="application-", row_hash=True),
    PartnerModule.PAYMENT: ModuleConfig(format=PartnerFormat.JSON, name_prefix="payment-", row_hash=True),
}


class KickstartConfig(Model):
    """The partner's source, and where its tables go."""

    bucket: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
    """The partner's bucket."""
    scheme: Literal["s3", "memory"] = "s3"
    """`s3`; `memory` for tests."""
    endpoint: Address = None
    """Address of the S3 and STS server; `embedded`, or null for AWS."""
    region: str = "eu-west-2"
    """Region of the bucket."""
    roles: tuple[RoleConfig, ...] = ()
    """Roles that are assumed one after another to reach the bucket: ours first, then the partner's."""
    session_seconds: int = Field(default=3600, ge=900, le=3600)
    """Life of a session; a role that is assumed by a role gives an hour at most."""
    prefix: DayPrefix = "{module}/{export_date}"
    """One day's files of one module."""
    test_prefix: DayPrefix = "e2e-test/{module}/{export_date}"
    """The same for end-to-end tests (E2E_TEST_FLG)."""
    output: Prefix = "data/uc_kickstart"
    """Everything that is published, in the output bucket; below it `pii` and `non-pii`."""
    database: HiveName = "uc_kickstart"
    """Hive database of the tables."""
    first_day: date | None = None
    """First day there is; null: history begins with what is published first."""
    expiry_days: int = Field(default=EXPIRY_DAYS, ge=1)
    """Days after which the source deletes an object, where its bucket's own rules cannot be read."""
    warn_days: int = Field(default=2, ge=0)
    """A day that is not published is told of so many days before its files expire."""
    schedule: str | None = Field(default=None, pattern=r"^\S+( \S+){4}$")
    """When to catch up (UTC); null: by hand."""
    modules: dict[PartnerModule, ModuleConfig] = Field(default=_MODULES)
    """How each module's files come."""
    files: tuple[str, ...] = ()
    """Files with the collections, named from the configuration's folder."""

    def store_settings(self, *, run_id: str) -> StoreSettings:
        """Returns how the partner's bucket is reached; the sessions' name and tags say which run it is.

        Raises:
            StackError: the address is the embedded stack's, which is not running.
        """
        endpoint = known(self.endpoint, "partner's account")
        chain = RoleChain(
            roles=tuple(Role(arn=role.arn, external_id=role.external_id) for role in self.roles),
            session_name=f"kickstart-{run_id}"[:64],
            tags=(("dataworks-run", run_id[:256]), ("dataworks-system", "kickstart")),
            session_seconds=self.session_seconds,
            endpoint_url=endpoint,
        )
        return StoreSettings(endpoint_url=endpoint, region=self.region, scheme=self.scheme, chain=chain if self.roles else None)


class PartnerCollectionConfig(Model):
    """A collection of partner files. In YAML `<module>/<collection>` is the key of the entry."""

    module: PartnerModule
    """Its module."""
    collection: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$")]
    """Its name, as the objects' names have it."""
    pii: bool
    """Whether it holds personal data: decides folder and tag. A source that marks a field PII where this says no is refused.
    One that marks none where this says yes is published as PII: an owner may keep a collection closer than its source does."""
    description: str = ""
    """Shown in Dagster and as the table's comment."""
    owners: tuple[Owner, ...] = ()
    """E-mail addresses or `team:<name>`."""
    tags: Tags = Field(default_factory=dict)
    """Further tags of every object, beside `pii`, `db` and `table`."""
    table: HiveName | None = None
    """Table name; by default the collection's, lower case, hyphens as underscores."""
    columns: Columns = ()
    """The initial schema: columns by their names in the table. Others that the source has are added."""
    evolves: bool = True
    """Whether the table follows a source that adds, omits or retypes columns; false: such a day is refused."""
    quarantine_share: float = Field(default=0.0, ge=0, le=1)
    """Largest share of rows that may be quarantined without refusing the day."""
    first_day: date | None = None
    """First day; null: the deployment's."""
    last_day: date | None = None
    """Last day; null: none."""
    retention: RetentionConfig = RetentionConfig()
    """How long days and attempts are kept."""

    @model_validator(mode="after")
    def _checked(self) -> Self:
        if self.first_day and self.last_day and self.last_day < self.first_day:
            raise refused("last_day is before first_day", "last_day")
        for index, column in enumerate(self.columns):
            if column.name in ADDED:
                raise refused(f"the column {column.name!r} is one that the platform adds", "columns", index)
        return self

    @property
    def name(self) -> str:
        """`vacancy/adverts`."""
        return f"{self.module}/{self.collection}"

    @property
    def table_name(self) -> str:
        """The table's name."""
        return self.table or hive_fold(self.collection)


def build_partner_tags(config: PartnerCollectionConfig, database: str) -> dict[str, str]:
    """Returns the tags of a collection's objects."""
    return {**config.tags, "pii": str(config.pii).lower(), "db": database, "table": config.table_name}
