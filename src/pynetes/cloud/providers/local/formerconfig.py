"""The configuration file that the provider `local` had before its pools were AddressPools: what is to become of it.

    pools:
    - {name: default, addresses: [203.0.113.100-203.0.113.120], autoAssign: true}

Its pools are made where they are missing, so that a cluster that had the file goes on. Labels of nodes, which it could
hold too, are the kubelets' to set. Pure.
"""

from typing import Any

import yaml

from pynetes.cloud.providers.local.addresspool import manifest

Object = dict[str, Any]


def pools(text: str) -> list[Object]:
    """The AddressPools that stand for the file; ValueError for one that cannot be carried over."""
    try:
        document = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        raise ValueError(f"the cloud configuration is no YAML: {error}") from None
    if not isinstance(document, dict) or not isinstance(document.get("pools") or [], list):
        raise ValueError("the cloud configuration is none that there ever was: pools are AddressPools")
    if document.get("instances"):
        raise ValueError("instances are no longer configured: label the nodes (kubelet --node-labels) and remove them")
    return [_pool(entry, f"pools[{number}]") for number, entry in enumerate(document.get("pools") or [])]


def _pool(entry: Any, path: str) -> Object:
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
        raise ValueError(f"{path}: is no pool with a name")
    unknown = sorted(entry.keys() - {"name", "addresses", "autoAssign"})
    if unknown:
        raise ValueError(f"{path}: unknown field {unknown[0]!r}")
    spec = {"autoAssign": entry["autoAssign"]} if "autoAssign" in entry else {}
    addresses = [str(text).replace(" ", "") for text in entry.get("addresses") or ()]
    return manifest(entry["name"], addresses, **spec)
