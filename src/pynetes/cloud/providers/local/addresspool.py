"""AddressPools: the resource, and what allocation and announcers read of one. Pure.

`spec` says what is wanted, `status` what is in force: one decider (`poolcontroller`) writes it, so that the cloud
controller manager and all nodes agree on whose address is whose while a pool changes.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from typing import Any

import yaml
from msgspec import Struct

from pynetes.apimachinery import meta
from pynetes.apimachinery.gvk import GroupVersionResource
from pynetes.apimachinery.selectors import EVERYTHING, NOTHING, LabelSelector, from_label_selector
from pynetes.cloud.providers.local import addresses
from pynetes.cloud.providers.local.addresses import EMPTY, Addresses

Object = dict[str, Any]

ADDRESS_POOLS = GroupVersionResource("cloud.pynetes.io", "v1", "addresspools")
#: Keeps a pool until no Service has an address of it.
FINALIZER = "cloud.pynetes.io/addresses-in-use"


@cache
def definition() -> Object:
    """The CustomResourceDefinition."""
    found: Object = yaml.safe_load(resources.files(__package__).joinpath("addresspools.yaml").read_text())
    return found


def manifest(name: str, ranges: list[str], **spec: Any) -> Object:
    """An AddressPool of these addresses, CIDRs or ranges."""
    return {
        "apiVersion": ADDRESS_POOLS.api_version,
        "kind": "AddressPool",
        "metadata": {"name": name},
        "spec": {"addresses": ranges, **spec},
    }


class Pool(Struct, frozen=True):
    """What of an AddressPool is in force. `is_open`: whether Services that have no address of it get one."""

    name: str
    ranges: Addresses
    retained: Addresses = EMPTY
    """They are no longer in the spec: whose they are keeps them, nobody else gets them."""
    is_open: bool = True
    auto_assign: bool = True
    service_selector: LabelSelector = EVERYTHING
    namespace_selector: LabelSelector = EVERYTHING

    def __contains__(self, address: str) -> bool:
        return address in self.ranges or address in self.retained

    def serves(self, labels: Mapping[str, str], namespace_labels: Mapping[str, str]) -> bool:
        """Whether a Service with these labels may have an address of the pool."""
        return self.service_selector.matches(labels) and self.namespace_selector.matches(namespace_labels)


def pool_of(obj: Object) -> Pool:
    """A selector that is none selects nothing."""
    spec = obj["spec"]
    return Pool(
        name=meta.name(obj),
        ranges=_of_status(obj, "ranges"),
        retained=_of_status(obj, "retained"),
        is_open=not meta.is_deleting(obj),
        auto_assign=spec.get("autoAssign", True),
        service_selector=_selector(spec.get("serviceSelector")),
        namespace_selector=_selector(spec.get("namespaceSelector")),
    )


def in_force(objects: Iterable[Object]) -> Addresses:
    """The addresses that are the pools', those included that a Service only keeps."""
    found = EMPTY
    for obj in objects:
        found |= _of_status(obj, "ranges") | _of_status(obj, "retained")
    return found


def _of_status(obj: Object, field: str) -> Addresses:
    """What is none, somebody else wrote: nothing is in force then."""
    try:
        return addresses.parse((obj.get("status") or {}).get(field) or ())
    except ValueError:
        return EMPTY


def check_selectors(obj: Object) -> None:
    """ValueError for a selector that is none: the schema does not know the syntax of labels."""
    for field in ("serviceSelector", "namespaceSelector"):
        try:
            from_label_selector(obj["spec"].get(field) or {})
        except ValueError as error:
            raise ValueError(f"spec.{field}: {error}") from None


def _selector(selector: Object | None) -> LabelSelector:
    """One that is not there selects everything."""
    try:
        return from_label_selector(selector or {})
    except ValueError:
        return NOTHING
