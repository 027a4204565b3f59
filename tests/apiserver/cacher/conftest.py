"""A running cacher over a store in memory."""

from collections.abc import AsyncIterator

import pytest

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apiserver.cacher import Cacher
from pynetes.component.tasks import Tasks
from pynetes.storage import KeyValue
from pynetes.storage.memory import MemoryStore

PODS = "/registry/core/pods/"
POD = GroupVersionKind("", "v1", "Pod")


def pod(name: str, namespace: str = "default", labels: str = "", node: str = "") -> tuple[str, bytes]:
    """Key and stored value; `labels` is the JSON of them."""
    meta = f'"name":"{name}","namespace":"{namespace}"' + (f',"labels":{{{labels}}}' if labels else "")
    value = f'{{"apiVersion":"v1","kind":"Pod","metadata":{{{meta}}},"spec":{{"nodeName":"{node}"}}}}'
    return f"{PODS}{namespace}/{name}", value.encode()


def pod_fields(obj: dict) -> dict[str, str]:  # type: ignore[type-arg]
    return {"metadata.name": obj["metadata"]["name"], "spec.nodeName": obj["spec"]["nodeName"]}


class Pods:
    """Writes pods."""

    def __init__(self) -> None:
        self.store = MemoryStore()

    async def create(self, name: str, **details: str) -> KeyValue:
        return await self.store.create(*pod(name, **details))

    async def update(self, old: KeyValue, **details: str) -> KeyValue:
        namespace, name = old.key.removeprefix(PODS).split("/")
        key, value = pod(name, namespace, **details)
        return await self.store.update(key, value, expected=old.mod_revision)

    async def delete(self, old: KeyValue) -> KeyValue:
        return await self.store.delete(old.key, expected=old.mod_revision)


@pytest.fixture
async def pods() -> AsyncIterator[Pods]:
    pods = Pods()
    yield pods
    await pods.store.close()


@pytest.fixture
async def cacher(pods: Pods) -> AsyncIterator[Cacher]:
    async with Tasks("test") as tasks:
        cacher = Cacher(pods.store, PODS, gvk=POD, fields_of=pod_fields, indexed_field="spec.nodeName")
        tasks.start(cacher.run(), name="cacher")
        await cacher.ready()
        yield cacher
