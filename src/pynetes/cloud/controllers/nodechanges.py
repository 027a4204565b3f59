"""What the cloud says of a machine, applied to its node. Pure."""

import ipaddress
import re
from collections.abc import Sequence
from typing import Any

from pynetes.apimachinery import meta
from pynetes.cloud.interface import InstanceMetadata

Object = dict[str, Any]

UNINITIALIZED_TAINT = "node.cloudprovider.kubernetes.io/uninitialized"
PROVIDED_NODE_IP = "alpha.kubernetes.io/provided-node-ip"

INSTANCE_TYPE_LABELS = ("beta.kubernetes.io/instance-type", "node.kubernetes.io/instance-type")
ZONE_LABELS = ("failure-domain.beta.kubernetes.io/zone", "topology.kubernetes.io/zone")
REGION_LABELS = ("failure-domain.beta.kubernetes.io/region", "topology.kubernetes.io/region")

_LABEL_PAIRS = (ZONE_LABELS, REGION_LABELS, INSTANCE_TYPE_LABELS)
_KUBERNETES_DOMAIN = re.compile(r"(^|\.)(kubernetes|k8s)\.io/")


def is_uninitialized(node: Object) -> bool:
    return any(taint["key"] == UNINITIALIZED_TAINT for taint in (node.get("spec") or {}).get("taints") or ())


def initialized(node: Object, metadata: InstanceMetadata) -> Object:
    """The node with id and labels from the cloud and without the taint. ValueError: a provided address is not there."""
    new: Object = meta.copy(node)
    spec = new.setdefault("spec", {})
    if not spec.get("providerID") and metadata.provider_id:
        spec["providerID"] = metadata.provider_id
    addresses_for(node, metadata.addresses)  # refuses what cannot be
    for value, keys in (
        (metadata.instance_type, INSTANCE_TYPE_LABELS),
        (metadata.zone, ZONE_LABELS),
        (metadata.region, REGION_LABELS),
    ):
        for key in keys if value else ():
            meta.set_label(new, key, value)
    for key, value in metadata.labels.items():
        if not _KUBERNETES_DOMAIN.search(key) and key not in meta.labels(new):
            meta.set_label(new, key, value)
    spec["taints"] = [taint for taint in spec.get("taints") or () if taint["key"] != UNINITIALIZED_TAINT]
    return new


def labels_to_reconcile(node: Object) -> dict[str, str]:
    """The labels of today that do not say what their predecessors say."""
    labels = meta.labels(node)
    return {today: labels[old] for old, today in _LABEL_PAIRS if old in labels and labels.get(today) != labels[old]}


def addresses_for(node: Object, given: Sequence[Object]) -> list[Object]:
    """The node's addresses after the cloud gave these: none given, none changed; a host name is kept."""
    if not given:
        return []
    addresses = [dict(address) for address in given]
    if not any(address["type"] == "Hostname" for address in addresses):
        current = (node.get("status") or {}).get("addresses") or ()
        addresses += [dict(address) for address in current if address["type"] == "Hostname"]
    provided = meta.annotations(node).get(PROVIDED_NODE_IP)
    return _preferring(provided, addresses) if provided is not None else addresses


def _preferring(provided: str, addresses: list[Object]) -> list[Object]:
    """The addresses the kubelet was told to use first, each the only one of its type."""
    chosen: list[Object] = []
    for text in provided.split(","):
        try:
            ip = ipaddress.ip_address(text.strip())
        except ValueError as error:
            raise ValueError(f'failed to parse node IP "{provided}": {error}') from None
        matching = [address for address in addresses if _is(address["address"], ip)]
        if not matching:
            raise ValueError(f"failed to get node address from cloud provider that matches ip: {ip}")
        chosen += matching
    types = {address["type"] for address in chosen}
    return chosen + [address for address in addresses if address["type"] not in types]


def _is(text: str, ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    try:
        return ipaddress.ip_address(text) == ip
    except ValueError:
        return False


def addresses_differ(current: Sequence[Object], wanted: Sequence[Object]) -> bool:
    def pairs(addresses: Sequence[Object]) -> list[tuple[str, str]]:
        return sorted((address["type"], address["address"]) for address in addresses)

    return pairs(current) != pairs(wanted)
