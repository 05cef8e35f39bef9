"""What operators are told of a run: which kind of notice, which collections, what to do, where to look."""

import pytest
from msgspec.structs import replace

from dataworks_assets.ledger import tidings
from dataworks_assets.ledger.entries import Failing, Outcome
from dataworks_assets.ledger.judging import DayEnd
from dataworks_assets.ledger.rows import CollectionStatus, DayStatus
from dataworks_assets_tests.ledger.test_dynamo import DAY, ENTRY

URL = "https://dagster.example/runs/run-1"
BAD = Failing(collection="core/claimant", date="2026-11-20", cause="a manifest with one record more. Have it exported again")
DONE, FAILED = CollectionStatus.COMPLETED, CollectionStatus.FAILED_PROCESSING


def day(*failing, published=("core/statement",)):
    collections = {name: DONE for name in published} | {each.collection: FAILED for each in failing}
    return DayEnd(DAY, DayStatus.FAILED if failing else DayStatus.COMPLETED, failing, collections)


def told(outcome, *ends, will_retry=False):
    return tidings.ended(replace(ENTRY, outcome=outcome), ends, run_url=URL, will_retry=will_retry)


def test_a_start_names_days_collections_and_where_to_look():
    notice = tidings.started(ENTRY, run_url=URL)
    assert (notice.kind, notice.title) == ("Information", "ADG-full 2026-11-20 started")
    assert notice.elements == {
        "days": "2026-11-20",
        "correlation_id": "c-1",
        "run_url": URL,
        "collections": "core/statement",
    }


@pytest.mark.parametrize(
    ("outcome", "ends", "will_retry", "kind", "title"),
    [
        (Outcome.SUCCEEDED, [day()], False, "Information", "completed"),
        (Outcome.FAILED, [day(BAD)], False, "Warning", "completed with failures"),
        (Outcome.FAILED, [day(BAD, published=())], False, "Error", "failed"),
        (Outcome.FAILED, [day(BAD)], True, "Warning", "failed and is relaunched"),
        (Outcome.CANCELLED, [day(BAD)], False, "Warning", "was cancelled"),
        (Outcome.FAILED, [day()], False, "Error", "ended badly, though everything that was asked for is published"),
    ],
)
def test_the_kind_of_a_notice_is_how_the_run_ended(outcome, ends, will_retry, kind, title):
    notice = told(outcome, *ends, will_retry=will_retry)
    assert (notice.kind, notice.title) == (kind, f"ADG-full 2026-11-20 {title}")
    assert notice.elements["run_url"] == URL


def test_what_ended_a_run_is_said_beside_the_collections_that_it_left():
    entry = replace(ENTRY, outcome=Outcome.FAILED, error="there is no cluster. Run it again")
    assert tidings.ended(entry, [day(BAD)], run_url=URL).elements["error"] == "there is no cluster. Run it again"
    assert "error" not in told(Outcome.FAILED, day(BAD)).elements


def test_a_failure_names_collections_causes_and_the_remedy():
    elements = told(Outcome.FAILED, day(BAD)).elements
    assert elements["failed collections"] == "core/claimant (2026-11-20)"
    assert elements["published collections"] == "core/statement"
    assert elements["causes"] == "core/claimant: a manifest with one record more. Have it exported again"
    assert "dataworks status --problems" in elements["what to do"]


def test_many_are_counted_and_not_all_named():
    many = [Failing(collection=f"core/c{n:03}", date="2026-11-20", cause=f"cause {n}") for n in range(300)]
    elements = told(Outcome.FAILED, day(*many)).elements
    assert elements["failed collections"].endswith("and 280 more")
    assert elements["causes"].splitlines()[-1] == "and 295 more"


def test_a_run_without_work_says_so():
    elements = told(Outcome.SUCCEEDED, day(published=())).elements
    assert elements["published collections"] == "none: everything was published already"
