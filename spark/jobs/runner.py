"""The generic entry point of every job: started by `spark-submit`, or called to run a job function in a session.

Reads the parameter document, opens Pipes if its arguments are given, calls the job's `run(parameters, cluster, reporter)`
and writes the result document, also after failures, whenever it still can. Knows nothing of any particular job.

    spark-submit spark/jobs/runner.py --job adg --parameters s3://bucket/_dataworks/jobs/<run>/parameters.json
"""

from __future__ import annotations

import argparse
import faulthandler
import importlib
import logging
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Protocol, cast

from spark.contract import (
    JobFailure,
    JobParameters,
    JobResult,
    PartitionResult,
    PartitionState,
    StoreSettings,
    decode,
    encode,
)
from spark.errors import ConfigurationError, ConflictError, DataworksError, EngineError, StoreError
from spark.jobs.cluster import Cluster, SparkCluster
from spark.jobs.progress import Finished, Message, Placed, Progress, Reporter, message_text, payload_of
from spark.log_lines import Fields, JsonLines, time_taken
from spark.store import ObjectStore, shared_store

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from pyspark import SparkContext

_LOGGER = logging.getLogger("spark.jobs.runner")  # the module is `__main__` in an application
CLAIM = "claim.txt"
"""Name of the object, beside a job's parameters, that says which application claimed the job."""
_UPLOAD_SECONDS = 0.5
_INTERIM_SECONDS = 5.0
_ORPHANED_EXIT_CODE = 3


class JobFunction(Protocol):
    """What a job module calls `run`."""

    def __call__(self, parameters: JobParameters, cluster: Cluster, reporter: Reporter, /) -> JobResult:
        """Does the job; failures of single collections are in the result, an exception fails the whole job."""


def find_job(name: str) -> JobFunction:
    """Returns the job function of a system (`adg`) or of any importable module (`package.module`).

    Raises:
        ConfigurationError: there is no such module, or it has no `run`.
    """
    module_name = name if "." in name else f"spark.jobs.{name}"
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not module_name.startswith(error.name):
            raise
        raise ConfigurationError("no such job", where=module_name, remedy="Name a module of spark/jobs") from error
    run = getattr(module, "run", None)
    if not callable(run):
        raise ConfigurationError("the job's module has no function `run`", where=module_name)
    return cast("JobFunction", run)


def run_job(job: str, parameters: JobParameters, context: SparkContext, emit: Callable[[Message], None]) -> JobResult:
    """Runs a job in a Spark application and returns its result; see `run_reported`."""
    results = ResultWriter(parameters)
    reporter = Reporter(emit, on_finished=results.write_interim)
    return run_reported(job, parameters, SparkCluster(context), reporter=reporter, results=results)


def run_reported(
    job: str, parameters: JobParameters, cluster: Cluster, *, reporter: Reporter, results: ResultWriter
) -> JobResult:
    """Runs a job function and writes the result document; if the function raises, with the failure and what was finished.

    Raises:
        DataworksError: the job's own; any other exception passes through as well.
    """
    try:
        result = find_job(job)(parameters, cluster, reporter)
    except BaseException as error:
        results.write_failed(reporter.finished_partitions, _failure_of(error))
        raise
    results.write(result)
    reporter.end()
    return result


class ResultWriter:
    """Keeps the result document of one application up to date in the store."""

    def __init__(self, parameters: JobParameters) -> None:
        self._parameters = parameters
        self._store = shared_store(parameters.store)
        self._started_seconds = time.monotonic()
        self._written_seconds = float("-inf")

    def write(self, result: JobResult) -> None:
        """Writes the job's own, final result."""
        self._store.put(self._parameters.result_uri, encode(result))

    def write_interim(self, finished: tuple[PartitionResult, ...]) -> None:
        """Writes what is finished so far, at most every few seconds, so that it survives if the application dies."""
        if time.monotonic() - self._written_seconds >= _INTERIM_SECONDS:
            with suppress(StoreError):  # the next one, or the final one, makes up for it
                self.write(self._incomplete(finished))
            self._written_seconds = time.monotonic()

    def write_failed(self, finished: tuple[PartitionResult, ...], failure: JobFailure) -> None:
        """Writes why the job ended early, and what it had finished."""
        self.write(self._incomplete(finished, failure))

    def _incomplete(self, finished: tuple[PartitionResult, ...], failure: JobFailure | None = None) -> JobResult:
        return JobResult(
            run_id=self._parameters.run_id,
            partitions=finished,
            seconds=time.monotonic() - self._started_seconds,
            complete=False,
            failure=failure,
        )


def _failure_of(error: BaseException) -> JobFailure:
    if isinstance(error, DataworksError):
        return JobFailure(what=error.what, where=error.where, remedy=error.remedy, transient=error.transient)
    return JobFailure(
        what=traceback.format_exception_only(error)[-1].strip(),
        remedy="Look at the application's log for the traceback",
    )


def pipes_client(store: StoreSettings) -> S3Client:
    """Returns the S3 client for both sides of Pipes; like the object store's, it uses path-style addressing."""
    import boto3
    from botocore.config import Config

    style = Config(s3={"addressing_style": "path"}) if store.endpoint_url else None
    return boto3.client("s3", endpoint_url=store.endpoint_url, region_name=store.region, config=style)


