"""The ServiceAccount plugin: default account, mounted token, pull secrets, mirror pods, limits on secrets."""

from typing import Any

import pytest

from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apis.names import PODS
from pynetes.apiserver.admission.attributes import Attributes
from pynetes.apiserver.admission.serviceaccount import MOUNT_PATH, ServiceAccount
from pynetes.apiserver.authentication.user import UserInfo


def attributes(pod: dict[str, Any]) -> Attributes:
    kind = GroupVersionKind("", "v1", "Pod")
    return Attributes("CREATE", PODS, kind, "a", pod["metadata"].get("name", ""), pod, None, UserInfo("alice"))


def pod(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "p", "namespace": "a"}, "spec": {"containers": [{"name": "c"}], **spec}}


def account(objects: Any, name: str = "default", **fields: Any) -> None:
    annotations = fields.pop("annotations", {})
    metadata = {"name": name, "namespace": "a", "annotations": annotations}
    objects.add("serviceaccounts", {"metadata": metadata, **fields})


async def admit(objects: Any, obj: dict[str, Any]) -> dict[str, Any]:
    plugin, attrs = ServiceAccount(objects), attributes(obj)
    assert plugin.handles(attrs)
    await plugin.admit(attrs)
    await plugin.validate(attrs)
    found: dict[str, Any] = obj["spec"]
    return found


@pytest.mark.parametrize(
    ("metadata", "name"), [({"name": "p"}, "p"), ({"generateName": "web-"}, "web-"), ({}, "Unknown")]
)
async def test_a_refusal_names_the_pod_by_what_it_has(objects: Any, metadata: dict[str, str], name: str) -> None:
    with pytest.raises(StatusError, match=f'^pods "{name}" is forbidden: error looking up service account a/default: '):
        await admit(objects, {**pod(), "metadata": metadata})


async def test_a_pod_gets_the_default_account_and_its_token(objects: Any) -> None:
    account(objects, imagePullSecrets=[{"name": "registry"}])
    spec = await admit(objects, pod(initContainers=[{"name": "i"}]))
    assert spec["serviceAccountName"] == spec["serviceAccount"] == "default"
    assert spec["imagePullSecrets"] == [{"name": "registry"}]
    volume = spec["volumes"][0]
    assert volume["name"].startswith("kube-api-access-")
    assert len(volume["name"]) == len("kube-api-access-") + 5
    assert volume["projected"] == {
        "defaultMode": 420,
        "sources": [
            {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
            {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
            {
                "downwardAPI": {
                    "items": [
                        {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}
                    ]
                }
            },
        ],
    }
    mount = {"name": volume["name"], "readOnly": True, "mountPath": MOUNT_PATH}
    assert spec["containers"][0]["volumeMounts"] == spec["initContainers"][0]["volumeMounts"] == [mount]


@pytest.mark.parametrize(
    ("of_pod", "of_account", "mounted"),
    [(None, None, True), (False, None, False), (None, False, False), (True, False, True), (False, True, False)],
)
async def test_the_pods_word_on_mounting_counts_first(
    objects: Any, of_pod: bool | None, of_account: bool | None, mounted: bool
) -> None:
    account(objects, automountServiceAccountToken=of_account)
    spec = await admit(objects, pod(automountServiceAccountToken=of_pod))
    assert bool(spec.get("volumes")) is mounted


async def test_what_is_mounted_there_already_stays(objects: Any) -> None:
    account(objects)
    mount = {"name": "mine", "mountPath": MOUNT_PATH}
    spec = await admit(objects, pod(containers=[{"name": "c", "volumeMounts": [mount]}]))
    assert spec["containers"][0]["volumeMounts"] == [mount]
    assert "volumes" not in spec
    existing = [{"name": "kube-api-access-abcde", "projected": {}}]
    spec = await admit(objects, pod(volumes=list(existing)))
    assert spec["volumes"] == existing
    assert spec["containers"][0]["volumeMounts"][0]["name"] == "kube-api-access-abcde"


async def test_an_account_that_does_not_exist_is_refused(objects: Any) -> None:
    with pytest.raises(StatusError) as caught:
        await admit(objects, pod(serviceAccountName="nobody"))
    assert caught.value.message == (
        'pods "p" is forbidden: error looking up service account a/nobody: serviceaccount "nobody" not found'
    )


async def test_the_pods_own_pull_secrets_are_kept(objects: Any) -> None:
    account(objects, imagePullSecrets=[{"name": "registry"}])
    spec = await admit(objects, pod(imagePullSecrets=[{"name": "mine"}]))
    assert spec["imagePullSecrets"] == [{"name": "mine"}]


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ({}, ""),
        ({"serviceAccountName": "x"}, "a mirror pod may not reference service accounts"),
        ({"imagePullSecrets": [{"name": "s"}]}, "a mirror pod may not reference secrets"),
        (
            {"volumes": [{"name": "v", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}}]},
            "a mirror pod may not use ServiceAccountToken volume projections",
        ),
    ],
)
async def test_mirror_pods_get_nothing_and_may_refer_to_nothing(
    objects: Any, spec: dict[str, Any], problem: str
) -> None:
    mirror = pod(**spec)
    mirror["metadata"]["annotations"] = {"kubernetes.io/config.mirror": "x"}
    if problem:
        with pytest.raises(StatusError, match=problem):
            await admit(objects, mirror)
    else:
        assert "volumes" not in await admit(objects, mirror)


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ({"volumes": [{"name": "v", "secret": {"secretName": "ok"}}]}, ""),
        (
            {"volumes": [{"name": "v", "secret": {"secretName": "no"}}]},
            'volume with secret.secretName="no" is not allowed because service account default does not reference '
            "that secret",
        ),
        (
            {"containers": [{"name": "c", "envFrom": [{"secretRef": {"name": "no"}}]}]},
            'container c with envFrom referencing secret.secretName="no" is not allowed because service account '
            "default does not reference that secret",
        ),
        (
            {"imagePullSecrets": [{"name": "no"}]},
            'imagePullSecrets[0].name="no" is not allowed because service account default does not reference that '
            "imagePullSecret",
        ),
    ],
)
async def test_an_account_may_limit_secrets_to_those_it_lists(objects: Any, spec: dict[str, Any], problem: str) -> None:
    account(objects, annotations={"kubernetes.io/enforce-mountable-secrets": "true"}, secrets=[{"name": "ok"}])
    if not problem:
        await admit(objects, pod(**spec))
        return
    with pytest.raises(StatusError) as caught:
        await admit(objects, pod(**spec))
    assert caught.value.message == f'pods "p" is forbidden: {problem}'


def test_other_requests_are_not_its_business(objects: Any) -> None:
    plugin, attrs = ServiceAccount(objects), attributes(pod())
    attrs.operation = "UPDATE"
    assert not plugin.handles(attrs)
    attrs.operation, attrs.subresource = "CREATE", "binding"
    assert not plugin.handles(attrs)
