"""Re-tags published objects, without reading them, when the configured tags have changed.

The catalog records which tags the files have (`tags_hash`), and is updated only once every object has the new ones.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from spark.contract import Collection, StoreSettings
from spark.errors import AccessError, DataworksError, StoreError
from spark.publish.catalog import Catalog, Pointer
from spark.publish.lease import Lease, LeaseKeeper, TablePointer
from spark.publish.manifest import tags_hash
from spark.publish.newest import NewestFollower
from spark.publish.parallel import in_parallel
from spark.publish.repetition import repeated
from spark.publish.settle import Marked, Switcher
from spark.publish.tables import Tables, quarantine_name
from spark.store import ObjectStore, split_uri

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import TagTypeDef

PutTags = Callable[[str, dict[str, str]], None]
"""Replaces the tags of the object at a URI."""


@dataclass(frozen=True)
class Retagged:
    """The outcome for one day: the objects that have the new tags, or the error."""

    collection: str
    export_date: str
    objects: int = 0
    error: DataworksError | None = None


def collection_tags_hash(collection: Collection) -> str:
    """Returns the `tags_hash` of files with the currently configured tags."""
    return tags_hash(*(table.tags for table in collection.tables))


def has_other_tags(collection: Collection, pointer: Pointer) -> bool:
    """Whether the tags of a published day's files differ from the configured ones."""
    return pointer.tags_hash != collection_tags_hash(collection)


class Tagger:
    """Puts new tags on published objects.

    Args:
        catalog: says what is published, and records the new tags.
        store: lists the objects.
        leases: of this run; each day is held by one of them.
        tables: of the same run.
        put_tags: as `s3_put_tags` makes it.
    """

    def __init__(self, catalog: Catalog, store: ObjectStore, *, leases: LeaseKeeper, tables: Tables, put_tags: PutTags) -> None:
        self._catalog = catalog
        self._store = store
        self._leases = leases
        self._put_tags = put_tags
        self._switcher = Switcher(catalog, leases)
        self._newest = NewestFollower(catalog, tables)

    def retag_many(self, days: Sequence[tuple[Collection, str, Lease]]) -> list[Retagged]:
        """Gives each published day the configured tags; one that fails leaves the others alone."""
        return [self._retag(*day) for day in days]

    def _retag(self, collection: Collection, export_date: str, lease: Lease) -> Retagged:
        try:
            objects = self._retag_day(collection, export_date, lease)
        except DataworksError as error:
            return Retagged(collection.name, export_date, error=error)
        return Retagged(collection.name, export_date, objects)

    def _retag_day(self, collection: Collection, export_date: str, lease: Lease) -> int:
        objects = 0
        pointers: list[TablePointer] = []
        for table in collection.tables:
            shown = self._catalog.pointers(table.database, table.name, [export_date]).get(export_date)
            if shown is None:
                return 0
            objects += self._put_on_all(shown.location, table.tags)
            changed = replace(shown, tags_hash=collection_tags_hash(collection), epoch=lease.epoch)
            pointers.append(TablePointer(database=table.database, name=table.name, pointer=changed))
        main = collection.tables[0]
        for refused in self._catalog.pointers(main.database, quarantine_name(main), [export_date]).values():
            objects += self._put_on_all(refused.location, main.tags)
        self._leases.mark_switch(lease, pointers)
        failure = self._switcher.settle([Marked(lease, export_date, tuple(pointers))])[lease.uri]
        if failure is not None:
            raise failure
        behind = self._newest.follow_many([collection], {collection.name: pointers})
        if behind:
            raise behind[collection.name]
        return objects

    def _put_on_all(self, location: str, tags: dict[str, str]) -> int:
        def put(uri: str) -> None:
            repeated(lambda: self._put_tags(uri, tags), pause=time.sleep)

        uris = [item.uri for item in self._store.list(location)]
        in_parallel(put, uris)
        return len(uris)


def s3_put_tags(settings: StoreSettings) -> PutTags:
    """Returns a function that replaces an object's tags on S3, with credentials from the AWS default chain."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    client = boto3.client("s3", endpoint_url=settings.endpoint_url, region_name=settings.region)

    def put_tags(uri: str, tags: dict[str, str]) -> None:
        bucket, key = split_uri(uri)
        tag_set: list[TagTypeDef] = [{"Key": name, "Value": value} for name, value in sorted(tags.items())]
        try:
            client.put_object_tagging(Bucket=bucket, Key=key, Tagging={"TagSet": tag_set})
        except ClientError as error:
            if error.response["Error"]["Code"] in {"AccessDenied", "403"}:
                raise AccessError(
                    "the tags may not be changed", where=uri, remedy="Grant this role s3:PutObjectTagging"
                ) from error
            raise StoreError(str(error), where=uri, remedy="Run again: the catalog keeps the old tags' hash") from error
        except BotoCoreError as error:
            raise StoreError(str(error), where=uri, remedy="Run again: the catalog keeps the old tags' hash") from error

    return put_tags
