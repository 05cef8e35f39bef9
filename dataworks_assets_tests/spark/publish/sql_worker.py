"""A Spark session in a process of its own, for a metastore that is not the one of this process's session.

Run as a program with its settings as JSON, it answers each line of SQL (as JSON: the text and whether Spark's own Parquet
reader is used) with a line of its rows.
"""

from __future__ import annotations

import base64
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dataworks_assets.engines.work_folder import temporary_variables

_MARK = "rows "
_ROOT = Path(__file__).resolve().parents[3]


class SqlWorker:
    """The side of the test."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, text: str, *, by_spark: str) -> list[dict[str, Any]]:
        """Returns a query's rows; `by_spark` is `true` for Spark's own Parquet reader, `false` for Hive's."""
        print(json.dumps([text, by_spark]), file=self._process.stdin, flush=True)
        for line in self._process.stdout:
            if line.startswith(_MARK):
                return pickle.loads(base64.b64decode(line.removeprefix(_MARK)))
        raise AssertionError("the worker ended: its log says why")


@contextmanager
def running_sql_worker(settings: Mapping[str, str], log: Path) -> Iterator[SqlWorker]:
    """Starts the process, and ends it."""
    environment = {**os.environ, "PYTHONPATH": str(_ROOT), "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    environment |= temporary_variables(log.parent)
    with log.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, __file__, json.dumps(dict(settings))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment, cwd=log.parent,
        )  # fmt: skip
        try:
            yield SqlWorker(process)
        finally:
            process.stdin.close()
            process.wait(60)


def _serve() -> None:
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[1]").appName("sql worker")
    session = builder.config(map=json.loads(sys.argv[1])).getOrCreate()
    for line in sys.stdin:
        text, by_spark = json.loads(line)
        session.conf.set("spark.sql.hive.convertMetastoreParquet", by_spark)
        session.catalog.clearCache()
        rows = [row.asDict(recursive=True) for row in session.sql(text).collect()]
        sys.stdout.write(f"{_MARK}{base64.b64encode(pickle.dumps(rows)).decode()}\n")
        sys.stdout.flush()
    session.stop()


if __name__ == "__main__":
    _serve()
