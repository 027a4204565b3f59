"""`pynetes controller-manager`."""

from pathlib import Path
from typing import Any

import click

from pynetes.cli.flags import config_from, flags_of
from pynetes.cli.single.component import component, kubeconfig_option, run, served, serving
from pynetes.component import logs
from pynetes.controllers.config import ControllerManagerConfig


@component("controller-manager")
@kubeconfig_option
@click.option("--root-ca-file", type=click.Path(path_type=Path, exists=True), help="CA that pods trust.")
@served(10257)
@flags_of(ControllerManagerConfig, skip=("root_ca",))
def command(
    kubeconfig: Path, root_ca_file: Path | None, verbosity: int, logging_format: logs.Format, **values: Any
) -> None:
    from pynetes.cli import components

    root_ca = root_ca_file.read_text() if root_ca_file else ""
    config = config_from(ControllerManagerConfig, values, root_ca=root_ca)
    at = serving(values, config)
    run(lambda: components.controller_manager(kubeconfig, config, at), verbosity, logging_format)
