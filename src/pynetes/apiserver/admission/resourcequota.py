"""ResourceQuota: what a write takes is charged to the quotas of its namespace before it happens.

A charge is a compare-and-swap of the quota's status, so that several servers cannot spend the same room. Writes of one
namespace wait for each other here: they would only fail each other's swaps. A write that fails after it was charged is
credited by the controller, which counts anew.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError, required
from pynetes.apis.core.pod_resources import Amounts
from pynetes.apis.core.quota.charge import QuotaExceeded, Write, charged
from pynetes.apis.core.quota.limited import Limited, shown, uncovered
from pynetes.apis.core.quota.usage import evaluator_of
from pynetes.apis.names import RESOURCE_QUOTAS
from pynetes.apiserver.admission.attributes import Attributes, Objects, Plugin
from pynetes.apiserver.admission.configuration import Configurations, failure
from pynetes.client.rest import Client
from pynetes.component import clock

Object = dict[str, Any]

_ATTEMPTS = 4
#: Upstream's: events are too many to count, bindings and reviews are no objects.
_UNCOUNTED = frozenset(("bindings", "events", "events.events.k8s.io", "namespaces"))
_KINDS = (
    ("apiserver.config.k8s.io/v1", "ResourceQuotaConfiguration"),
    ("resourcequota.admission.k8s.io/v1beta1", "Configuration"),
    ("resourcequota.admission.k8s.io/v1alpha1", "Configuration"),
)
_SCOPE = {"scopeName": str, "operator": str, "values": [str]}
_SHAPE = {"limitedResources": [{"apiGroup": str, "resource": str, "matchContains": [str], "matchScopes": [_SCOPE]}]}
_REVIEWS = ("authentication.k8s.io", "authorization.k8s.io")


class ResourceQuota(Plugin):
    name = "ResourceQuota"

    def __init__(self, objects: Objects, client: Client, limits: Sequence[Limited] = ()) -> None:
        """`client` writes the quotas' status; `limits` is what nobody may take without a quota."""
        self._objects = objects
        self._limits = tuple(limits)
        self._client = client
        self._locks: dict[str, asyncio.Lock] = {}
        self._waiting: Counter[str] = Counter()

    @classmethod
    def of(cls, objects: Objects, client: Client, configurations: Configurations) -> "ResourceQuota":
        found = configurations.of(cls.name, _KINDS, _SHAPE) or {}
        limits = []
        for index, entry in enumerate(found.get("limitedResources") or ()):
            if not entry.get("resource"):
                raise failure(cls.name, str(required(f"limitedResources[{index}].resource")))
            resource = ".".join(part for part in (entry["resource"], entry.get("apiGroup")) if part)
            contains, scopes = (tuple(entry.get(field) or ()) for field in ("matchContains", "matchScopes"))
            limits.append(Limited(resource, contains, scopes))
        return cls(objects, client, limits)

    def handles(self, attrs: Attributes) -> bool:
        if attrs.obj is None or not attrs.namespace or attrs.operation not in ("CREATE", "UPDATE"):
            return False
        if attrs.gvr.group_resource in _UNCOUNTED or attrs.gvr.group in _REVIEWS:
            return False
        evaluator = evaluator_of(attrs.gvr.group_resource)
        return evaluator.handles(attrs.operation, attrs.subresource, attrs.obj, attrs.old)

    async def validate(self, attrs: Attributes) -> None:
        if not self._limits and not self._objects.cached_list(RESOURCE_QUOTAS, attrs.namespace):
            return
        namespace = attrs.namespace
        lock = self._locks.setdefault(namespace, asyncio.Lock())
        self._waiting[namespace] += 1
        try:
            async with lock:
                await self._charge(attrs)
        finally:
            self._waiting[namespace] -= 1
            if not self._waiting[namespace]:
                del self._waiting[namespace], self._locks[namespace]

    async def _charge(self, attrs: Attributes) -> None:
        """Quotas whose swap fails are read anew and charged again, the others not."""
        assert attrs.obj is not None
        quotas = self._objects.cached_list(RESOURCE_QUOTAS, attrs.namespace)
        write = Write(evaluator_of(attrs.gvr.group_resource), attrs.obj, attrs.old, clock.now())
        if self._limits:
            self._check_limited(attrs, quotas, write)
        for attempt in range(_ATTEMPTS):
            try:
                wanted = charged(quotas, write)
            except QuotaExceeded as why:
                raise attrs.forbid(str(why)) from None
            if attrs.dry_run:
                return
            lost = []
            for quota, used in wanted:
                try:
                    await self._client.update(RESOURCE_QUOTAS, with_used(quota, used), subresource="status")
                except StatusError as error:
                    if error.code == 404:
                        continue  # nobody limits any more
                    if error.code != 409 or attempt == _ATTEMPTS - 1:
                        raise
                    lost.append(meta.name(quota))
            if not lost:
                return
            quotas = [found for name in lost if (found := await self._read(name, attrs.namespace)) is not None]

    def _check_limited(self, attrs: Attributes, quotas: Sequence[Object], write: Write) -> None:
        names, scopes = uncovered(self._limits, quotas, write)
        if names:
            raise attrs.forbid(f"insufficient quota to consume: {','.join(names)}")
        if scopes:
            raise StatusError(500, "", f"insufficient quota to match these scopes: {shown(scopes)}")

    async def _read(self, name: str, namespace: str) -> Object | None:
        try:
            return await self._objects.get(RESOURCE_QUOTAS, name, namespace)
        except StatusError as error:
            if error.code != 404:
                raise
            return None


def with_used(quota: Object, used: Amounts) -> Object:
    status = {**(quota.get("status") or {}), "used": {name: str(amount) for name, amount in used.items()}}
    return {**quota, "status": status}
