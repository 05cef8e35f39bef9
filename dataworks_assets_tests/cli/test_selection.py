"""Days and collections as they are written on a command line."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
import typer

from dataworks_assets.cli.selection import parse_days, refuse_days_of_none, select_collections
from spark.errors import ConfigurationError


def days(*numbers):
    return tuple(date(2026, 11, number) for number in numbers)


def names(scope, *patterns):
    return [collection.name for collection in select_collections(scope, patterns)]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["2026-11-18"], days(18)),
        (["2026-11-18...2026-11-20"], days(18, 19, 20)),
        (["2026-11-20", "2026-11-18", "2026-11-20"], days(18, 20)),
        (["2026-11-18,2026-11-20"], days(18, 20)),
        (["2026-11-18...2026-11-19", "2026-11-19...2026-11-20"], days(18, 19, 20)),
    ],
)
def test_days_are_read(texts, expected):
    assert parse_days(texts) == expected


@pytest.mark.parametrize("text", ["2026-1-1", "yesterday", "2026-11-31", "2026-11-18..2026-11-20", ""])
def test_what_is_no_day_is_refused(text):
    with pytest.raises(typer.BadParameter, match="is no day"):
        parse_days([text])


def test_a_range_that_runs_backwards_is_refused():
    with pytest.raises(typer.BadParameter, match="ends before it begins"):
        parse_days(["2026-11-20...2026-11-18"])


def test_a_glob_selects_a_database(bench):
    assert names(bench.scope(), "core/t*") == ["core/toDo"]


def test_no_glob_selects_everything(bench):
    assert names(bench.scope()) == sorted(bench.scope().collections)


def test_two_globs_select_each_collection_once(bench):
    assert names(bench.scope(), "core/toDo", "*toDo") == ["core/toDo"]


def test_a_glob_that_matches_nothing_names_the_nearest(bench):
    with pytest.raises(ConfigurationError, match="Did you mean 'core/toDo'"):
        select_collections(bench.scope(), ["core/tooDo"])


def test_a_day_to_come_is_refused_and_today_is_not(bench):
    today = datetime.now(UTC).date()
    chosen = select_collections(bench.scope(), ())
    refuse_days_of_none(chosen, [today])
    with pytest.raises(ConfigurationError, match="is a day to come"):
        refuse_days_of_none(chosen, [today, today + timedelta(days=2)])


def test_a_collection_that_an_option_configures_names_the_option(bench):
    with pytest.raises(ConfigurationError, match="More are configured where DATAWORKS_OPTIONS has bad_input"):
        names(bench.scope(), "broken/badJson")


def test_a_guess_at_the_name_is_a_sentence_of_its_own(bench):
    with pytest.raises(ConfigurationError) as caught:
        names(bench.scope(), "core/todo")
    assert caught.value.remedy.startswith("Did you mean 'core/toDo'? More are configured")
