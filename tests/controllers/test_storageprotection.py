"""Storage that is in use does not go away."""

from typing import Any

import pytest
from controller_cluster import Cluster

from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, PODS
from pynetes.controllers.storageprotection import uses

CLAIM = {"metadata": {"name": "p-v", "namespace": "default", "ownerReferences": [{"uid": "1", "controller": True}]}}


def pod(volume: dict[str, Any], node: str = "n1", **metadata: Any) -> dict[str, Any]:
    spec: dict[str, Any] = {"volumes": [{"name": "v", **volume}], "nodeName": node}
    return {"metadata": {"name": "p", "namespace": "default", "uid": "1", **metadata}, "spec": spec}


NAMED, OWN = {"persistentVolumeClaim": {"claimName": "p-v"}}, {"ephemeral": {}}
GONE = {"deletionTimestamp": "2026-01-01T00:00:00Z", "deletionGracePeriodSeconds": 0}


@pytest.mark.parametrize(
    ("user", "used"),
    [
        (pod(NAMED), True),
        (pod(NAMED, node=""), False),
        (pod(NAMED, **GONE), True),
        (pod(OWN), True),
        (pod(OWN, **GONE), False),
        (pod(OWN, uid="2"), False),
        (pod({"emptyDir": {}}), False),
    ],
)
def test_which_pods_hold_a_claim(user: dict[str, Any], used: bool) -> None:
    assert uses(user, CLAIM) is used


async def test_claims_and_volumes_wait_for_what_uses_them(cluster: Cluster) -> None:
    client = cluster.client
    resources = {"requests": {"storage": "1Gi"}}
    claim = {"metadata": {"name": "c"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": resources}}
    await client.create(PERSISTENT_VOLUME_CLAIMS, claim, "default")
    spec = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/x"}}
    await client.create(PERSISTENT_VOLUMES, {"metadata": {"name": "v"}, "spec": spec})
    bound = {"status": {"phase": "Bound"}}
    await client.patch(PERSISTENT_VOLUMES, "v", bound, subresource="status")
    volume = {"name": "v", "persistentVolumeClaim": {"claimName": "c"}}
    user = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}], "volumes": [volume]}}

    async def made() -> bool:
        try:
            await client.create(PODS, user, "default")
        except StatusError as error:
            if error.code == 403:  # the default account is not there yet
                return False
            raise
        return True

    await cluster.eventually(made)

    async def placed() -> bool:
        return bool((await client.get(PODS, "p", "default"))["spec"].get("nodeName"))

    await cluster.eventually(placed)
    await client.delete(PERSISTENT_VOLUME_CLAIMS, "c", "default")
    await client.delete(PERSISTENT_VOLUMES, "v")
    held = await client.get(PERSISTENT_VOLUME_CLAIMS, "c", "default")
    assert held["metadata"]["deletionTimestamp"]
    await client.delete(PODS, "p", "default")
    await cluster.gone(PERSISTENT_VOLUME_CLAIMS, "c")
    held = await client.get(PERSISTENT_VOLUMES, "v")
    assert held["metadata"]["finalizers"] == ["kubernetes.io/pv-protection"]
    await client.patch(PERSISTENT_VOLUMES, "v", {"status": {"phase": "Released"}}, subresource="status")
    await cluster.gone(PERSISTENT_VOLUMES, "v", None)
