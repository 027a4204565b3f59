"""The ServiceCIDR `kubernetes`: the range of Services' addresses that this server was started with, as an object."""

import logging
from typing import Any

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.times import format_time
from pynetes.apis.names import SERVICE_CIDRS
from pynetes.apiserver.bootstrap.objects import create_missing
from pynetes.client.rest import Client
from pynetes.component import clock

log = logging.getLogger(__name__)

Object = dict[str, Any]

_NAME = "kubernetes"
_FIELD_MANAGER = "kubernetes-service-cidr-controller"


def service_cidr(cidrs: list[str]) -> Object:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "ServiceCIDR",
        "metadata": {"name": _NAME},
        "spec": {"cidrs": cidrs},
    }


class DefaultServiceCIDR:
    """Creates it, when it was deleted as well, and reports it ready. A single-stack range may become dual-stack."""

    def __init__(self, client: Client, ranges: str) -> None:
        self._client = client
        self._cidrs = [cidr.strip() for cidr in ranges.split(",")]
        self._told = False

    async def reconcile(self) -> None:
        cidrs = self._cidrs
        await create_missing(self._client, SERVICE_CIDRS, service_cidr(cidrs))
        present = await self._client.get(SERVICE_CIDRS, _NAME)
        if meta.is_deleting(present):
            return
        if len(cidrs) == 2 and present["spec"]["cidrs"] == cidrs[:1]:
            present["spec"]["cidrs"] = cidrs
            present = await self._client.update(SERVICE_CIDRS, present)
        if present["spec"]["cidrs"] != cidrs:
            self._tell(present["spec"]["cidrs"])
        elif ready := ready_condition(present):
            await _report(self._client, ready)

    def _tell(self, cidrs: list[str]) -> None:
        """Once: Services have their addresses of the object, whatever the flag says."""
        if not self._told:
            self._told = True
            log.warning("the default ServiceCIDR %s does not match the configured %s", cidrs, self._cidrs)


def ready_condition(present: Object) -> Object | None:
    """The condition Ready that it lacks; None if someone has spoken already."""
    current = meta.get_condition((present.get("status") or {}).get("conditions") or [], "Ready")
    if current is not None and current["status"] != "Unknown":
        return None
    return {
        "type": "Ready",
        "status": "True",
        "message": "Kubernetes default Service CIDR is ready",
        "lastTransitionTime": format_time(clock.now()),
    }


async def _report(client: Client, condition: Object) -> None:
    told = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "ServiceCIDR",
        "metadata": {"name": _NAME},
        "status": {"conditions": [condition]},
    }
    try:
        await client.patch(
            SERVICE_CIDRS, _NAME, told, type="apply", subresource="status", field_manager=_FIELD_MANAGER, force=True
        )
    except StatusError as error:
        if error.reason != "Conflict":
            raise
        log.debug("another server reports the ServiceCIDR")
