"""Logs as JSON lines: one line a record, whatever it says."""

import json
import logging
import sys

from spark.contract import (
    CatalogSettings,
    JobParameters,
    KeyServiceSettings,
    PartitionWork,
    StoreSettings,
)
from spark.jobs.progress import Finished, Progress
from spark.jobs.runner import logged
from spark.log_lines import JsonLines


def record(message, *arguments, **more):
    made = logging.LogRecord("spark.jobs.adg", logging.INFO, "x", 1, message, arguments, None)
    made.__dict__.update(more)
    return made


def test_a_line_has_what_every_line_has_then_what_it_is_about():
    lines = JsonLines({"system": "adg"})
    said = json.loads(lines.format(record("read %d", 3, fields={"collection": "core/statement"})))
    assert list(said) == ["timestamp", "log_level", "message", "logger", "system", "collection"]
    assert (said["message"], said["log_level"], said["collection"]) == ("read 3", "INFO", "core/statement")
    assert said["timestamp"].endswith("Z")


def test_a_record_of_several_lines_is_one_line():
    assert "\n" not in JsonLines().format(record("one\ntwo"))


def test_a_traceback_is_a_field():
    try:
        _ = {}["k"]
    except KeyError:
        said = json.loads(JsonLines().format(record("failed", exc_info=sys.exc_info())))
    assert said["exception"].endswith("KeyError: 'k'")


def test_an_application_says_how_long_each_collection_took_and_what_it_is_about(caplog):
    work = PartitionWork(
        collection="core/statement",
        export_date="2026-11-20",
        attempt="a",
        epoch=1,
        lease_uri="memory://o/l",
        fingerprint="f",
        config_hash="c",
        correlation_id="c-1",
    )
    parameters = JobParameters(
        run_id="r",
        system="adg",
        collections={},
        partitions=(work,),
        store=StoreSettings(),
        key_service=KeyServiceSettings(url="https://k"),
        catalog=CatalogSettings(),
        output_uri="memory://o",
        control_uri="memory://o/_c",
        result_uri="memory://o/r",
        lease_owner="r",
    )
    messages = []
    say = logged(messages.append, parameters)
    with caplog.at_level(logging.INFO, "spark"):
        say(Progress(files=1))
        say(Finished(collection="core/statement", export_date="2026-11-20", state="refused", cause="truncated"))
        say(Finished(collection="core/statement", export_date="2026-11-20", state="published", rows=2, seconds=1.5))
    assert len(messages) == 3
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR] == [
        "core/statement 2026-11-20 refused: truncated"
    ]
    timed = caplog.records[-1]
    assert timed.getMessage() == "time taken for core/statement: 1.500"
    assert timed.fields == {
        "collection": "core/statement",
        "partition": "2026-11-20",
        "correlation_id": "c-1",
        "seconds": 1.5,
        "rows": 2,
        "state": "published",
    }
