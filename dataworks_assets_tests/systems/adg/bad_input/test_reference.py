"""The reference of errors quotes what is really said."""

import re

import pytest

_TEXTS = re.compile(r"`([^`]+)`")


@pytest.fixture(scope="module")
def project_text(request):
    folders = [request.config.rootpath / folder for folder in ("spark", "dataworks_assets")]
    return "\n".join(path.read_text() for folder in folders for path in folder.rglob("*.py"))


def rows(rootpath):
    lines = (rootpath / "docs/reference/errors.md").read_text().splitlines()
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if line.startswith("| ")]


def test_every_row_says_what_happens_where_it_shows_and_what_to_do(pytestconfig):
    table = rows(pytestconfig.rootpath)
    assert len(table) > 40
    assert [row for row in table if len(row) != 4 or not all(row)] == []


def test_every_quoted_message_is_one_of_the_platforms(pytestconfig, project_text):
    quoted = [text for row in rows(pytestconfig.rootpath)[1:] for text in _TEXTS.findall(row[2])]
    pieces = {piece.strip() for text in quoted for piece in text.split("…")} - {""}
    assert sorted(piece for piece in pieces if piece not in project_text) == []
