"""How commands show what is wrong: in few words, and so that it can be found."""

from __future__ import annotations

import pytest

from dataworks_assets.cli.showing import finding_text, short_text
from spark.contract import Finding


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("s3://in/a/b.enc, line 3", "b.enc, line 3"),
        ("s3://in/a/b.enc, s3://in/a/c.enc", "b.enc, c.enc"),
        ("the manifest s3://m/a/b.csv is not there", "the manifest b.csv is not there"),
        ("key service https://127.0.0.1:13982", "key service https://127.0.0.1:13982"),
        ("s3://in/ucdata/2026-11-10/full, 2026-11-10", "s3://in/ucdata/2026-11-10/full, 2026-11-10"),
        ("2026-11-20", "2026-11-20"),
    ],
)
def test_objects_are_shown_by_their_names_and_folders_whole(text, expected):
    assert short_text(text) == expected


def test_two_objects_of_one_name_are_told_apart():
    text = "s3://in/a/b.enc, s3://in/a/copied/b.enc"
    assert short_text(text) == text


def test_an_object_that_is_named_twice_is_one():
    assert short_text("s3://in/a/b.enc, line 1; before: s3://in/a/b.enc, line 9") == "b.enc, line 1; before: b.enc, line 9"


def test_a_finding_says_where_and_what():
    finding = Finding(check="read", passed=False, object="s3://in/a/b.enc", place="byte 7", cause="the object ends")
    assert finding_text(finding) == "b.enc, byte 7: the object ends"
    assert finding_text(Finding(check="rows", passed=False, cause="no rows")) == "no rows"
