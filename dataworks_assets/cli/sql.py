"""`dataworks sql`: a query over the published tables, in Spark with Hive support."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dataworks_assets.cli.rows import plain, show_rows
from dataworks_assets.cli.selection import JsonOption
from dataworks_assets.cli.showing import plural, write_json
from dataworks_assets.cli.workplace import Workplace, workplace_of
from dataworks_assets.config.addresses import is_embedded
from dataworks_assets.engines.properties import common_properties, write_properties
from dataworks_assets.engines.work_folder import WORK, make_work_folder, temporary_variables
from dataworks_assets.stack.java import find_java_home
from dataworks_assets.stack.state import load_state
from spark.errors import ConfigurationError, InputError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import DataType

_QUIET = """\
logger.executor.name = org.apache.spark.executor.Executor
logger.executor.level = off
logger.tasks.name = org.apache.spark.scheduler.TaskSetManager
logger.tasks.level = off
logger.gateway.name = org.apache.spark.api.python.PythonGatewayServer
logger.gateway.level = error
rootLogger.level = error
rootLogger.appenderRef.stderr.ref = stderr
appender.stderr.type = Console
appender.stderr.name = stderr
appender.stderr.target = SYSTEM_ERR
appender.stderr.layout.type = PatternLayout
appender.stderr.layout.pattern = %p %c{1}: %m%n
"""

app = typer.Typer()


@app.command()
def sql(
    ctx: typer.Context,
    query: Annotated[str, typer.Argument(help="Spark SQL. `SHOW DATABASES` and `DESCRIBE t` work too.")],
    max_rows: Annotated[int, typer.Option("--max-rows", "-n", min=1, help="Most rows to show.")] = 100,
    hive_reader: Annotated[
        bool, typer.Option("--hive-reader", help="Read Parquet with Hive's own reader, as Hive itself would.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Query the tables in Spark, through the metastore that the deployment publishes to. Starting Spark takes seconds.

    [bold]Examples[/]

    dataworks sql 'SHOW TABLES IN analytical_dataset_generation'

    dataworks sql 'SELECT export_date, count(*) FROM analytical_dataset_generation.core_statement_history GROUP BY 1'
    """
    workplace = workplace_of(ctx)
    if workplace.settings.deployment.catalog.kind != "hive":
        raise ConfigurationError(
            "Spark on this machine reads tables through a Hive metastore, and the catalog is Glue",
            where=f"deployment {workplace.settings.deployment.name}, catalog.kind",
            remedy="Query the tables in Athena, or in Spark on EMR",
        )
    _ = workplace.platform  # the JVM finds the stack's credentials in this process's environment
    with workplace.notes.status("Starting Spark …"), _session(workplace, hive_reader=hive_reader) as session:
        columns, rows = _run(session, query, max_rows + 1)
    shown = rows[:max_rows]
    if as_json:
        write_json([dict(zip(columns, map(plain, row), strict=True)) for row in shown])
        return
    if columns:
        show_rows(workplace.console, columns, shown)
    more = f"the first {max_rows:,} rows; there are more" if len(rows) > max_rows else plural(len(rows), "row")
    workplace.console.print(more, style="dim")


def _run(session: SparkSession, query: str, most: int) -> tuple[list[str], list[tuple[Any, ...]]]:
    from py4j.protocol import Py4JJavaError
    from pyspark.errors import PySparkException

    try:
        frame: DataFrame = session.sql(query)
        return frame.columns, [tuple(row) for row in _without_zones(frame).take(most)]
    except PySparkException as error:
        what = str(error).strip().splitlines()[0]
        raise InputError(f"Spark does not take the query: {what}", where=query, remedy="Correct it") from error
    except Py4JJavaError as error:
        what = _first_cause(error.java_exception)
        remedy = "Correct the query; where the cause is a file, `dataworks status` says whether a day's files are gone"
        raise InputError(f"the query failed: {what}", where=query, remedy=remedy) from error
    except ValueError as error:
        remedy = "Python's dates and times end with the year 9999: `cast(... AS string)` shows others"
        raise InputError(f"the rows cannot be shown: {error}", where=query, remedy=remedy) from error


