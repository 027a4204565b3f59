"""Registers the node and reports its status: on every change at once, otherwise every five minutes.

The lease (`lease`) is what keeps a node alive in between.
"""

import asyncio
import ipaddress
import logging
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pynetes import KUBERNETES_VERSION
from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.times import format_time
from pynetes.apis.core.node_features import INIT_CONTAINER_RESIZE, RESTART_ALL_CONTAINERS
from pynetes.apis.names import NODES
from pynetes.client.informer import Informer
from pynetes.client.rest import Client
from pynetes.client.transport import TransportError
from pynetes.component import clock
from pynetes.component.tasks import Tasks
from pynetes.kubelet import machine, node_conditions, node_resources
from pynetes.kubelet.config import KubeletConfig
from pynetes.kubelet.cri.channel import CRIError
from pynetes.kubelet.cri.images import ImageService
from pynetes.kubelet.cri.runtime import RuntimeService
from pynetes.kubelet.node_conditions import Pressures
from pynetes.kubelet.runtime_state import RuntimeState

log = logging.getLogger(__name__)

Object = dict[str, Any]
_MAX_IMAGES, _MAX_NAMES = 50, 5
_FIRST_RETRY, _MAX_RETRY = 0.1, 7.0
_FAST_PERIOD = 0.1
_ATTACH_ANNOTATION = "volumes.kubernetes.io/controller-managed-attach-detach"
#: In their order. A pod's own resources are not resized, and streams are relayed as the runtime speaks them.
_DECLARED = (INIT_CONTAINER_RESIZE, RESTART_ALL_CONTAINERS)
_DEFAULT_LABELS = (
    "kubernetes.io/hostname",
    "topology.kubernetes.io/zone",
    "topology.kubernetes.io/region",
    "node.kubernetes.io/instance-type",
    "kubernetes.io/os",
    "kubernetes.io/arch",
    "beta.kubernetes.io/os",
    "beta.kubernetes.io/arch",
)


def node_reference(name: str) -> Object:
    """How events name the node: as upstream, its name stands for the uid."""
    return {"kind": "Node", "name": name, "uid": name, "apiVersion": "v1"}


def default_address() -> str:
    """The address this machine would use towards the outside; asks the routing table, sends nothing."""
    for family, target in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect((target, 9))
                return str(probe.getsockname()[0])
            except OSError:
                continue
    return ""


def addresses(config: KubeletConfig) -> list[dict[str, str]]:
    """Internal addresses and host name. Raises ValueError if there is none."""
    given = [ip.strip() for ip in config.node_ip.split(",") if ip.strip()]
    found = [str(ipaddress.ip_address(ip)) for ip in given if not ipaddress.ip_address(ip).is_unspecified]
    found = found or [ip for ip in [default_address()] if ip]
    if not found:
        raise ValueError(f"can't get ip address of node {config.node_name}. error: no default routes found")
    return [
        *({"type": "InternalIP", "address": ip} for ip in found),
        {"type": "Hostname", "address": config.node_name},
    ]


