"""`pynetes cloud-controller-manager`."""

from pathlib import Path
from typing import Any

import click

from pynetes.cli.flags import config_from, flags_of
from pynetes.cli.single.component import component, kubeconfig_option, run, served, serving
from pynetes.cloud.config import CloudControllerManagerConfig
from pynetes.component import logs


@component("cloud-controller-manager")
@kubeconfig_option
@click.option("--cloud-provider", required=True, help="Name of the provider: `local`, or one that is installed.")
@click.option(
    "--cloud-config",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The provider's configuration, where it has one.",
)
@served(10258)
@flags_of(CloudControllerManagerConfig)
def command(
    kubeconfig: Path,
    cloud_provider: str,
    cloud_config: Path | None,
    verbosity: int,
    logging_format: logs.Format,
    **values: Any,
) -> None:
    from pynetes.cli import components

    text = cloud_config.read_text() if cloud_config else ""
    config = config_from(CloudControllerManagerConfig, values)
    at = serving(values, config)
    run(
        lambda: components.cloud_controller_manager(kubeconfig, cloud_provider, text, config, at),
        verbosity,
        logging_format,
    )
