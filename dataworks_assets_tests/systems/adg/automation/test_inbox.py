from datetime import timedelta

from dataworks_assets.config.naming import SnapshotType
from dataworks_assets.systems.adg.automation.inbox import Inbox, KeptMessage
from dataworks_assets.systems.adg.automation.messages import parse_message
from dataworks_assets_tests.systems.adg.automation.conftest import NOON, completion, on
from spark.contract import StoreSettings
from spark.store import ObjectStore

FULL = SnapshotType.FULL


def _kept(day="2026-11-20", *, correlation_id="c-1", message_id="m-1", later=0):
    said = parse_message(completion(day, correlation_id=correlation_id))
    return KeptMessage(message=said, kept_utc=NOON + timedelta(seconds=later), message_id=message_id)


def test_messages_wait_in_the_order_of_their_export_dates(inbox):
    for day in ("2026-11-19", "2026-11-20", "2026-11-18"):
        inbox.keep(_kept(day))
    assert [each.day.day for each in inbox.waiting(FULL, now=NOON)] == [18, 19, 20]


def test_messages_of_one_day_wait_in_the_order_they_came(inbox):
    inbox.keep(_kept(correlation_id="second", later=1))
    inbox.keep(_kept(correlation_id="first"))
    assert [each.kept.message.correlation_id for each in inbox.waiting(FULL, now=NOON)] == ["first", "second"]


def test_a_repeated_message_is_an_object_of_its_own(inbox):
    inbox.keep(_kept(message_id="m-1"))
    inbox.keep(_kept(message_id="m-2", later=5))
    assert len(inbox.waiting(FULL, now=NOON)) == 2


def test_a_handled_message_leaves_the_inbox_and_is_remembered(inbox):
    inbox.keep(_kept())
    inbox.finish(inbox.waiting(FULL, now=NOON), run_id="r", outcome="success", now=NOON)
    assert inbox.waiting(FULL, now=NOON) == ()
    handled = inbox.handled_days(FULL, since=on("2026-11-01"))
    assert list(handled) == [on("2026-11-20")]
    assert inbox.newest_handled(handled[on("2026-11-20")]).correlation_id == "c-1"


def test_handled_messages_of_older_days_are_not_listed(inbox):
    for day in ("2026-11-10", "2026-11-15", "2026-11-16"):
        inbox.keep(_kept(day))
    inbox.finish(inbox.waiting(FULL, now=NOON), run_id="r", outcome="success", now=NOON)
    assert sorted(inbox.handled_days(FULL, since=on("2026-11-15"))) == [on("2026-11-15"), on("2026-11-16")]


def test_the_first_day_of_interest_is_listed_by_the_stacks_store_too(stack, prefix_uri):
    inbox = Inbox(ObjectStore(StoreSettings(endpoint_url=stack.s3_endpoint)), prefix_uri)
    for day in ("2026-11-14", "2026-11-15", "2026-11-16"):
        inbox.keep(_kept(day))
    inbox.finish(inbox.waiting(FULL, now=NOON), run_id="r", outcome="success", now=NOON)
    assert sorted(inbox.handled_days(FULL, since=on("2026-11-15"))) == [on("2026-11-15"), on("2026-11-16")]


def test_dying_between_done_and_deleted_leaves_the_message_in_the_inbox(inbox, store, monkeypatch):
    inbox.keep(_kept())
    monkeypatch.setattr(store, "delete", lambda _uris: None)
    inbox.finish(inbox.waiting(FULL, now=NOON), run_id="r", outcome="success", now=NOON)
    assert len(inbox.waiting(FULL, now=NOON)) == 1


def test_a_message_counts_as_come_while_it_waits_and_when_it_is_done(inbox):
    day = on("2026-11-20")
    before = inbox.has_message(FULL, day)
    inbox.keep(_kept())
    waiting = inbox.has_message(FULL, day)
    inbox.finish(inbox.waiting(FULL, now=NOON), run_id="r", outcome="success", now=NOON)
    assert (before, waiting, inbox.has_message(FULL, day)) == (False, True, True)


def test_an_object_that_is_no_message_is_put_aside_and_blocks_no_other(inbox, store):
    store.put(f"{inbox.control_uri}/inbox/full/2026-11-20/junk.json", b"junk")
    inbox.keep(_kept())
    assert len(inbox.waiting(FULL, now=NOON)) == 1
    assert len(list(store.list(f"{inbox.control_uri}/inbox_refused"))) == 1
    assert len(list(store.list(f"{inbox.control_uri}/inbox"))) == 1
