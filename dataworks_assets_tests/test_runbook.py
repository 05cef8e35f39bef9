"""The runbook has an entry for every notice, alert and alarm that exists, and for every kind of failure."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import yaml

from dataworks_assets.engines.emr import endings
from dataworks_assets.infrastructure.templates.dagster import dagster
from dataworks_assets.infrastructure.templates.messages import messages

ROOT = Path(__file__).parent.parent
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()
HEADINGS = [line.removeprefix("### ") for line in RUNBOOK.splitlines() if line.startswith("### ")]
SOURCES = sorted((ROOT / "dataworks_assets").rglob("*.py"))


def titles():
    """The longest fixed part of every notice's title, by where it is made."""
    for path in SOURCES:
        tree = ast.parse(path.read_text())
        assigned = {
            target.id: node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Notice":
                title = node.args[1]
                said = assigned.get(title.id, title) if isinstance(title, ast.Name) else title
                fixed = [
                    part.value for part in ast.walk(said) if isinstance(part, ast.Constant) and isinstance(part.value, str)
                ]
                words = max(fixed, key=len).strip()
                if words:  # else all of it is what `verdicts` has
                    yield f"{path.name}:{node.lineno}", words


def verdicts():
    """How the notice of a run's end says it ended: what `_verdict` returns."""
    tree = ast.parse((ROOT / "dataworks_assets" / "ledger" / "tidings.py").read_text())
    (verdict,) = (each for each in ast.walk(tree) if isinstance(each, ast.FunctionDef) and each.name == "_verdict")
    returned = [each.value.elts[1].value for each in ast.walk(verdict) if isinstance(each, ast.Return)]
    assert len(returned) >= 6
    return returned


def outcomes():
    """What becomes of a message that downstream was to get."""
    tree = ast.parse((ROOT / "dataworks_assets" / "ledger" / "errands.py").read_text())
    (tell,) = (each for each in ast.walk(tree) if isinstance(each, ast.FunctionDef) and each.name == "_tell")
    (outcome,) = (each.value for each in ast.walk(tell) if isinstance(each, ast.Assign) and each.targets[0].id == "outcome")
    return [outcome.body.value, outcome.orelse.value]


def described(template):
    found = re.findall(r"see the runbook, `([a-z-]+)`", str(template.to_dict()))
    assert found
    return found


@pytest.mark.parametrize(("where", "title"), list(titles()))
def test_every_notice_has_an_entry(where, title):
    assert any(title in heading for heading in HEADINGS), f"{where}: {title!r}"


def test_notices_are_found():
    assert len(list(titles())) >= 8


@pytest.mark.parametrize("words", [*verdicts(), *outcomes()])
def test_every_way_in_which_a_run_or_a_message_ends_has_an_entry(words):
    assert any(words in heading for heading in HEADINGS)


def test_every_alert_has_an_entry():
    groups = yaml.safe_load((ROOT / "monitoring" / "alerts.yml").read_text())["groups"]
    alerts = [f"`{rule['alert']}`" for group in groups for rule in group["rules"]]
    assert [alert for alert in alerts if alert not in HEADINGS] == []


def test_every_alarm_has_the_entry_that_it_names():
    assert [name for name in (*described(dagster()), *described(messages())) if f"`{name}`" not in HEADINGS] == []


def test_every_check_that_can_fail_has_an_entry():
    checks = set(re.findall(r"check `([a-z]+)`", (ROOT / "docs" / "reference" / "errors.md").read_text()))
    assert len(checks) > 10
    assert [name for name in sorted(checks) if f"`{name}`" not in HEADINGS] == []


def test_every_end_of_a_cluster_is_there():
    assert [what for what, _, _ in endings._BY_CODE.values() if f"`{what}`" not in RUNBOOK] == []


def test_links_within_the_page_lead_to_its_headings():
    slugs = {
        re.sub(r"[^\w\- ]", "", line.lstrip("# ").lower()).replace(" ", "-") for line in RUNBOOK.splitlines() if line[:1] == "#"
    }
    linked = re.findall(r"\]\(#([^)]+)\)", RUNBOOK)
    assert [target for target in linked if target not in slugs] == []
