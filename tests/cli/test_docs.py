"""The commands in the documentation are commands that there are, with options that they have."""

import re
from pathlib import Path

import click
import pytest

from pynetes.cli.main import main

DOCS = Path(__file__).parents[2] / "docs" / "several-machines.md"
_COMMAND = re.compile(r"(?:`|^    )(pynetes [^`\n#]*)", re.MULTILINE)


def _commands() -> list[str]:
    return sorted({found.strip() for found in _COMMAND.findall(DOCS.read_text())})


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
    assert len(_commands()) > 20
