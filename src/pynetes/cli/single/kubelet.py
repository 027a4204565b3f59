"""`pynetes kubelet`."""

from pathlib import Path
from typing import Any

from pynetes.cli.flags import config_from, flags_of
from pynetes.cli.settings import default_node_ip, default_node_name
from pynetes.cli.single.component import component, kubeconfig_option, run
from pynetes.component import logs
from pynetes.kubelet.config import KubeletConfig


@component("kubelet")
@kubeconfig_option
@flags_of(KubeletConfig, rename={"node_name": "hostname-override", "static_pod_path": "pod-manifest-path"})
def command(kubeconfig: Path, verbosity: int, logging_format: logs.Format, **values: Any) -> None:
    from pynetes.cli import components

    values["node_name"] = values.get("node_name") or default_node_name()
    values["node_ip"] = values.get("node_ip") or default_node_ip()
    config = config_from(KubeletConfig, values)
    run(lambda: components.kubelet(kubeconfig, config), verbosity, logging_format)
