"""Partner files of any size, and Kickstart's production job over them, in a session that is there already."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from bench.place import Place
from bench.production import all_published, prepare_job
from dataworks_assets.stack.sample.wire import encrypt, encryption_metadata
from dataworks_assets.stack.state import INPUT_BUCKET
from spark.contract import (
    Column,
    DataFile,
    JobParameters,
    JobResult,
    Layout,
    Misfit,
    OutputTable,
    PartnerCollection,
    PartnerFormat,
    SourceObject,
)
from spark.jobs import kickstart
from spark.jobs.cluster import SparkCluster
from spark.jobs.progress import Reporter
from spark.sources.keys import IV_BYTES

if TYPE_CHECKING:
    from pyspark import SparkContext

SYSTEM = "kickstart"
_DATABASE = "bench_kickstart"
_LAST_DAY = date(2026, 11, 20)
_VARIANTS = 2_000
_HEADER = "Vacancy Id,Job Title,Description,Employer,Salary From,Posted At,Remote,Latitude\n"
_CSV_COLUMNS = (
    Column(name="vacancy_id"),
    Column(name="job_title"),
    Column(name="description"),
    Column(name="employer"),
    Column(name="salary_from", type="bigint"),
    Column(name="posted_at", type="timestamp"),
    Column(name="remote", type="boolean"),
    Column(name="latitude", type="double"),
)
_FIELDS = ("applicationId", "personId", "submittedAt", "status", "monthlyAmount", "score", "isUrgent", "notes")
_JSON_COLUMNS = (
    Column(name="application_id"),
    Column(name="person_id"),
    Column(name="submitted_at", type="timestamp"),
    Column(name="status"),
    Column(name="monthly_amount", type="decimal(18,2)"),
    Column(name="score", type="double"),
    Column(name="is_urgent", type="boolean"),
    Column(name="notes"),
)
_WORDS = ("carer", "award", "housing", "evidence", "journal", "declined", "provider", "earnings", "review", "partner")


@dataclass(frozen=True)
class PartnerFiles:
    """A collection's files by day, which lie in a folder a day below `source_uri`."""

    collection: PartnerCollection
    days: dict[str, tuple[DataFile, ...]]
    rows: int
    decoded_bytes: int
    prefix_uri: str
    source_uri: str


def write_csv(place: Place, name: str, *, days: int, files: int, file_bytes: int) -> PartnerFiles:
    """Writes a CSV collection: so many days of so many files of about so many bytes each."""
    return _write(place, _collection(name, PartnerFormat.CSV), days, files, file_bytes)


def write_json(place: Place, name: str, *, days: int, files: int, file_bytes: int) -> PartnerFiles:
    """Writes an encrypted JSON collection."""
    return _write(place, _collection(name, PartnerFormat.JSON), days, files, file_bytes)


def _write(place: Place, collection: PartnerCollection, days: int, files: int, file_bytes: int) -> PartnerFiles:
    prefix = f"s3://{INPUT_BUCKET}/{collection.name}"
    is_json = collection.format is PartnerFormat.JSON
    key = place.key_service().new_key() if is_json else None
    rows = decoded = 0
    by_day: dict[str, tuple[DataFile, ...]] = {}
    for back in reversed(range(days)):
        day = (_LAST_DAY - timedelta(days=back)).isoformat()
        written = []
        for number in range(files):
            body, count = _json_body(file_bytes) if is_json else _csv_body(file_bytes)
            uri = f"{prefix}/source/{day}/{day}_{number:04d}"
            metadata = None
            if key is not None:
                iv = os.urandom(IV_BYTES)
                body, metadata = encrypt(body, key.plaintext, iv), encryption_metadata(key, iv)
            etag = place.store.put(uri, body, metadata=metadata)
            written.append(DataFile(source=SourceObject(uri, etag, len(body))))
            rows, decoded = rows + count, decoded + len(body)
        by_day[day] = tuple(written)
    return PartnerFiles(collection, by_day, rows, decoded, prefix, f"{prefix}/source")


def _collection(name: str, style: PartnerFormat) -> PartnerCollection:
    is_json = style is PartnerFormat.JSON
    table = OutputTable(
        database=_DATABASE,
        name=name,
        partition_column="date_uploaded",
        layout=Layout.COLUMNS,
        columns=_JSON_COLUMNS if is_json else _CSV_COLUMNS,
        misfit=Misfit.REFUSE,
        tags={"pii": "true", "db": _DATABASE, "table": name},
    )
    return PartnerCollection(
        name=f"bench/{name}",
        snapshot_type="partner",
        tables=(table,),
        module="application" if is_json else "vacancy",
        format=style,
        pii=True,
        row_hash=is_json,
    )


def _csv_body(file_bytes: int) -> tuple[bytes, int]:
    rows = _repeated(list(_csv_rows()), file_bytes)
    return _HEADER.encode() + b"".join(rows), len(rows)


def _json_body(file_bytes: int) -> tuple[bytes, int]:
    fields = json.dumps([{"fieldName": name, "pii": "true"} for name in _FIELDS]).encode()
    documents = _repeated(list(_json_rows()), file_bytes)
    return b'{"fields": ' + fields + b', "data": [' + b",".join(documents) + b"]}", len(documents)


def _repeated(variants: Sequence[bytes], file_bytes: int) -> list[bytes]:
    """Rows until a file is full, each with a number of its own."""
    size = sum(map(len, variants)) // len(variants) + 8
    return [
        variants[number % len(variants)].replace(b"#", b"%016x" % number, 1) for number in range(max(1, file_bytes // size))
    ]


def _csv_rows() -> Iterator[bytes]:
    for number in range(_VARIANTS):
        words = _some_words(number, 24)
        description = f'"{words}, ""{words[:12]}""\nmore: {words}"' if number % 5 == 0 else f'"{words}, {words}"'
        remote = "true" if number % 3 else "false"
        posted = f"2026-11-{number % 28 + 1:02d} 08:{number % 60:02d}:00"
        employer = f"Employer {number % 97}"
        yield f"#,Job {number % 31},{description},{employer},{20_000 + number},{posted},{remote},{50 + number / 1e4}\n".encode()


def _json_rows() -> Iterator[bytes]:
    for number in range(_VARIANTS):
        document = {
            "applicationId": "#",
            "personId": f"{number:024x}",
            "submittedAt": f"2026-11-{number % 28 + 1:02d} 08:{number % 60:02d}:00",
            "status": ("open", "closed", "referred")[number % 3],
            "monthlyAmount": number + 0.25,
            "score": number / 7,
            "isUrgent": number % 2 == 0,
            "notes": _some_words(number, 30),
        }
        yield json.dumps(document).encode()


def _some_words(number: int, count: int) -> str:
    return " ".join(_WORDS[(number * 7 + place * place) % len(_WORDS)] for place in range(count))


def prepare_days(place: Place, files: PartnerFiles) -> JobParameters:
    """Takes the days' leases and returns what planning gives the job, under an output of its own; planning is left out."""
    output = f"kickstart-{secrets.token_hex(4)}"
    return prepare_job(place, SYSTEM, files.collection, files.days, output=output)


def run_days(context: SparkContext, parameters: JobParameters) -> JobResult:
    """Carries the job out in a session.

    Raises:
        EngineError: a day was not published.
    """
    return all_published(kickstart.run(parameters, SparkCluster(context), Reporter(lambda _message: None)))
