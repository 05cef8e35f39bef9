"""What the documents point at is there: every relative link, every command."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dataworks_assets.cli.main import Commands

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
_LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")
_COMMAND = re.compile(r"(?:^|`)(?:\.venv/bin/)?dataworks ((?:-d \S+ )?[a-z][a-z-]*)", re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page):
    links = _LINK.findall(page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_exists(page):
    named = {match.split()[-1] for match in _COMMAND.findall(page.read_text())}
    assert named - set(Commands.known) == set()


def test_every_page_is_in_the_list_of_documents():
    index = ROOT / "docs" / "README.md"
    listed = {(index.parent / link).resolve() for link in _LINK.findall(index.read_text())}
    assert set(PAGES) - {index} - listed == set()
