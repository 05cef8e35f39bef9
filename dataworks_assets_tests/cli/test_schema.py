"""`dataworks schema infer` writes an entry that the configuration accepts."""

from __future__ import annotations

import gzip
import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from dataworks_assets.cli import documents
from dataworks_assets.config.collections import CollectionConfig
from spark.errors import ConfigurationError, InputError
from spark.publish.catalog import Pointer, TableDefinition

DOCUMENTS = [
    '{"_id":{"d_oid":"1"},"_lastModifiedDateTime":{"d_date":"2026-11-20T00:00:00Z"},"amountDue":1.50,"lines":[{"at":"2026-11-20"}]}',
    '{"_id":{"d_oid":"2"},"amountDue":20,"lines":[],"id":"own"}',
]


def columns_of(text):
    (entry,) = yaml.safe_load(text).values()
    CollectionConfig.model_validate({"topic": "db.core.toDo", **entry})
    return {column["name"]: column.get("type", "string") for column in entry["columns"]}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "documents.jsonl"
    path.write_text("\n".join(DOCUMENTS) + "\n\nnot json\n")
    return path


def test_a_file_of_documents_gives_columns(bench, file):
    found = columns_of(bench("schema", "infer", "core/toDo", "--file", str(file)))
    assert found == {"amount_due": "decimal(18,2)", "lines": "array<struct<at:date>>", "id_value": "string"}


def test_a_line_that_is_no_document_is_counted(bench, file):
    assert "1 lines were none" in bench("schema", "infer", "core/toDo", "--file", str(file))


def test_a_gzipped_file_is_read(bench, tmp_path):
    path = tmp_path / "documents.jsonl.gz"
    path.write_bytes(gzip.compress("\n".join(DOCUMENTS).encode()))
    assert "amount_due" in columns_of(bench("schema", "infer", "core/toDo", "--file", str(path)))


def test_nested_values_can_stay_text(bench, file):
    found = columns_of(bench("schema", "infer", "core/toDo", "--file", str(file), "--text"))
    assert found["lines"] == "string"


def test_published_documents_give_columns(bench):
    location = "memory://dataworks-output/p/a1"
    body = io.BytesIO()
    pq.write_table(pa.table({"record": DOCUMENTS}), body)
    bench.lake.store.put(f"{location}/part-0.parquet", body.getvalue())
    main = bench.collection("core/toDo").job.tables[0]
    bench.lake.catalog.ensure_database(main.database, location_uri="memory://dataworks-output")
    bench.lake.catalog.ensure_table(TableDefinition(main.database, main.name, (), "export_date"))
    pointer = Pointer("2026-11-20", location, "a1", "f", 1, "run-1", 2, "c", "2026-11-21T00:00:00")
    bench.lake.catalog.switch(main.database, main.name, [pointer])
    assert "amount_due" in columns_of(bench("schema", "infer", "core/toDo"))


def test_the_export_itself_can_be_looked_at(bench, monkeypatch):
    bench.export("core/toDo")
    monkeypatch.setattr(documents, "_decrypted", lambda *_: iter([text.encode() for text in DOCUMENTS]))
    assert "amount_due" in columns_of(bench("schema", "infer", "core/toDo", "--exported"))


def test_without_documents_it_says_what_to_do(bench):
    with pytest.raises(InputError, match="--exported"):
        bench("schema", "infer", "core/toDo")


def test_a_file_that_is_not_there_is_named(bench, tmp_path):
    with pytest.raises(InputError, match="no such file"):
        bench("schema", "infer", "core/toDo", "--file", str(tmp_path / "none"))


def test_a_table_without_the_text_needs_a_file(bench):
    with pytest.raises(ConfigurationError, match="--file"):
        bench("schema", "infer", "data/equality", "-t", "incremental")
