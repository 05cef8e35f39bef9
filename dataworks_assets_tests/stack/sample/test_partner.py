import csv
import io
import json
from datetime import date, timedelta

import pytest

from dataworks_assets.stack.sample.partner import (
    ADDED_DAY,
    DROPPED_DAY,
    MISSING_DAY,
    RETYPED_DAY,
    SEVERAL_FILES_DAY,
    PartnerSample,
    write_partner_sample,
)
from dataworks_assets.stack.sample.wire import FIXED_KEY, encrypt
from spark.sources.encryption import read_encryption_metadata
from spark.store import ObjectStore

LAST = date(2026, 11, 20)
DAYS = tuple(LAST - timedelta(days=back) for back in reversed(range(10)))
SAMPLE = PartnerSample(DAYS, lambda module, day: f"memory://partner/{module}/{day}", rows=40)


@pytest.fixture(scope="module")
def store():
    made = ObjectStore.in_memory()
    write_partner_sample(made, SAMPLE, lambda: FIXED_KEY)
    return made


def back(days):
    return LAST - timedelta(days=days)


def vacancies(store, day):
    body = store.read(f"memory://partner/vacancy/{day}/{day}_vacancies.csv")
    return list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline="")))


def document(store, module, name, day):
    (listed,) = [each for each in store.list(f"memory://partner/{module}/{day}") if name in each.uri]
    iv = read_encryption_metadata(store, listed.source).iv
    return json.loads(encrypt(store.read(listed.uri), FIXED_KEY.plaintext, iv))


def test_one_day_is_missing_and_one_has_several_files(store):
    assert list(store.list(f"memory://partner/payment/{back(MISSING_DAY)}")) == []
    assert len(list(store.list(f"memory://partner/vacancy/{back(SEVERAL_FILES_DAY)}"))) == 3
    assert all(list(store.list(f"memory://partner/application/{day}")) for day in DAYS)


def test_three_days_change_the_schema(store):
    assert "Salary (GBP)" not in vacancies(store, back(ADDED_DAY + 2))[0]
    assert "Salary (GBP)" in vacancies(store, back(ADDED_DAY))[0]
    names = {field["fieldName"] for field in document(store, "application", "applicants", back(DROPPED_DAY))["fields"]}
    assert "age" not in names
    assert "preferredHours" in names
    assert {row["Positions"] for row in vacancies(store, back(RETYPED_DAY))} >= {"several"}


def test_documents_say_which_fields_are_personal(store):
    fields = document(store, "payment", "payments", LAST)["fields"]
    assert {"fieldName": "bankAccount", "pii": "true"} in fields
    assert {"fieldName": "amount", "pii": "false"} in fields


def test_what_lies_there_is_left_alone(store):
    assert write_partner_sample(store, SAMPLE, lambda: FIXED_KEY) == []


def test_the_same_day_and_seed_give_the_same_rows(store):
    other = ObjectStore.in_memory()
    write_partner_sample(other, SAMPLE, lambda: FIXED_KEY)
    assert document(other, "payment", "payments", LAST) == document(store, "payment", "payments", LAST)


def test_files_that_were_lost_are_written_again_as_the_same_objects():
    stores = [ObjectStore.in_memory(), ObjectStore.in_memory()]
    for each in stores:
        write_partner_sample(each, SAMPLE, lambda: FIXED_KEY)
    first, again = ({listed.uri: each.read(listed.uri) for listed in each.list("memory://partner")} for each in stores)
    assert first == again
