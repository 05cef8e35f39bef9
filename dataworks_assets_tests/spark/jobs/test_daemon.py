import importlib.util
import subprocess
import sys

import pyspark

from spark.jobs.daemon import without_own_archives

PACKAGE = pyspark.__path__[0]
SITE = PACKAGE.removesuffix("/pyspark")
JAR = f"{PACKAGE}/jars/spark-core_2.12-3.5.8.jar"
ZIP = f"{PACKAGE}/python/lib/pyspark.zip"


def test_archives_of_the_installed_pyspark_are_left_out():
    assert without_own_archives(["/job", ZIP, JAR, SITE]) == ["/job", SITE]


def test_another_sparks_archives_stay():
    other = "/usr/lib/spark/python/lib/pyspark.zip"
    assert without_own_archives([other, SITE]) == [other, SITE]


def test_nothing_is_left_out_where_no_pyspark_is_installed():
    assert without_own_archives(["/job", ZIP, JAR]) == ["/job", ZIP, JAR]


FORKED = """
import os, spark.jobs.stage
import pyarrow as pa, pyarrow.parquet as pq
child = os.fork()
if not child:
    pq.write_table(pa.table({"id": [str(number) for number in range(100_000)]}), pa.BufferOutputStream())
    os._exit(7)
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_worker_works_with_what_was_loaded_before_the_fork():
    assert subprocess.run([sys.executable, "-c", FORKED], check=False, timeout=60).returncode == 7


WITHOUT = """
import sys
from spark.jobs.daemon import Absent
sys.meta_path.insert(0, Absent({"pandas"}))
import pyarrow as pa
assert pa.array(["a"]).to_pylist() == ["a"] and "pandas" not in sys.modules
import json
"""


def test_what_workers_have_no_use_of_is_not_loaded_though_it_is_installed():
    assert importlib.util.find_spec("pandas"), "without it the test says nothing"
    assert subprocess.run([sys.executable, "-c", WITHOUT], check=False, timeout=60).returncode == 0
