"""The commands in the documents are commands that there are, with options that they have; links lead somewhere."""

import re
from pathlib import Path

import click
import pytest

from pynetes.cli.main import main

ROOT = Path(__file__).parents[2]
PAGES = sorted({*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")} - {ROOT / "CHANGELOG.md"})  # it tells of what is gone, too
_COMMAND = re.compile(r"(?:`|^    )(?:\.venv/bin/)?(pynetes [a-z][^`\n#]*)", re.MULTILINE)
_LINK = re.compile(r"\]\((?!https?:)([^)#]+)")


def _commands() -> list[str]:
    return sorted({found.strip() for page in PAGES for found in _COMMAND.findall(page.read_text())})


@pytest.mark.parametrize("line", _commands())
def test_command_is_there(line: str) -> None:
    words = line.split()[1:]
    command: click.Command = main
    while words and isinstance(command, click.Group):
        found = command.get_command(click.Context(command), words.pop(0))
        assert found is not None, line
        command = found
    known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    options = [word for word in words if word.startswith("-")]
    assert set(options) <= known | {"-h", "--help"}, line


def test_there_are_commands() -> None:
    assert len(_commands()) > 30


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    assert [link for link in _LINK.findall(page.read_text()) if not (page.parent / link).exists()] == []
