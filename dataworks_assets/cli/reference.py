"""Generates the reference page of all commands with their arguments and options, for `make docs`.

The texts come from the commands' own help; this module only lays out the page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from itertools import groupby
from pathlib import Path

import click
import typer

from dataworks_assets.cli.main import Commands, app

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "commands.md"
_HEAD = """# Commands

<!-- Written by `make docs` out of the commands themselves; change their help instead. -->

`dataworks` is in `.venv/bin` of the checkout. Every command shows all this with `--help`. Results are written to the standard
output, progress and remarks to the standard error. Exit code 0: all went well; 1: something was not published, not found or not
reached, and the message says what, where and what to do; 2: the command was not understood.
"""
_EXAMPLES = re.compile(r"\[bold\]Examples?\[/\]")
_BOLD = re.compile(r"\[bold\](.*?)\[/\]")


def commands_page() -> str:
    """Returns the page: the options of all commands, then each command, by the headings of `dataworks --help`."""
    root = typer.main.get_command(app)
    sections = [_HEAD, "## Before any command\n", _options(root)]
    for panel, entries in groupby(Commands.known.items(), key=lambda entry: entry[1].panel):
        sections.append(f"## {panel}\n")
        for name, lazy in entries:
            sections += _commands(f"dataworks {name}", lazy.load(name))
    return "\n".join(sections).rstrip() + "\n"


def _commands(path: str, command: click.Command) -> Iterator[str]:
    """Yields the section of a command, or those of the commands of a group."""
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from _commands(f"{path} {name}", inner)
        return
    usage = " ".join(_usage(each) for each in command.params if isinstance(each, click.Argument))
    yield f"### `{path}{' ' + usage if usage else ''}`\n"
    said, _, examples = _EXAMPLES.sub("\0", command.help or "").partition("\0")
    yield f"{_plain(said)}\n"
    if examples.strip():
        lines = [line.strip() for line in examples.splitlines() if line.strip()]
        yield "```\n{}\n```\n".format("\n".join(lines))
    yield _options(command)


def _usage(argument: click.Argument) -> str:
    name = (argument.metavar or argument.name or "").upper()
    shown = f"{name}..." if argument.nargs == -1 else name
    return shown if argument.required else f"[{shown}]"


def _options(command: click.Command) -> str:
    """Returns the table of a command's arguments and options."""
    rows = [_row(param) for param in command.params if param.name not in {"help", "install_completion", "show_completion"}]
    return "\n".join(["| | default | |", "|---|---|---|", *rows, ""]) if rows else ""


def _row(param: click.Parameter) -> str:
    said = _plain(getattr(param, "help", None) or "")
    if isinstance(param, click.Option) and param.envvar:
        said += f" Also by `{param.envvar}`."
    if isinstance(param.type, click.Choice):
        said += f" One of {', '.join(f'`{_text(choice)}`' for choice in param.type.choices)}."
    if param.multiple if isinstance(param, click.Option) else param.nargs == -1:
        said += "" if re.search("epeatable|several times", said) else " Repeatable."
    return f"| {_names(param)} | {_default(param)} | {_cell(said)} |"


def _names(param: click.Parameter) -> str:
    if isinstance(param, click.Argument):
        return f"`{(param.metavar or param.name or '').upper()}`"
    return ", ".join(f"`{name}`" for name in (*param.opts, *param.secondary_opts))


def _default(param: click.Parameter) -> str:
    if param.required:
        return "required"
    default = param.default
    if callable(default) or default in (None, False, "", (), []) or getattr(param, "show_default", True) is False:
        return ""
    return "on" if default is True else f"`{_text(default)}`"


def _text(value: object) -> str:
    return str(value.value if isinstance(value, Enum) else value)


def _plain(text: str) -> str:
    """Returns a help text as Markdown: its emphasis kept, its lines joined within a paragraph."""
    paragraphs = [" ".join(each.split()) for each in re.split(r"\n\s*\n", text)]
    return _BOLD.sub(r"**\1**", "\n\n".join(filter(None, paragraphs)))


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").strip()


if __name__ == "__main__":
    PAGE.write_text(commands_page(), encoding="utf-8")
    typer.echo(f"wrote {PAGE}")