def _without_zones(frame: DataFrame) -> DataFrame:
    """Returns the rows with timestamps that have no zone, also in nested types; columns are numbered.

    pyspark turns the others into Python's by way of the local zone, which fails in the whole first day of year 1.
    """
    from pyspark.sql.functions import col

    numbered = frame.toDF(*map(str, range(len(frame.columns))))
    kinds = [(field.dataType, _zoneless(field.dataType)) for field in frame.schema]
    return numbered.select(
        *(col(str(at)) if kind == zoneless else col(str(at)).cast(zoneless) for at, (kind, zoneless) in enumerate(kinds))
    )


def _zoneless(kind: DataType) -> DataType:
    from pyspark.sql import types

    match kind:
        case types.TimestampType():
            return types.TimestampNTZType()
        case types.ArrayType():
            return types.ArrayType(_zoneless(kind.elementType), kind.containsNull)
        case types.MapType():
            return types.MapType(_zoneless(kind.keyType), _zoneless(kind.valueType), kind.valueContainsNull)
        case types.StructType():
            return types.StructType([types.StructField(each.name, _zoneless(each.dataType), each.nullable) for each in kind])
    return kind


def _first_cause(exception: Any) -> str:
    """Returns the first line of what began a chain of Java's exceptions: those around it tell of stages and tasks."""
    while (cause := exception.getCause()) is not None:
        exception = cause
    first_line: str = exception.toString().strip().splitlines()[0]
    return first_line


@contextmanager
def _session(workplace: Workplace, *, hive_reader: bool) -> Iterator[SparkSession]:
    """Opens a Spark session on the deployment's metastore; a folder of its own holds what it writes by the way."""
    from pyspark.sql import SparkSession

    before = dict(os.environ)
    folder = make_work_folder(workplace.settings.environment.home / WORK)
    try:
        (folder / "log4j2.properties").write_text(_QUIET, encoding="utf-8")
        write_properties(folder / "spark.conf", _properties(workplace, folder, hive_reader=hive_reader))
        os.environ |= {
            **temporary_variables(folder),
            "PYSPARK_SUBMIT_ARGS": f"--properties-file {folder / 'spark.conf'} pyspark-shell",
            "PYSPARK_PYTHON": sys.executable,
            "SPARK_LOCAL_IP": "127.0.0.1",
            "JAVA_HOME": before.get("JAVA_HOME") or str(find_java_home()),
            "TZ": "UTC",  # pyspark gives timestamps in the zone of this process
        }
        time.tzset()
        session = SparkSession.builder.getOrCreate()
        yield session
        session.stop()
    finally:
        os.environ.clear()
        os.environ |= before
        time.tzset()
        shutil.rmtree(folder, ignore_errors=True)


def _properties(workplace: Workplace, folder: Path, *, hive_reader: bool) -> dict[str, str]:
    deployment = workplace.platform.running.deployment
    state = load_state(workplace.settings.environment.home) if is_embedded(workplace.settings.deployment) else None
    properties = common_properties(memory=deployment.engine.memory)
    del properties["spark.log.level"]  # the log's own set-up says it, without Spark saying so in every call
    return {
        **properties,
        "spark.app.name": "dataworks sql",
        "spark.master": "local[*]",
        "spark.sql.catalogImplementation": "hive",
        "spark.hadoop.hive.metastore.uris": deployment.catalog.uri or "",
        **(state.spark_conf() if state else {}),
        "spark.driver.extraJavaOptions": (
            f"-Dderby.system.home={folder} -Dlog4j2.configurationFile=file:{folder / 'log4j2.properties'}"
        ),
        "spark.local.dir": str(folder),
        "spark.sql.hive.convertMetastoreParquet": "false" if hive_reader else "true",
        **deployment.engine.spark_conf,
    }
