"""Local APIServices: one for every group version that this server serves itself (upstream's auto-registration).

Those of built-in groups are made, or made right again, when a server starts, and are the administrator's from then on;
those of custom resources follow their definitions. Which is which stands in a label; what has none is left alone.
"""

from collections.abc import Iterable
from typing import Any, Literal

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.times import format_time
from pynetes.apis.names import API_SERVICES, CUSTOM_RESOURCE_DEFINITIONS
from pynetes.apis.resource import Resource
from pynetes.apiserver.aggregation.availability import Verdict, changed
from pynetes.apiserver.aggregation.priorities import CUSTOM, priority
from pynetes.apiserver.objects import Change
from pynetes.apiserver.registry.registry import Registry
from pynetes.client.controller import Controller
from pynetes.client.rest import Client
from pynetes.client.workqueue import WorkQueue
from pynetes.component import clock

Object = dict[str, Any]
Step = Literal["create", "update", "delete", ""]

MANAGED = "kube-aggregator.kubernetes.io/automanaged"
ON_START, ALWAYS = "onstart", "true"
_OWN_GROUP = "apiregistration.k8s.io"
_LOCAL: Verdict = ("True", "Local", "Local APIServices are always available")


def api_service(group: str, version: str, priorities: tuple[int, int], managed: str) -> Object:
    spec: Object = {"version": version, "groupPriorityMinimum": priorities[0], "versionPriority": priorities[1]}
    return {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": f"{version}.{group}", "labels": {MANAGED: managed}},
        "spec": {**({"group": group} if group else {}), **spec},
    }


def decide(wanted: Object | None, present: Object | None) -> Step:
    """What makes `present` as wanted; nothing if it is not ours to manage."""
    if present is None:
        return "create" if wanted is not None else ""
    if _managed(present) not in (ON_START, ALWAYS):
        return ""
    if wanted is None:
        return "delete"
    return "" if present.get("spec") == wanted["spec"] else "update"


def custom(definitions: Iterable[Object], name: str) -> Object | None:
    """The APIService of this name that custom resources want."""
    version, _, group = name.partition(".")
    for definition in definitions:
        spec = definition["spec"]
        if spec["group"] == group and any(v["name"] == version and v.get("served") for v in spec["versions"]):
            return api_service(group, version, CUSTOM, ALWAYS)
    return None


def _managed(present: Object) -> str:
    return str((present["metadata"].get("labels") or {}).get(MANAGED) or "")


class Registration:
    """`built_in` is a step of the bootstrap; the observers are told of every change, and `run` answers to them."""

    def __init__(self, registry: Registry, client: Client, served: Iterable[Resource]) -> None:
        """`served`: the built-in resources that are."""
        self._registry = registry
        self._client = client
        self._queue: WorkQueue[str] = WorkQueue("autoregister")
        versions = {(resource.gvk.group, resource.gvk.version) for resource in served}
        wanted = (api_service(g, v, priority(g, v), ON_START) for g, v in versions if g != _OWN_GROUP)
        self._built_in = {meta.name(obj): obj for obj in wanted}

    async def built_in(self) -> None:
        """Registers the built-in groups, and withdraws those of the past."""
        await self._registry.store_of(API_SERVICES).cacher.fresh()
        present = {meta.name(obj): obj for obj in self._registry.cached_list(API_SERVICES)}
        gone = {name for name, obj in present.items() if _managed(obj) == ON_START}
        for name in sorted(self._built_in.keys() | gone):
            wanted = self._built_in.get(name)
            await self._apply(decide(wanted, present.get(name)), name, wanted, present.get(name))

    def observe(self, change: Change, obj: Object) -> None:
        """An APIService came, changed or went."""
        self._queue.add(meta.name(obj))

    def observe_definition(self, change: Change, definition: Object) -> None:
        spec = definition["spec"]
        names = {f"{version['name']}.{spec['group']}" for version in spec["versions"]}
        for other in self._registry.cached_list(API_SERVICES):
            if (other.get("spec") or {}).get("group") == spec["group"]:
                names.add(meta.name(other))
        for name in sorted(names):
            self._queue.add(name)

    async def run(self) -> None:
        await Controller("autoregister", self._queue, self._sync).run()

    async def _sync(self, name: str) -> None:
        present = self._registry.cached_get(API_SERVICES, name)
        if name not in self._built_in:
            # Who learnt of the APIService before its definition must not take it for one too many.
            await self._registry.store_of(CUSTOM_RESOURCE_DEFINITIONS).cacher.fresh()
            wanted = custom(self._registry.cached_list(CUSTOM_RESOURCE_DEFINITIONS), name)
            if wanted is not None or (present is not None and _managed(present) == ALWAYS):
                step = decide(wanted, present)
                await self._apply(step, name, wanted, present)
                if step:
                    return
        if present is not None and (present.get("spec") or {}).get("service") is None:
            local = changed(present, _LOCAL, format_time(clock.now()))
            if local is not None:
                await self._client.update_status(API_SERVICES, local)

    async def _apply(self, step: Step, name: str, wanted: Object | None, present: Object | None) -> None:
        """Who else did the same, or something else, meanwhile is heard of soon."""
        try:
            if step == "create" and wanted is not None:
                await self._client.create(API_SERVICES, wanted)
            elif step == "update" and wanted is not None and present is not None:
                await self._client.update(API_SERVICES, {**present, "spec": wanted["spec"]})
            elif step == "delete" and present is not None:
                await self._client.delete(API_SERVICES, name, uid=meta.uid(present))
        except StatusError as error:
            if error.reason not in ("AlreadyExists", "Conflict", "NotFound"):
                raise
