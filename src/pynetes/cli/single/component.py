"""What the commands of components share: kubeconfig, the log's flags, the HTTPS port, and how they run."""

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import click

from pynetes.cli.flags import ComponentCommand, config_from, flags_of, values_of
from pynetes.cli.flagvalues import INTEGER
from pynetes.cli.single import TEXTS, foreign
from pynetes.client.servingconfig import Serving, ServingConfig
from pynetes.component import logs

_WIDE = {"max_content_width": 110}

kubeconfig_option = click.option(
    "--kubeconfig", type=click.Path(path_type=Path, dir_okay=False), required=True, help="How to reach the API server."
)


def component(name: str) -> Callable[[Callable[..., None]], click.Command]:
    """Makes a command of a function that runs a component; the flags of its log come on top."""

    def decorate(function: Callable[..., None]) -> click.Command:
        function.__doc__ = TEXTS[name]
        command = click.command(name, cls=ComponentCommand, context_settings=_WIDE)(function)
        command.params += [
            click.Option(
                ["-v", "--v", "verbosity"], type=INTEGER, default=0, show_default=True, help="Verbosity of the log."
            ),
            click.Option(["--logging-format"], type=click.Choice(["text", "json"]), default="text", show_default=True),
            *foreign.options(name),
        ]
        return command

    return decorate


def served(port: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The flags of a component's HTTPS port."""
    text = "Port for HTTPS: health, metrics, configuration; 0 serves nothing."

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        function = flags_of(ServingConfig, skip=("secure_port",))(function)
        return click.option("--secure-port", type=int, default=port, show_default=True, help=text)(function)

    return decorate


def serving(values: dict[str, Any], *configs: Any) -> Serving | None:
    """`configs`: what else of the flags `/flagz` shows."""
    config = config_from(ServingConfig, values)
    flags = {name: value for each in (*configs, config) for name, value in values_of(each).items()}
    return Serving(config, flags) if config.secure_port else None


def run(make: Callable[[], Coroutine[Any, Any, None]], verbosity: int, logging_format: logs.Format) -> None:
    from pynetes.cli.running import run_component

    run_component(make, verbosity=verbosity, log_format=logging_format)
