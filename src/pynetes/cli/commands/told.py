"""What a user can do something about is told in plain words, without a traceback."""

import os
import sys
from collections.abc import Callable
from typing import TypeVar

import click

T = TypeVar("T")

#: Errors that the user can do something about, by their modules.
_TELLABLE = {
    "pynetes.cli.hosts.plan": "HostError",
    "pynetes.cli.join": "JoinError",
    "pynetes.cli.settings": "SettingsError",
    "pynetes.cli.tokens": "TokenError",
    "pynetes.cli.up": "UpError",
    "pynetes.client.kubeconfig": "ConfigError",
    "pynetes.component.certificates": "CertificateFileError",
}


def told(action: Callable[[], T]) -> T:
    """Runs a command; what the user can do something about is told in plain words."""
    try:
        return action()
    except Exception as error:
        if not isinstance(error, _tellable()):
            raise
        click.echo(f"Error: {_text_of(error)}", err=True)
        raise SystemExit(1) from None


def _text_of(error: Exception) -> str:
    if isinstance(error, PermissionError) and os.geteuid() != 0:
        return f"{error.filename or 'something'} is root's: run the same command with sudo"
    return str(error)


def _tellable() -> tuple[type[Exception], ...]:
    """What is not imported has raised nothing: most commands need few of these modules."""
    found = [getattr(sys.modules[module], name) for module, name in _TELLABLE.items() if module in sys.modules]
    return (*found, PermissionError)
