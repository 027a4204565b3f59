"""Projected volumes: several sources, tokens and their renewal."""

import base64
import stat
from typing import Any

import pytest

from pynetes.kubelet.volumes.plugin import TokenRequest, VolumeError
from pynetes.kubelet.volumes.projected import ProjectedPlugin

TOKEN = {"serviceAccountToken": {"path": "token", "expirationSeconds": 3600, "audience": "vault"}}
KUBE_API_ACCESS = [
    {"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}},
    {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
    {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"fieldPath": "metadata.namespace"}}]}},
]


@pytest.mark.root
async def test_the_default_api_access_volume(own_mounts: None, context: Any, cluster: Any) -> None:
    cluster.config_maps["kube-root-ca.crt"] = {"data": {"ca.crt": "CA"}}
    volume = context({"projected": {"sources": KUBE_API_ACCESS}})
    mounted = await ProjectedPlugin().set_up(volume)
    assert {n: (volume.path / n).read_text() for n in ("token", "ca.crt", "namespace")} == {
        "token": "token-1",
        "ca.crt": "CA",
        "namespace": "ns",
    }
    assert cluster.requests == [TokenRequest("ns", "sa", "", 3607, "p", "u-1", "n1")]
    assert mounted.refresh_at == pytest.approx(1000 + 0.8 * 3607)
    assert mounted.watches == {("ConfigMap", "ns", "kube-root-ca.crt")}


@pytest.mark.root
@pytest.mark.parametrize(
    ("spec", "mode", "owner"),
    [
        ({}, 0o644, 0),
        ({"securityContext": {"runAsUser": 1000}}, 0o600, 1000),
        ({"securityContext": {"fsGroup": 2000}}, 0o640, 0),
    ],
)
async def test_who_may_read_a_token(
    own_mounts: None, context: Any, spec: dict[str, Any], mode: int, owner: int
) -> None:
    volume = context({"projected": {"sources": [TOKEN]}}, **spec)
    await ProjectedPlugin().set_up(volume)
    status = (volume.path / "token").stat()
    assert (stat.S_IMODE(status.st_mode), status.st_uid) == (mode, owner)


@pytest.mark.root
async def test_later_sources_win_and_secrets_are_decoded(own_mounts: None, context: Any, cluster: Any) -> None:
    cluster.secrets["s"] = {"data": {"k": base64.b64encode(b"secret").decode()}}
    cluster.config_maps["c"] = {"data": {"k": "config"}}
    volume = context({"projected": {"sources": [{"configMap": {"name": "c"}}, {"secret": {"name": "s"}}]}})
    mounted = await ProjectedPlugin().set_up(volume)
    assert (volume.path / "k").read_text() == "secret"
    assert mounted.refresh_at is None


async def test_all_errors_are_told_together(context: Any, cluster: Any) -> None:
    cluster.refuse_tokens = True
    sources = [{"configMap": {"name": "c"}}, TOKEN, {"secret": {"name": "s", "optional": True}}]
    with pytest.raises(VolumeError) as caught:
        await ProjectedPlugin().set_up(context({"projected": {"sources": sources}}))
    assert str(caught.value) == '[configmap "c" not found, failed to fetch token: no]'