class NodeStatus:
    """`pressures` comes from eviction, `event(type, reason, message)` is about the node. `refresh()` asks for a report
    now."""

    def __init__(
        self,
        client: Client,
        config: KubeletConfig,
        *,
        runtime: RuntimeService,
        images: ImageService,
        state: RuntimeState,
        pressures: Callable[[], Pressures] = Pressures,
        event: Callable[[str, str, str], None] = lambda type, reason, message: None,
        port: Callable[[], int] | None = None,
    ) -> None:
        self._client, self._config, self._state = client, config, state
        self._runtime, self._images = runtime, images
        self._pressures, self._event = pressures, event
        self._port = port or (lambda: config.port)
        self._informer = Informer(client, NODES, field_selector=f"metadata.name={config.node_name}")
        self._registered: Object | None = None
        self._reported_at: float | None = None
        self._wake = asyncio.Event()
        self._runtime_version = ""
        self.registered = asyncio.Event()

    # -- what others ask

    def node(self) -> Object | None:
        """The Node object as last seen: shared, never change it."""
        return self._informer.get(self._config.node_name) or self._registered

    def host_ips(self) -> list[str]:
        """The node's internal addresses."""
        known = ((self.node() or {}).get("status") or {}).get("addresses") or addresses(self._config)
        return [entry["address"] for entry in known if entry["type"] == "InternalIP"]

    def refresh(self) -> None:
        self._wake.set()

    # -- running

    async def run(self) -> None:
        """Registers, then reports until cancelled."""
        async with Tasks("node status") as tasks:
            if self._config.register_node:
                await self._register()
            tasks.start(self._informer.run(), name="own node")
            await self._informer.wait_for_sync()
            while True:
                ready = await self._step()
                await self._wait(self._config.node_status_update_frequency if ready else _FAST_PERIOD)

    async def _step(self) -> bool:
        """One look and, if need be, one report; returns whether the node is ready."""
        try:
            await self._state.update()
            return await self._report()
        except (StatusError, TransportError) as error:
            log.error("unable to update node status: %s", error)
        except (CRIError, OSError, ValueError) as error:
            log.error("error getting node status: %s", error)
        return True

    async def _wait(self, seconds: float) -> None:
        self._wake.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            pass

    # -- registration

    async def _register(self) -> None:
        wait = _FIRST_RETRY
        while True:
            try:
                await self._state.update()
                self._registered = await self._create_or_reconcile(await self.initial_node())
                self.registered.set()
                log.info("registered node %s", self._config.node_name)
                return
            except (StatusError, TransportError, CRIError, OSError, ValueError) as error:
                log.error("unable to register node %s with API server: %s", self._config.node_name, error)
            await clock.sleep(wait)
            wait = min(2 * wait, _MAX_RETRY)

    async def initial_node(self) -> Object:
        """The Node to register."""
        config, identity = self._config, machine.identity()
        labels = {
            "kubernetes.io/hostname": config.node_name,
            "kubernetes.io/os": identity["operatingSystem"],
            "kubernetes.io/arch": identity["architecture"],
            "beta.kubernetes.io/os": identity["operatingSystem"],
            "beta.kubernetes.io/arch": identity["architecture"],
            **config.node_labels,
        }
        taints = [dict(taint) for taint in config.register_with_taints]
        spec: Object = {"taints": taints} if taints else {}
        if config.provider_id:
            spec["providerID"] = config.provider_id
        if not config.register_schedulable:
            spec["unschedulable"] = True
        return {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {
                "name": config.node_name,
                "labels": labels,
                "annotations": {_ATTACH_ANNOTATION: "true"},
            },
            "spec": spec,
            "status": await self._status({}),
        }

    async def _create_or_reconcile(self, node: Object) -> Object:
        try:
            return await self._client.create(NODES, node)
        except StatusError as error:
            if error.code != 409:
                raise
        existing = await self._client.get(NODES, self._config.node_name)
        wanted = {key: value for key, value in node["metadata"]["labels"].items() if key in _DEFAULT_LABELS}
        patch: Object = {}
        if any(meta.labels(existing).get(key) != value for key, value in wanted.items()):
            patch["labels"] = wanted
        if meta.annotations(existing).get(_ATTACH_ANNOTATION) != "true":
            patch["annotations"] = {_ATTACH_ANNOTATION: "true"}
        if not patch:
            return existing
        return await self._client.patch(NODES, self._config.node_name, {"metadata": patch}, type="merge")

    # -- status

    async def _status(self, old: Mapping[str, Any]) -> Object:
        """The whole status as it is now."""
        config = self._config
        total = node_resources.capacity(
            max_pods=config.max_pods,
            pods_per_core=config.pods_per_core,
            disk=machine.file_system(Path(config.root_dir)),
        )
        own = node_resources.allocatable(
            total,
            kube_reserved=config.kube_reserved,
            system_reserved=config.system_reserved,
            eviction_hard=config.eviction_hard,
        )
        conditions = node_conditions.update(
            old.get("conditions") or (), self._pressures(), self._state.errors(), format_time(clock.now())
        )
        self._record(conditions.events, old)
        # Resources that others publish (extended resources) stay.
        status: Object = {
            "addresses": addresses(config),
            "capacity": {**(old.get("capacity") or {}), **total},
            "allocatable": {**(old.get("allocatable") or {}), **own},
            "conditions": conditions.items,
            "daemonEndpoints": {"kubeletEndpoint": {"Port": self._port()}},
            "nodeInfo": await self._node_info(),
            "images": await self._image_list(),
        }
        if self._state.handlers:
            status["runtimeHandlers"] = [_handler(handler) for handler in self._state.handlers]
        if self._state.features is not None:
            status["features"] = {"supplementalGroupsPolicy": self._state.features.supplemental_groups_policy}
        status["declaredFeatures"] = list(_DECLARED)
        return status

    def _record(self, events: list[str], old: Mapping[str, Any]) -> None:
        name = self._config.node_name
        for reason in events:
            self._event("Normal", reason, f"Node {name} status is now: {reason}")
        boot = (old.get("nodeInfo") or {}).get("bootID")
        if boot and boot != machine.identity()["bootID"]:
            boot = machine.identity()["bootID"]
            self._event("Warning", "Rebooted", f"Node {name} has been rebooted, boot id: {boot}")

    async def _node_info(self) -> Object:
        if not self._runtime_version:
            version = await self._runtime.version()
            self._runtime_version = f"{version.runtime_name}://{version.runtime_version}"
        return {
            **machine.identity(),
            "containerRuntimeVersion": self._runtime_version,
            "kubeletVersion": KUBERNETES_VERSION,
            "kubeProxyVersion": "",
        }

    async def _image_list(self) -> list[Object]:
        images = sorted(await self._images.list_images(), key=lambda image: image.size, reverse=True)
        return [
            {"names": [*image.repo_digests, *image.repo_tags][:_MAX_NAMES], "sizeBytes": image.size}
            for image in images[:_MAX_IMAGES]
        ]

    async def _report(self) -> bool:
        node = self.node()
        if node is None:
            raise ValueError(f"node {self._config.node_name} does not exist")
        old = node.get("status") or {}
        new = await self._status(old)
        changes = changed(old, new)
        now = clock.monotonic()
        due = self._reported_at is None or now - self._reported_at >= self._config.node_status_report_frequency
        if changes or due:
            patch = status_patch({**changes, "conditions": new["conditions"]})
            self._registered = await self._client.patch(
                NODES, self._config.node_name, {"status": patch}, type="strategic", subresource="status"
            )
            self._reported_at = now
        return bool(new["conditions"][-1]["status"] == "True")


def changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> Object:
    """The parts of the status that differ, heartbeats and other parties' conditions aside."""
    found = {}
    for key, value in new.items():
        if key == "conditions":
            own = {condition["type"] for condition in value}
            known = [condition for condition in old.get(key) or () if condition["type"] in own]
            order = {condition["type"]: index for index, condition in enumerate(value)}
            known.sort(key=lambda condition: order[condition["type"]])
            same = node_conditions.without_heartbeats(known) == node_conditions.without_heartbeats(value)
        else:
            same = _pruned(old.get(key)) == _pruned(value)
        if not same:
            found[key] = value
    return found


def _pruned(value: Any) -> Any:
    """Without empty parts: an object that came back from the server has lost them."""
    if isinstance(value, dict):
        return {key: _pruned(part) for key, part in value.items() if part not in ("", None, [], {})}
    return value or None


def status_patch(parts: Mapping[str, Any]) -> Object:
    """A strategic merge patch. Addresses merge by type, so several of one type need to be replaced whole."""
    patch = dict(parts)
    if "addresses" in patch:
        patch["addresses"] = [*patch["addresses"], {"$patch": "replace"}]
    return patch


def _handler(handler: Any) -> Object:
    return {
        "name": handler.name,
        "features": {
            "recursiveReadOnlyMounts": handler.features.recursive_read_only_mounts,
            "userNamespaces": handler.features.user_namespaces,
        },
    }
