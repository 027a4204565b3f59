"""The controllers that care for every kind care for custom resources, from the moment that these are served."""

import pytest
from controller_objects import owner_ref

from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.gvk import GroupVersionResource
from pynetes.apis.names import CONFIG_MAPS, CUSTOM_RESOURCE_DEFINITIONS, NAMESPACES, RESOURCE_QUOTAS

GROUP = "stable.example.com"
WIDGETS = GroupVersionResource(GROUP, "v1", "widgets")


async def establish(cluster):
    names = {"plural": "widgets", "kind": "Widget"}
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    spec = {
        "group": GROUP,
        "scope": "Namespaced",
        "names": names,
        "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
    }
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"widgets.{GROUP}"},
        "spec": spec,
    }
    await cluster.client.create(CUSTOM_RESOURCE_DEFINITIONS, definition)

    async def served():
        try:
            return await cluster.client.list(WIDGETS, "default")
        except StatusError:
            return None

    await cluster.eventually(served)


def widget(name, owner=None, **metadata):
    metadata = {"name": name, **metadata}
    if owner is not None:
        metadata["ownerReferences"] = [owner_ref(owner)]
    return {"apiVersion": f"{GROUP}/v1", "kind": "Widget", "metadata": metadata}


def config_map(name, owner=None):
    metadata = {"name": name}
    if owner is not None:
        metadata["ownerReferences"] = [owner_ref(owner)]
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}


async def test_owners_and_dependents_may_be_custom(cluster):
    await establish(cluster)
    client = cluster.client
    owner = await client.create(WIDGETS, widget("owner"), "default")
    await client.create(CONFIG_MAPS, config_map("dependent", owner), "default")
    await client.create(WIDGETS, widget("dependent", owner), "default")
    built_in = await client.create(CONFIG_MAPS, config_map("owner"), "default")
    await client.create(WIDGETS, widget("of-config", built_in), "default")
    await client.create(WIDGETS, widget("of-nobody", {**built_in, "metadata": {"name": "x", "uid": "y"}}), "default")
    await cluster.gone(WIDGETS, "of-nobody")
    await client.delete(WIDGETS, "owner", "default")
    await cluster.gone(CONFIG_MAPS, "dependent")
    await cluster.gone(WIDGETS, "dependent")
    await client.get(WIDGETS, "of-config", "default")
    await client.delete(CONFIG_MAPS, "owner", "default")
    await cluster.gone(WIDGETS, "of-config")


async def test_a_custom_owner_waits_for_its_dependents_or_lets_them_live(cluster):
    await establish(cluster)
    client = cluster.client
    first = await client.create(WIDGETS, widget("first"), "default")
    await client.create(WIDGETS, widget("held", first, finalizers=["example.com/hold"]), "default")
    await client.delete(WIDGETS, "first", "default", propagation_policy="Foreground")

    async def pressed():
        return (await client.get(WIDGETS, "held", "default"))["metadata"].get("deletionTimestamp")

    await cluster.eventually(pressed)
    waiting = await client.get(WIDGETS, "first", "default")
    assert waiting["metadata"]["finalizers"] == ["foregroundDeletion"]
    await client.patch(WIDGETS, "held", {"metadata": {"finalizers": None}}, "default", type="merge")
    await cluster.gone(WIDGETS, "first")
    second = await client.create(WIDGETS, widget("second"), "default")
    await client.create(WIDGETS, widget("orphan", second), "default")
    await client.delete(WIDGETS, "second", "default", propagation_policy="Orphan")
    await cluster.gone(WIDGETS, "second")
    left = await client.get(WIDGETS, "orphan", "default")
    assert "ownerReferences" not in left["metadata"]


async def test_a_namespace_takes_its_custom_resources_with_it(cluster):
    await establish(cluster)
    client = cluster.client
    await client.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ending"}})
    await client.create(WIDGETS, widget("a"), "ending")
    await client.create(WIDGETS, widget("held", finalizers=["example.com/hold"]), "ending")
    await client.create(WIDGETS, widget("elsewhere"), "default")
    await client.delete(NAMESPACES, "ending")
    await cluster.gone(WIDGETS, "a", "ending")

    async def told():
        status = (await client.get(NAMESPACES, "ending"))["status"]
        found = {c["type"]: c["message"] for c in status.get("conditions", ()) if c["status"] == "True"}
        return list(found.values()) if len(found) == 2 else None

    remaining, finalizers = await cluster.eventually(told)
    assert remaining == f"Some resources are remaining: widgets.{GROUP} has 1 resource instances"
    assert (
        finalizers == "Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances"
    )
    await client.patch(WIDGETS, "held", {"metadata": {"finalizers": None}}, "ending", type="merge")
    await cluster.gone(NAMESPACES, "ending", None)
    await client.get(WIDGETS, "elsewhere", "default")


async def test_a_quota_counts_them(cluster):
    await establish(cluster)
    client = cluster.client
    count = f"count/widgets.{GROUP}"
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q"}, "spec": {"hard": {count: "1"}}}
    await client.create(RESOURCE_QUOTAS, quota, "default")

    async def used():
        status = (await client.get(RESOURCE_QUOTAS, "q", "default"))["status"]
        return (status.get("used") or {}).get(count)

    assert await cluster.eventually(used) == "0"
    await client.create(WIDGETS, widget("a"), "default")
    assert await used() == "1"
    with pytest.raises(
        StatusError, match=f"exceeded quota: q, requested: {count}=1, used: {count}=1, limited: {count}=1"
    ):
        await client.create(WIDGETS, widget("b"), "default")
    await client.delete(WIDGETS, "a", "default")

    async def free():
        return await used() == "0"

    await cluster.eventually(free)
