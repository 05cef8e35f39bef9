"""Keys and documents' texts are nowhere but in tables: searched in every file, log, event and object that runs leave."""

from __future__ import annotations

import base64
import json
import re
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from dagster_shared.serdes import serialize_value

from dataworks_assets.stack.sample.bad_input import BAD_INPUTS
from dataworks_assets.stack.sample.benefits import thing
from dataworks_assets.stack.sample.plans import FULL as FULL_EXPORT
from dataworks_assets.stack.sample.plans import Generated, Scope
from dataworks_assets_tests.dagster_runs.reading import bodies_below, read_files
from dataworks_assets_tests.dagster_runs.world import BAD_DAY, DAYS, FULL, INCREMENTAL
from spark.contract import Layout

ID = re.compile(rb"[0-9a-f]{24,}")
TEXTS_A_TABLE = 4
TEXT_CHARACTERS = 24
BAD_DOCUMENTS = 600


@pytest.fixture(scope="module")
def left(published, bad_run, stack):
    """Everything that runs have left, by where it is: files, events, and objects that are no table's files."""
    world = published.world
    folders = (world.home, Path(world.instance.root_directory), stack.home / "logs")
    with ProcessPoolExecutor(1, get_context("spawn")) as reader:  # SQLite's locks go when their process closes such a file
        found = reader.submit(bodies_below, folders).result()
    for run in (published.full, published.incremental, bad_run):
        for number, entry in enumerate(run.entries()):
            found[f"event {number} of {run.run_id}"] = serialize_value(entry).encode()
    deployment = world.settings.deployment
    for prefix in (f"s3://{deployment.buckets.output}/{world.root}", f"s3://{deployment.buckets.logs}/dagster"):
        for item in world.store.list(prefix):
            if not item.uri.endswith(".parquet") and "/truth/" not in item.uri:
                found[item.uri] = world.store.read(item.uri)
    return found


def _without_previews(where, body):
    """A result document without the rows that collections without personal data may show."""
    if not where.endswith("/result.json"):
        return body
    document = json.loads(body)
    return json.dumps([part | {"preview": []} for part in document["partitions"]]).encode()


@pytest.fixture(scope="module")
def personal(published, stack):
    """Ids and texts out of the tables that hold personal data."""
    ids, texts = set(), []
    for snapshot_type in (FULL, INCREMENTAL):
        for scoped in published.world.scope(snapshot_type).collections.values():
            main = scoped.job.tables[0]
            if scoped.config.preview_allowed or main.layout is Layout.COLUMNS:
                continue
            (pointer,) = published.world.platform.catalog.pointers(main.database, main.name, [DAYS[0].isoformat()]).values()
            records = [json.loads(text) for text in read_files(stack, pointer.location)[main.text_column].to_pylist()]
            strings = [text for record in records for text in _strings(record) if len(text) >= TEXT_CHARACTERS]
            ids |= {text.encode() for text in strings if ID.fullmatch(text.encode())}
            words = [text for text in strings if " " in text and text.isascii() and text.isprintable() and '"' not in text]
            texts += [text.encode() for text in words[:TEXTS_A_TABLE]]
    return ids, texts


def _strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _strings(inner)


def _writings(key):
    """A key as it could have been written down."""
    encoded = base64.b64encode(key)
    return {
        key,
        key.hex().encode(),
        encoded.rstrip(b"="),
        base64.urlsafe_b64encode(key).rstrip(b"="),
        repr(key)[2:-1].encode(),
        json.dumps(list(key)).encode(),
    }


def test_there_is_something_to_find_and_somewhere_to_look(published, left, personal):
    ids, texts = personal
    assert published.world.keys
    assert len(ids) > 1_000
    assert len(texts) > 20
    assert len(left) > 300


def test_no_data_key_is_anywhere(published, left):
    writings = {writing for key in published.world.keys for writing in _writings(key.plaintext)}
    assert [where for where, body in left.items() if any(writing in body for writing in writings)] == []


def test_no_text_of_a_document_with_personal_data_is_anywhere(left, personal):
    _, texts = personal
    assert [where for where, body in left.items() if any(text in body for text in texts)] == []


def test_no_id_of_a_document_with_personal_data_is_anywhere(left, personal):
    ids, _ = personal
    assert [where for where, body in left.items() if not ids.isdisjoint(ID.findall(body))] == []


def test_what_is_wrong_with_a_document_is_told_without_its_id(left):
    scope = Scope(BAD_DAY, FULL_EXPORT)
    topics = [bad.topic for bad in BAD_INPUTS if bad.refused_on(second_day=False)]
    generated = [record for topic in topics for record in Generated(topic, BAD_DOCUMENTS, thing)(scope)]
    ids = {found for record in generated for found in ID.findall(record.manifest_id)}
    assert len(ids) == BAD_DOCUMENTS * len(topics)
    searched = {where: _without_previews(where, body) for where, body in left.items()}
    assert [where for where, body in searched.items() if not ids.isdisjoint(ID.findall(body))] == []


def test_no_work_folder_of_spark_is_left(published):
    assert list((published.world.home / "work").iterdir()) == []
