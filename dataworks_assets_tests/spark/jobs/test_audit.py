"""What may be published and what not: one claim a test, literal findings in, state out."""

from __future__ import annotations

import pytest

from dataworks_assets_tests.spark.jobs.examples import collection, data_file, outcome, work
from spark.contract import Finding, PartitionState
from spark.jobs.audit import audit, state_of
from spark.jobs.outcome import failed


def _failed(findings: tuple[Finding, ...]) -> list[str]:
    return [finding.check for finding in findings if not finding.passed]


def test_a_day_that_is_right_is_published_with_evidence_of_each_check() -> None:
    findings = audit(work([data_file()]), collection(), [outcome()])
    assert {finding.check for finding in findings} == {"read", "manifest", "ids", "slices", "schema", "quarantine", "rows"}
    assert state_of(findings) is PartitionState.PUBLISHED


def test_what_planning_found_refuses_the_day() -> None:
    gap = failed("slices", cause="batch 000002 is missing", remedy="export again")
    assert _failed(audit(work(findings=[gap]), collection(), [outcome()])) == ["slices"]


def test_one_file_that_cannot_be_read_refuses_the_day() -> None:
    broken = failed("read", object_uri="memory://input/a", cause="truncated", remedy="export again")
    findings = audit(work(), collection(), [outcome(), outcome(findings=[broken])])
    assert state_of(findings) is PartitionState.REFUSED


def test_a_failure_that_may_pass_is_failed_and_not_refused() -> None:
    down = failed("read", cause="key service down", remedy="later", transient=True)
    assert state_of(audit(work(), collection(), [outcome(findings=[down])])) is PartitionState.FAILED


@pytest.mark.parametrize(("share", "wrong"), [(0.0, ["quarantine"]), (0.1, []), (0.05, ["quarantine"])])
def test_quarantine_above_the_configured_share_refuses(share: float, wrong: list[str]) -> None:
    assert _failed(audit(work(), collection(quarantine_share=share), [outcome(rows=9, quarantined=1)])) == wrong


def test_a_full_that_falls_from_rows_to_none_is_refused() -> None:
    assert _failed(audit(work(previous_rows=5), collection(), [outcome(rows=0)])) == ["rows"]


def test_an_operator_may_confirm_the_fall() -> None:
    assert _failed(audit(work(previous_rows=5, confirmed=True), collection(), [outcome(rows=0)])) == []


def test_an_incremental_without_rows_is_as_good_as_any() -> None:
    assert _failed(audit(work(previous_rows=5), collection(snapshot_type="incremental"), [outcome(rows=0)])) == []


@pytest.mark.parametrize(("rows", "wrong"), [(50, []), (49, ["rows"])])
def test_a_full_may_lose_its_configured_share_and_no_more(rows: int, wrong: list[str]) -> None:
    assert _failed(audit(work(previous_rows=100), collection(row_loss_share=0.5), [outcome(rows=rows)])) == wrong
