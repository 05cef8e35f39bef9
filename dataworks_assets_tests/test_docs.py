"""What the documents point at is there: every relative link, every command with its options, every configuration."""

from __future__ import annotations

import re
import shlex
import textwrap
from pathlib import Path

import click
import pytest
import yaml
from typer.main import get_command

from dataworks_assets.cli.main import Commands, app
from dataworks_assets.config.environment import Environment
from dataworks_assets.config.loader import load_settings

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
_LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")
_OPERATED = [*PAGES, ROOT / "production" / "README.md", *(ROOT / ".github" / "workflows").glob("*.yml")]
_TARGET = re.compile(r"(?:^\s*|`)make ([a-z][a-z0-9-]*)", re.MULTILINE)
_COMMAND = re.compile(r"(?:^|`|\$ )(?:\.venv/bin/)?dataworks ((?:-d \S+ )?[a-z][a-z-]*)", re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page):
    links = _LINK.findall(page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_exists(page):
    named = {match.split()[-1] for match in _COMMAND.findall(page.read_text())}
    assert named - set(Commands.known) == set()


def _invocations(text):
    """What follows `dataworks` in lines of code and in code within a line, as a shell would take it apart."""
    for said in re.findall(
        r"^ *(?:\$ |run: )?(?:production/(?:start|inside) exec )?(?:\.venv/bin/)?dataworks (-?-?[a-z].*)$"
        r"|`(?:production/(?:start|inside) exec )?dataworks (-?-?[a-z][^`\n]*)`",
        text.replace("\\\n", " "),
        flags=re.MULTILINE,
    ):
        yield shlex.split(said[0] or said[1], comments=True)


def _parse(command, arguments):
    context = click.Context(command)
    values, rest, _ = command.make_parser(context).parse_args(list(arguments))
    if isinstance(command, click.Group) and rest and rest != ["..."]:
        name, *others = rest
        inner = command.get_command(context, name)
        assert inner is not None, f"there is no {name}"
        return _parse(inner, others)
    return values


@pytest.mark.parametrize("page", _OPERATED, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_takes_its_options(page):
    for arguments in _invocations(page.read_text()):
        _parse(get_command(app), arguments)


def test_every_target_of_make_is_one():
    targets = set(re.findall(r"^([a-z][a-z0-9-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {name for page in _OPERATED for name in _TARGET.findall(page.read_text())} - targets == set()


@pytest.mark.parametrize("before", ["$ ", "   production/start exec ", "        run: .venv/bin/"])
def test_an_option_that_is_none_is_found(before):
    (arguments,) = _invocations(f"```\n{before}dataworks adg run --dya 2026-11-20\n```")
    with pytest.raises(click.NoSuchOption):
        _parse(get_command(app), arguments)


@pytest.mark.parametrize("name", ["README.md", "docs/tutorial.md"])
def test_every_configuration_of_the_tutorial_loads(name, tmp_path):
    page = (ROOT / name).read_text()
    examples = [textwrap.dedent(each) for each in re.findall(r"^ *```yaml\n(.*?)^ *```", page, re.DOTALL | re.MULTILINE)]
    assert examples
    (tmp_path / "collections").mkdir()
    for example in examples:
        (tmp_path / "collections" / "mine.yaml").write_text(example)
        settings = load_settings("local", environment=Environment(home=tmp_path, config_folder=tmp_path))
        (topic,) = yaml.safe_load(example)["collections"]
        assert topic in {config.topic for config in settings.collections}


def test_every_page_is_in_the_list_of_documents():
    index = ROOT / "docs" / "README.md"
    listed = {(index.parent / link).resolve() for link in _LINK.findall(index.read_text())}
    assert set(PAGES) - {index} - listed == set()