@contextmanager
def open_messages(arguments: argparse.Namespace, store: StoreSettings) -> Iterator[Callable[[Message], None]]:
    """Opens Dagster Pipes over S3; yields where messages go (nowhere when the job was not started with Pipes)."""
    if not arguments.dagster_pipes_context:
        yield lambda _message: None
        return
    from dagster_pipes import PipesMappingParamsLoader, PipesS3ContextLoader, PipesS3MessageWriter, open_dagster_pipes

    client = pipes_client(store)
    loader = PipesMappingParamsLoader(
        {
            "DAGSTER_PIPES_CONTEXT": arguments.dagster_pipes_context,
            "DAGSTER_PIPES_MESSAGES": arguments.dagster_pipes_messages,
        }
    )
    with open_dagster_pipes(
        context_loader=PipesS3ContextLoader(client),
        message_writer=PipesS3MessageWriter(client, interval=_UPLOAD_SECONDS),
        params_loader=loader,
    ) as pipes:
        yield lambda message: pipes.report_custom_message(payload_of(message))


def logged(emit: Callable[[Message], None], parameters: JobParameters) -> Callable[[Message], None]:
    """Also writes each message to the application's log, with what it is about."""
    ids = {(work.collection, work.export_date): work.correlation_id for work in parameters.partitions}

    def both(message: Message) -> None:
        is_wrong = isinstance(message, Finished) and message.state != PartitionState.PUBLISHED
        level = logging.ERROR if is_wrong else logging.INFO
        _LOGGER.log(level, "%s", message_text(message), extra={"fields": _fields(message, ids)})
        if isinstance(message, Finished):
            fields = {**_fields(message, ids), "seconds": message.seconds, "rows": message.rows, "state": message.state}
            _LOGGER.info("%s", time_taken(message.collection, message.seconds), extra={"fields": fields})
        emit(message)

    return both


def _fields(message: Message, ids: Mapping[tuple[str, str], str]) -> Fields:
    if isinstance(message, Progress | Placed):
        return {}
    pair = (message.collection, message.export_date)
    return {"collection": pair[0], "partition": pair[1], "correlation_id": ids.get(pair, "")}


def _log_to_stderr() -> JsonLines:
    """Writes the logs of the jobs' own modules as JSON lines; the log levels of libraries stay as they are."""
    lines = JsonLines()
    handler = logging.StreamHandler()
    handler.setFormatter(lines)
    logger = logging.getLogger("spark")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    return lines


def _die_with_the_application() -> None:
    """Ends this process when its standard input closes, because then the JVM that started it is gone."""

    def watch() -> None:
        while os.read(sys.stdin.fileno(), 1):  # unbuffered: a buffer's lock would be held while the interpreter ends
            pass
        os._exit(_ORPHANED_EXIT_CODE)

    threading.Thread(target=watch, name="orphan-watch", daemon=True).start()


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Parses the command line."""
    parser = argparse.ArgumentParser(description="Runs one job in this Spark application.")
    parser.add_argument("--job", required=True, help="a module of spark/jobs, or a dotted module path")
    parser.add_argument("--parameters", required=True, help="URI of the parameter document")
    parser.add_argument("--endpoint-url", help="the object store's address, where it is not AWS's own")
    parser.add_argument("--region", default=StoreSettings().region)
    parser.add_argument("--claim", help="a token: of several applications of one job only the first to claim it goes on")
    parser.add_argument("--die-with-stdin", action="store_true", help="end when standard input closes")
    parser.add_argument("--dagster-pipes-context", help="Pipes' own")
    parser.add_argument("--dagster-pipes-messages", help="Pipes' own")
    return parser.parse_args(arguments)


def claim(store: ObjectStore, folder_uri: str, token: str) -> None:
    """Claims a job for the application with this token; may be called again with the same one.

    Raises:
        EngineError: another application has claimed it, because a start with unknown outcome was repeated.
    """
    uri = f"{folder_uri}/{CLAIM}"
    try:
        store.put(uri, token.encode(), create=True)
    except ConflictError as error:
        holder = store.read(uri).decode()
        if holder != token:
            raise EngineError(
                f"another application has this job already, the one with the token {holder}",
                where=uri,
                remedy="None is needed: that one goes on, and this one ends",
            ) from error


def main(arguments: Sequence[str]) -> None:
    """Runs the job that the command line names; an exception ends the process with its traceback and exit code 1."""
    faulthandler.enable()  # a crash of compiled code says in the log where each thread was
    parsed = parse(arguments)
    lines = _log_to_stderr()
    if parsed.die_with_stdin:
        _die_with_the_application()
    store = StoreSettings(endpoint_url=parsed.endpoint_url, region=parsed.region)
    if parsed.claim:
        claim(shared_store(store), parsed.parameters.rpartition("/")[0], parsed.claim)
    parameters = decode(shared_store(store).read(parsed.parameters), JobParameters, where=parsed.parameters)
    lines.fields |= {"system": parameters.system, "application": parameters.run_id}
    with open_messages(parsed, store) as emit:
        from pyspark.sql import SparkSession

        session = SparkSession.builder.appName(f"{parameters.system} {parameters.run_id}").getOrCreate()
        try:
            result = run_job(parsed.job, parameters, session.sparkContext, logged(emit, parameters))
            _LOGGER.info("%s", time_taken("all", result.seconds), extra={"fields": {"seconds": result.seconds}})
        finally:
            session.stop()


if __name__ == "__main__":
    main(sys.argv[1:])
