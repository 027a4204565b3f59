"""`pynetes proxy`."""

from pathlib import Path
from typing import Any

import click

from pynetes.cli.flags import config_from, flags_of
from pynetes.cli.settings import default_node_name
from pynetes.cli.single.component import component, kubeconfig_option, run
from pynetes.component import logs
from pynetes.proxy.config import ProxyConfig


@component("proxy")
@kubeconfig_option
@flags_of(ProxyConfig, rename={"node_name": "hostname-override"})
def command(kubeconfig: Path, verbosity: int, logging_format: logs.Format, **values: Any) -> None:
    from pynetes.cli import components

    values["node_name"] = values.get("node_name") or default_node_name()
    try:
        config = config_from(ProxyConfig, values)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    run(lambda: components.proxy(kubeconfig, config), verbosity, logging_format)
