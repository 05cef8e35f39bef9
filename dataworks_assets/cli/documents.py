"""Documents of a collection, for inspection: from a published day, from the export itself, or from a file."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

from dataworks_assets.cli.certificates import key_service_here
from dataworks_assets.cli.workplace import Workplace
from dataworks_assets.systems.adg.exported import newest_exported_days
from dataworks_assets.systems.adg.scope import AdgScope, ScopedCollection
from spark.contract import Layout, SourceObject
from spark.errors import ConfigurationError, InputError
from spark.publish.manifest import data_files
from spark.sources.encryption import read_encryption_metadata
from spark.sources.keys import KeyService
from spark.sources.listing import list_export

_BATCH_ROWS = 1_000


def published_documents(workplace: Workplace, collection: ScopedCollection, day: date | None) -> Iterator[str]:
    """Yields the documents' texts of a published day, by default the newest; nothing if none is published.

    Raises:
        ConfigurationError: the collection's main table does not keep the text.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    main = collection.job.tables[0]
    if main.layout is Layout.COLUMNS:
        raise ConfigurationError(
            "its table does not keep the documents' text",
            where=collection.name,
            remedy="Look at the export itself with --exported, or name a --file",
        )
    catalog, store = workplace.platform.catalog, workplace.platform.store
    wanted = day.isoformat() if day else catalog.newest_partition(main.database, main.name)
    pointer = catalog.pointers(main.database, main.name, [wanted]).get(wanted) if wanted else None
    if pointer is None:
        return
    for listed in data_files(store.list(pointer.location)):
        with pq.ParquetFile(pa.BufferReader(store.read(listed.uri))) as file:
            for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=[main.text_column]):
                yield from batch.column(0).to_pylist()


def exported_documents(
    workplace: Workplace, scope: AdgScope, collection: ScopedCollection, day: date | None
) -> Iterator[bytes]:
    """Yields the lines of a collection's exported files, decrypted, of the newest exported day where none is named.

    Raises:
        InputError: a file cannot be decrypted or inflated.
        KeyServiceError: a data key cannot be had.
    """
    store = workplace.platform.store
    today = datetime.now(UTC).date()
    days = (day,) if day else newest_exported_days(store, scope, 1, today=today)
    for each in days:
        place = scope.place_of(collection, each)
        listing = list_export(store, place.data_uri, place.manifest_uri, manifest_required=False)
        for file in listing.files.get(collection.job.topic, ()):
            yield from _decrypted(workplace, file.source)


def _decrypted(workplace: Workplace, source: SourceObject) -> Iterator[bytes]:
    from spark.decode.stream import json_chunks

    store = workplace.platform.store
    metadata = read_encryption_metadata(store, source)
    with key_service_here(workplace.platform) as settings:
        key = KeyService(settings, correlation_id="schema-inference").resolve([metadata.pair])[metadata.pair]
    if not isinstance(key, bytes):
        raise key
    body = store.get(source.uri, etag=source.etag)
    for chunk in json_chunks(body, key=key, iv=metadata.iv, uri=source.uri):
        yield from chunk.text.split(b"\n")


def file_lines(path: Path) -> Iterator[bytes]:
    """Yields the lines of a file, unzipped where its name ends in `.gz`.

    Raises:
        InputError: there is no such file.
    """
    if not path.is_file():
        raise InputError("there is no such file", where=str(path), remedy="Name a file of JSON documents, one a line")
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as lines:
        yield from lines
