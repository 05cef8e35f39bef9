"""`dataworks contents`: what one deployment writes, another compares itself with."""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dataworks_assets_tests.cli.conftest import DAY


@pytest.fixture
def published(bench):
    bench.publish("core/toDo", DAY, rows=3)
    main = bench.collection("core/toDo").job.tables[0]
    pointer = bench.lake.catalog.pointers(main.database, main.name)[DAY]

    def put(*ids):
        body = io.BytesIO()
        pq.write_table(pa.table({"id": list(ids)}), body)
        for listed in list(bench.lake.store.list(pointer.location)):
            if listed.uri.endswith(".parquet"):
                bench.lake.store.delete([listed.uri])
        bench.lake.store.put(f"{pointer.location}/part-0.parquet", body.getvalue())

    put("a", "b", "c")
    return put


@pytest.fixture
def before(bench, published, tmp_path):
    """What the deployment held, in a file."""
    path = tmp_path / "before.json"
    path.write_text(bench("contents", "--day", DAY, "--json"))
    return str(path)


def test_it_shows_tables_days_and_rows(bench, published):
    (found,) = bench.json("contents", "--day", DAY)
    assert (found["table"], found["day"], found["rows"]) == ("analytical_dataset_generation.core_todo_history", DAY, 3)


def test_the_same_in_another_order_is_the_same(bench, published, before):
    published("c", "a", "b")
    assert "The same: 1 table, 3 rows." in bench("contents", "--day", DAY, "--against", before)


def test_what_is_not_the_same_is_named_and_is_a_failure(bench, published, before):
    published("a", "b", "x")
    said = bench("contents", "--day", DAY, "--against", before, exit_code=1)
    assert "core_todo_history" in said
    assert "content" in said


def test_another_file_is_refused_with_the_remedy(bench, published, tmp_path):
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(Exception, match="cannot be read") as caught:
        bench("contents", "--against", str(tmp_path / "other.json"))
    assert "--json" in caught.value.remedy
