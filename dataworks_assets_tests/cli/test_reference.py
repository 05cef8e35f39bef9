"""The page of the commands says what the commands say."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated

import pytest
import typer

from dataworks_assets.cli.main import Commands
from dataworks_assets.cli.reference import PAGE, _commands, commands_page


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


app = typer.Typer()


@app.command()
def paint(
    walls: Annotated[list[str], typer.Argument(help="Walls | doors.")],
    colour: Annotated[Colour, typer.Option("--colour", "-c", help="In which colour.")] = Colour.RED,
    coats: Annotated[int, typer.Option(envvar="COATS", help="How many.")] = 2,
    dry: Annotated[bool, typer.Option(help="Wait.")] = True,
    name: Annotated[str, typer.Option(help="Whose.")] = "",
) -> None:
    """Paint walls.

    Not [bold]windows[/],
    ever.

    [bold]Examples[/]

    paint north

    paint north south -c blue
    """


@pytest.fixture(scope="module")
def section():
    return "\n".join(_commands("paint", typer.main.get_command(app)))


def test_the_page_is_that_of_the_commands():
    assert PAGE.read_text(encoding="utf-8") == commands_page(), "run `make docs`"


def test_every_command_is_on_it():
    shown = set(re.findall(r"^### `dataworks ([a-z-]+)", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE))
    assert shown == set(Commands.known)


def test_every_argument_and_option_is_explained():
    assert re.findall(r"^\| `.*\| *\|$", commands_page(), flags=re.MULTILINE) == []


def test_a_command_is_told_by_its_usage_and_its_help(section):
    assert section.startswith("### `paint WALLS...`\n\nPaint walls.\n\nNot **windows**, ever.\n")


def test_examples_are_commands_to_be_copied(section):
    assert "```\npaint north\npaint north south -c blue\n```" in section


@pytest.mark.parametrize(
    "row",
    [
        r"| `WALLS` | required | Walls \| doors. Repeatable. |",
        "| `--colour`, `-c` | `red` | In which colour. One of `red`, `blue`. |",
        "| `--coats` | `2` | How many. Also by `COATS`. |",
        "| `--dry`, `--no-dry` | on | Wait. |",
        "| `--name` |  | Whose. |",
    ],
)
def test_an_option_has_a_row_with_what_it_takes(section, row):
    assert row in section.splitlines()
