"""Following exactly the objects that pods name."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from pynetes.component.tasks import Tasks
from pynetes.kubelet.objects import CacheError, NodeObjects, Reference, references

CM, SECRET = "/api/v1/namespaces/ns/configmaps/cm", "/api/v1/namespaces/ns/secrets/s"


def pod(uid: str = "u", **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "p", "namespace": "ns", "uid": uid}, "spec": spec}


def names_config_map(uid: str = "u") -> dict[str, Any]:
    return pod(uid, volumes=[{"name": "v", "configMap": {"name": "cm"}}])


def test_references_from_every_place() -> None:
    found = references(
        pod(
            imagePullSecrets=[{"name": "pull"}, {}],
            initContainers=[{"name": "i", "envFrom": [{"configMapRef": {"name": "cm-from"}}]}],
            containers=[
                {
                    "name": "c",
                    "envFrom": [{"secretRef": {"name": "s-from"}}],
                    "env": [
                        {"name": "A", "valueFrom": {"configMapKeyRef": {"name": "cm-key", "key": "k"}}},
                        {"name": "B", "valueFrom": {"secretKeyRef": {"name": "s-key", "key": "k"}}},
                        {"name": "C", "value": "x"},
                    ],
                }
            ],
            volumes=[
                {"name": "1", "configMap": {"name": "cm-vol"}},
                {"name": "2", "secret": {"secretName": "s-vol"}},
                {
                    "name": "3",
                    "projected": {
                        "sources": [
                            {"configMap": {"name": "cm-proj"}},
                            {"secret": {"name": "s-proj"}},
                            {"serviceAccountToken": {"path": "token"}},
                        ]
                    },
                },
                {"name": "4", "csi": {"driver": "d", "nodePublishSecretRef": {"name": "s-csi"}}},
            ],
        )
    )
    assert {(r.kind, r.name) for r in found} == {
        ("Secret", "pull"),
        ("ConfigMap", "cm-from"),
        ("Secret", "s-from"),
        ("ConfigMap", "cm-key"),
        ("Secret", "s-key"),
        ("ConfigMap", "cm-vol"),
        ("Secret", "s-vol"),
        ("ConfigMap", "cm-proj"),
        ("Secret", "s-proj"),
        ("Secret", "s-csi"),
    }


@asynccontextmanager
async def running(objects: NodeObjects) -> AsyncIterator[None]:
    async with Tasks("test") as tasks:
        tasks.start(objects.run(), name="objects")
        await asyncio.sleep(0)
        yield


async def test_an_object_is_there_after_waiting_and_its_changes_are_told(api: Any) -> None:
    told: asyncio.Queue[Reference] = asyncio.Queue()
    objects = NodeObjects(api.client)
    objects.add_listener(lambda *args: told.put_nowait(Reference(*args)))
    api.put(CM, {"kind": "ConfigMap", "data": {"a": "1"}})
    async with running(objects), asyncio.timeout(30):
        objects.register(names_config_map())
        await objects.wait_for(names_config_map())
        get = objects.getter("ConfigMap", "ns")
        found = get("cm")
        assert found is not None
        assert found["data"] == {"a": "1"}
        assert await told.get() == Reference("ConfigMap", "ns", "cm")
        api.put(CM, {"kind": "ConfigMap", "data": {"a": "2"}})
        await told.get()
        changed = await objects.config_map("ns", "cm")
        assert changed is not None
        assert changed["data"] == {"a": "2"}
        api.remove(CM)
        await told.get()
        assert await objects.config_map("ns", "cm") is None


async def test_only_named_objects_are_watched_each_by_itself(api: Any) -> None:
    objects = NodeObjects(api.client)
    api.put(CM, {"kind": "ConfigMap"})
    api.put(CM + "-other", {"kind": "ConfigMap"})
    async with running(objects), asyncio.timeout(30):
        objects.register(names_config_map())
        await objects.wait_for(names_config_map())
        assert objects.getter("ConfigMap", "ns")("cm-other") is None
        with pytest.raises(CacheError, match='object "ns"/"cm-other" not registered'):
            await objects.config_map("ns", "cm-other")


async def test_two_pods_share_a_watch_and_the_last_one_out_lets_it_linger(api: Any) -> None:
    objects = NodeObjects(api.client)
    async with running(objects), asyncio.timeout(30):
        for uid in ("1", "2"):
            objects.register(names_config_map(uid))
        await objects.wait_for(names_config_map())
        lists = [r for r in api.requests if r[1].endswith("/configmaps")]
        assert len(lists) == 1
        objects.unregister("1")
        objects.unregister("2")
        assert await objects.config_map("ns", "cm") is None, "still watched, and known not to exist"
        watched = objects._watched[Reference("ConfigMap", "ns", "cm")]
        watched.unused_since -= 61
        objects._drop_unused()
        with pytest.raises(CacheError):
            await objects.config_map("ns", "cm")


async def test_services(api: Any) -> None:
    objects = NodeObjects(api.client)
    async with running(objects), asyncio.timeout(30):
        await objects.wait_for_services()
        assert objects.services() == []
