"""`dataworks inbox` shows messages that wait and those that were put aside."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from dataworks_assets.cli.inbox import shorten
from dataworks_assets.config.naming import SnapshotType
from dataworks_assets.systems.adg.automation.inbox import Inbox, KeptMessage
from dataworks_assets.systems.adg.automation.messages import ExportMessage
from spark.errors import InputError

NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)


@pytest.fixture
def inbox(bench):
    return Inbox(bench.lake.store, bench.scope().control_uri)


def message(snapshot_type=SnapshotType.FULL):
    said = ExportMessage(
        correlation_id="id-7", s3_prefix="businessdata/x", snapshot_type=snapshot_type, export_date=date(2026, 11, 20)
    )
    return KeptMessage(message=said, kept_utc=NOW, message_id="m")


def test_an_empty_inbox_says_so(bench):
    assert "The inbox is empty" in bench("inbox")


def test_a_waiting_message_is_shown(bench, inbox):
    inbox.keep(message())
    shown = bench("inbox")
    assert all(text in shown for text in ("2026-11-20", "full", "id-7", "businessdata/x"))


def test_messages_of_both_exports_are_listed(bench, inbox):
    inbox.keep(message())
    inbox.keep(message(SnapshotType.INCREMENTAL))
    assert len(bench.json("inbox")["waiting"]) == 2


def test_a_message_that_was_put_aside_has_its_reason(bench, inbox):
    inbox.put_aside('{"half":', InputError("the message is no JSON"), now=NOW)
    shown = bench("inbox")
    assert "the message is no JSON" in shown
    assert '{"half":' in shown


@pytest.mark.parametrize(("length", "shown"), [(120, 120), (121, 121)])
def test_a_long_message_is_shown_as_shortened(length, shown):
    body = shorten("m" * length)
    assert len(body) == shown
    assert body.endswith("…") is (length > 120)
