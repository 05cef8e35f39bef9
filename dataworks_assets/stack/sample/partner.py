"""The sample of the partner's files: ten days of a vacancy CSV and of application and payment JSON, with what partners do.

One day is missing, one has several files, three change the schema, one is close to expiry. The same day and seed give the
same rows; what a day is told apart by is its place before the last one.
"""

from __future__ import annotations

import csv
import hashlib
import io
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import msgspec

from dataworks_assets.stack.sample.wire import encrypt, encryption_metadata
from spark.sources.keys import IV_BYTES, DataKey
from spark.store import ObjectStore

Row = dict[str, object]
Rows = list[Row]
PrefixOf = Callable[[str, date], str]
"""Returns the address under which a module's files of a day lie."""

MISSING_DAY, SEVERAL_FILES_DAY = 1, 7
"""Days are counted back from the last one, which is 0."""
ADDED_DAY, DROPPED_DAY, RETYPED_DAY = 6, 4, 3
EXPIRING_DAYS = 1
_TITLES = ("Baker", "Carer, nights", 'Cook "sous"', "Gardener\n(part time)", "Driver", "Clerk")
_FILES = 3
_ROWS = 200
_PII = {"nationalInsuranceNumber", "bankAccount", "address"}


@dataclass(frozen=True)
class PartnerSample:
    """What is to be written.

    Args:
        days: in order; the last one is day 0.
        prefix_of: where files go.
        rows: a file and day.
        seed: of the values.
    """

    days: tuple[date, ...]
    prefix_of: PrefixOf
    rows: int = _ROWS
    seed: int = 1


@dataclass(frozen=True)
class PartnerFile:
    """A file as it was written; `rows` of them are in it."""

    uri: str
    module: str
    day: date
    rows: int
    size_bytes: int


def write_partner_sample(store: ObjectStore, sample: PartnerSample, new_key: Callable[[], DataKey]) -> list[PartnerFile]:
    """Writes the partner's files of some days and returns those that were not there yet.

    Args:
        store: the partner's, written as the partner.
        sample: what is to be written.
        new_key: gives the data key that the encrypted files of this call have in common; the same one gives the same files.

    Raises:
        StoreError, AccessError: the store refused or failed.
    """
    key: DataKey | None = None
    written: list[PartnerFile] = []
    for day in sample.days:
        back = (sample.days[-1] - day).days
        for module, name, body, rows in _files_of(sample, day, back):
            uri = f"{sample.prefix_of(module, day)}/{day}_{name}"
            if store.exists(uri):
                continue
            if module == "vacancy":
                store.put(uri, body)
            else:
                key = key or new_key()
                iv = _iv(sample, uri)
                store.put(uri, encrypt(body, key.plaintext, iv), metadata=encryption_metadata(key, iv))
            written.append(PartnerFile(uri, module, day, rows, len(body)))
    return written


def _iv(sample: PartnerSample, uri: str) -> bytes:
    """The same file written again is the same object, by its bytes and its etag: a day is not read again for it."""
    return hashlib.sha256(f"{sample.seed} {uri}".encode()).digest()[:IV_BYTES]


def _files_of(sample: PartnerSample, day: date, back: int) -> Iterator[tuple[str, str, bytes, int]]:
    count = _FILES if back == SEVERAL_FILES_DAY else 1
    for number in range(1, count + 1):
        end = f"_{number:03d}" if count > 1 else ""
        vacancies = _vacancies(_numbers(sample, day, f"vacancies{number}"), sample.rows, day, back)
        yield "vacancy", f"vacancies{end}.csv", _csv(vacancies), len(vacancies)
    applicants = _applicants(_numbers(sample, day, "applicants"), sample.rows, day, back)
    yield "application", "application-applicants.json", _json(applicants), len(applicants)
    if back != MISSING_DAY:
        payments = _payments(_numbers(sample, day, "payments"), sample.rows, day, back)
        yield "payment", "payment-payments.json", _json(payments), len(payments)


def _numbers(sample: PartnerSample, day: date, what: str) -> random.Random:
    return random.Random(f"{sample.seed} {day} {what}")  # noqa: S311 - a sample, no secret


def _vacancies(numbers: random.Random, count: int, day: date, back: int) -> Rows:
    """Vacancies: a salary comes with one day, and stays; on another the positions are told in words."""
    rows: Rows = []
    for number in range(count):
        row: Row = {
            "Vacancy ID": f"v-{day:%m%d}-{number:05d}",
            "Job Title": numbers.choice(_TITLES),
            "Positions": numbers.randint(1, 9),
            "Hours per Week": numbers.choice((16, 25, 37.5)),
            "Description": "" if number % 7 == 0 else f"Line one\nline {number}, with a comma",
            "Remote": numbers.choice(("true", "false")),
            "Start Date": f"{day + timedelta(days=numbers.randint(1, 60))} 09:00:00",
        }
        if back == RETYPED_DAY and number % 20 == 0:
            row["Positions"] = "several"
        if back <= ADDED_DAY:
            row["Salary (GBP)"] = None if number % 10 == 0 else round(numbers.uniform(18_000, 32_000), 2)
        rows.append(row)
    return rows


def _applicants(numbers: random.Random, count: int, day: date, back: int) -> Rows:
    """Applicants: with one day the preferred hours come; with another the age goes."""
    rows: Rows = []
    for number in range(count):
        row: Row = {
            "applicationId": f"a-{day:%m%d}-{number:05d}",
            "nationalInsuranceNumber": f"QQ{numbers.randint(100_000, 999_999)}C",
            "vacancyId": f"v-{day:%m%d}-{number % 50:05d}",
            "age": numbers.randint(16, 24),
            "submitted": f"{day} {numbers.randint(8, 19):02d}:15:00",
            "address": {"line1": f"{numbers.randint(1, 200)} High Street", "postcode": "LS1 1AA"},
        }
        if back <= DROPPED_DAY:
            del row["age"]
            row["preferredHours"] = numbers.choice((16, 20, 25))
        rows.append(row)
    return rows


def _payments(numbers: random.Random, count: int, day: date, back: int) -> Rows:
    """Payments: on one day some amounts are texts with a currency in them."""
    rows: Rows = []
    for number in range(count):
        amount = round(numbers.uniform(50, 1_500), 2)
        rows.append(
            {
                "paymentId": f"p-{day:%m%d}-{number:05d}",
                "bankAccount": f"{numbers.randint(10_000_000, 99_999_999)}",
                "amount": f"GBP {amount}" if back == RETYPED_DAY and number % 25 == 0 else amount,
                "attempt": numbers.randint(1, 3),
                "paid": number % 9 != 0,
            }
        )
    return rows


def _csv(rows: Rows) -> bytes:
    out = io.StringIO()
    out.write("\ufeff")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(list(rows[0]))
    writer.writerows(row.values() for row in rows)
    return out.getvalue().encode()


def _json(rows: Rows) -> bytes:
    fields = [{"fieldName": name, "pii": str(name in _PII).lower()} for name in rows[0]]
    return msgspec.json.encode({"fields": fields, "data": rows})
