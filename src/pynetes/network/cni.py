"""The CNI configuration of a node: what the runtime calls for every pod. Pure, but for `install`."""

import ipaddress
import json
from pathlib import Path

from msgspec import Struct

NETWORK = "pynetes"
BRIDGE = "pynetes0"

#: Read in lexical order by the runtime: another plugin's file whose name comes first takes over.
FILE_NAME = "50-pynetes.conflist"


class PodNetworkConfig(Struct, frozen=True):
    """`pod_cidr`: this node's. `state`: where host-local keeps the addresses in use."""

    pod_cidr: str
    mtu: int
    state: Path


def conflist(config: PodNetworkConfig) -> dict[str, object]:
    """Pods on one bridge that is their gateway; host ports by portmap."""
    subnet = str(ipaddress.ip_network(config.pod_cidr))
    return {
        "cniVersion": "0.4.0",
        "name": NETWORK,
        "plugins": [
            {
                "type": "bridge",
                "bridge": BRIDGE,
                "isDefaultGateway": True,
                "forceAddress": True,  # a node that joined again may have another range
                "hairpinMode": True,  # a pod reaches itself through its Service
                "mtu": config.mtu,
                "ipam": {"type": "host-local", "dataDir": str(config.state), "ranges": [[{"subnet": subnet}]]},
            },
            {"type": "portmap", "capabilities": {"portMappings": True}},
        ],
    }


def install(config: PodNetworkConfig, directory: Path) -> bool:
    """Puts the file in place, whole or not at all; False if it is there already."""
    target = directory / FILE_NAME
    text = json.dumps(conflist(config), indent=2) + "\n"
    if target.exists() and target.read_text() == text:
        return False
    directory.mkdir(parents=True, exist_ok=True)
    temporary = directory / f".{FILE_NAME}.new"  # the runtime reads *.conf, *.conflist and *.json
    temporary.write_text(text)
    temporary.replace(target)
    return True


def foreign_configuration(directory: Path) -> Path | None:
    """Another plugin's file, if there is one: then that plugin is in charge."""
    if not directory.is_dir():
        return None
    others = [
        path
        for path in sorted(directory.iterdir())
        if path.suffix in (".conf", ".conflist", ".json") and path.name != FILE_NAME
    ]
    return others[0] if others else None
