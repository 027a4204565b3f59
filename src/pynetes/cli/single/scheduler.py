"""`pynetes scheduler`."""

from pathlib import Path
from typing import Any

import click

from pynetes.cli.single.component import component, kubeconfig_option, run, served, serving
from pynetes.component import logs


@component("scheduler")
@kubeconfig_option
@click.option("--leader-elect/--no-leader-elect", default=True, show_default=True)
@served(10259)
def command(kubeconfig: Path, leader_elect: bool, verbosity: int, logging_format: logs.Format, **values: Any) -> None:
    from pynetes.cli import components

    at = serving(values)
    run(lambda: components.scheduler(kubeconfig, leader_elect=leader_elect, served=at), verbosity, logging_format)
