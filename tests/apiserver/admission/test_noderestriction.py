"""NodeRestriction: what a kubelet may write, by table."""

import base64
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.gvk import GroupVersionKind, GroupVersionResource
from pynetes.apis import names
from pynetes.apiserver.admission.attributes import Attributes, Operation
from pynetes.apiserver.admission.noderestriction import NodeRestriction, forbidden_labels
from pynetes.apiserver.authentication.user import UserInfo
from pynetes.apiserver.authorization.union import ClusterAuthorizer
from pynetes.component import certificates

NODE = UserInfo("system:node:n1", groups=("system:nodes",))
OWNER = {"apiVersion": "v1", "kind": "Node", "name": "n1", "uid": "node-uid", "controller": True}


def obj(name: str = "x", namespace: str = "", **fields: Any) -> dict[str, Any]:
    metadata = {"name": name, **fields.pop("metadata", {})}
    return {"metadata": {**metadata, "namespace": namespace} if namespace else metadata, **fields}


def mirror(**fields: Any) -> dict[str, Any]:
    metadata = {"annotations": {"kubernetes.io/config.mirror": "h"}, "ownerReferences": [OWNER]}
    metadata |= fields.pop("metadata", {})
    return obj("p", "a", metadata=metadata, spec={"nodeName": "n1", **fields.pop("spec", {})})


async def admit(
    objects: Any,
    operation: Operation,
    gvr: GroupVersionResource,
    new: dict[str, Any] | None = None,
    old: dict[str, Any] | None = None,
    *,
    subresource: str = "",
    name: str = "",
    namespace: str = "",
    user: UserInfo = NODE,
) -> None:
    objects.add("nodes", obj("n1", metadata={"uid": "node-uid"}))
    objects.add("pods", obj("mine", "a", metadata={"uid": "u"}, spec={"nodeName": "n1"}))
    objects.add("pods", obj("other", "a", metadata={"uid": "u"}, spec={"nodeName": "n2"}))
    subject = new or old or {"metadata": {}}
    attrs = Attributes(
        operation,
        gvr,
        GroupVersionKind("", "v1", ""),
        namespace or subject["metadata"].get("namespace", ""),
        name or subject["metadata"].get("name", ""),
        new,
        old,
        user,
        subresource,
    )
    plugin = NodeRestriction(objects, ClusterAuthorizer())
    if plugin.handles(attrs):
        await plugin.admit(attrs)


async def refused(objects: Any, problem: str, *arguments: Any, **more: Any) -> None:
    with pytest.raises(StatusError) as caught:
        await admit(objects, *arguments, **more)
    assert caught.value.code == 403
    assert problem in caught.value.message


async def test_others_are_not_restricted(objects: Any) -> None:
    await admit(objects, "CREATE", names.PODS, obj("p", "a", spec={}), user=UserInfo("alice"))
    impostor = UserInfo("system:node:", groups=("system:nodes",))
    await refused(objects, "could not determine node", "CREATE", names.PODS, obj("p", "a"), user=impostor)


async def test_a_node_creates_mirror_pods_of_its_own_only(objects: Any) -> None:
    await admit(objects, "CREATE", names.PODS, mirror())
    cases = [
        (obj("p", "a", spec={"nodeName": "n1"}), 'node "n1" can only create mirror pods'),
        (mirror(spec={"nodeName": "n2"}), "with spec.nodeName set to itself"),
        (mirror(metadata={"ownerReferences": []}), "with an owner reference set to itself"),
        (mirror(metadata={"ownerReferences": [OWNER, OWNER]}), "with a single owner reference set to itself"),
        (mirror(metadata={"ownerReferences": [{**OWNER, "controller": False}]}), "with a controller owner reference"),
        (
            mirror(metadata={"ownerReferences": [{**OWNER, "uid": "z"}]}),
            "node n1 UID mismatch: expected z got node-uid",
        ),
        (mirror(spec={"serviceAccountName": "x"}), "can not create pods that reference serviceaccounts"),
        (mirror(spec={"volumes": [{"name": "v", "configMap": {"name": "c"}}]}), "that reference configmaps"),
        (
            mirror(spec={"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "c"}}]}),
            "that reference persistentvolumeclaims",
        ),
    ]
    for pod, problem in cases:
        await refused(objects, problem, "CREATE", names.PODS, pod)


async def test_a_node_deletes_evicts_and_reports_its_own_pods_only(objects: Any) -> None:
    mine, other = objects, "spec.nodeName set to itself"
    await admit(mine, "DELETE", names.PODS, name="mine", namespace="a")
    await refused(objects, other, "DELETE", names.PODS, name="other", namespace="a")
    await admit(mine, "CREATE", names.PODS, obj("mine", "a"), subresource="eviction")
    await refused(objects, other, "CREATE", names.PODS, obj("other", "a"), subresource="eviction")
    old = obj("mine", "a", spec={"nodeName": "n1"}, status={})
    await admit(mine, "UPDATE", names.PODS, {**old, "status": {"phase": "Running"}}, old, subresource="status")
    labelled = obj("mine", "a", metadata={"labels": {"a": "b"}}, spec={"nodeName": "n1"})
    await refused(objects, "cannot update labels", "UPDATE", names.PODS, labelled, old, subresource="status")
    foreign = obj("other", "a", spec={"nodeName": "n2"})
    await refused(objects, other, "UPDATE", names.PODS, foreign, foreign, subresource="status")
    await refused(objects, "unexpected pod subresource", "CREATE", names.PODS, obj("mine", "a"), subresource="binding")


async def test_a_node_writes_its_own_node_without_taints_owners_and_steering_labels(objects: Any) -> None:
    await admit(objects, "CREATE", names.NODES, obj("n1", metadata={"labels": {"kubernetes.io/hostname": "n1"}}))
    await refused(objects, 'is not allowed to modify node "n2"', "CREATE", names.NODES, obj("n2"))
    role = obj("n1", metadata={"labels": {"node-role.kubernetes.io/control-plane": ""}})
    await refused(objects, "not allowed to set the following labels: node-role", "CREATE", names.NODES, role)
    old = obj("n1", metadata={"labels": {}}, spec={})
    await refused(objects, "to modify labels", "UPDATE", names.NODES, role, old)
    tainted = obj("n1", spec={"taints": [{"key": "a"}]})
    await refused(objects, "is not allowed to modify taints", "UPDATE", names.NODES, tainted, old)
    owned = obj("n1", metadata={"ownerReferences": [OWNER]}, spec={})
    await refused(objects, "is not allowed to modify ownerReferences", "UPDATE", names.NODES, owned, old)
    await admit(objects, "UPDATE", names.NODES, {**old, "status": {"phase": "x"}}, old)


@pytest.mark.parametrize(
    ("label", "free"),
    [
        ("mine", True),
        ("example.com/mine", True),
        ("kubernetes.io/arch", True),
        ("node.kubernetes.io/anything", True),
        ("sub.kubelet.kubernetes.io/anything", True),
        ("node-restriction.kubernetes.io/x", False),
        ("a.node-restriction.kubernetes.io/x", False),
        ("kubernetes.io/other", False),
        ("x.k8s.io/other", False),
    ],
)
def test_labels_that_steer_scheduling_are_not_the_kubelets(label: str, free: bool) -> None:
    assert forbidden_labels({label: "1"}, {}) == ([] if free else [label])
    assert forbidden_labels({label: "1"}, {label: "1"}) == []


async def test_leases_csi_nodes_and_slices_are_the_nodes_own(objects: Any) -> None:
    await admit(objects, "CREATE", names.LEASES, obj("n1", "kube-node-lease"))
    await refused(objects, "with the same name as", "CREATE", names.LEASES, obj("n2", "kube-node-lease"))
    await refused(objects, "can only access leases in the", "CREATE", names.LEASES, obj("n1", "default"))
    await admit(objects, "UPDATE", names.CSI_NODES, obj("n1"), obj("n1"))
    await refused(objects, "can only access CSINode", "CREATE", names.CSI_NODES, obj("n2"))
    await admit(objects, "CREATE", names.RESOURCE_SLICES, obj("s", spec={"nodeName": "n1"}))
    await refused(
        objects, "with the same NodeName", "DELETE", names.RESOURCE_SLICES, None, obj("s", spec={"nodeName": "n2"})
    )


async def test_of_claims_only_the_size_may_be_reported(objects: Any) -> None:
    old = obj("c", "a", spec={"x": 1}, status={"phase": "Bound"})
    grown = {**old, "status": {"phase": "Bound", "capacity": {"storage": "1Gi"}}}
    await admit(objects, "UPDATE", names.PERSISTENT_VOLUME_CLAIMS, grown, old, subresource="status")
    lost = {**old, "status": {"phase": "Lost"}}
    problem = "is not allowed to update fields other than"
    await refused(objects, problem, "UPDATE", names.PERSISTENT_VOLUME_CLAIMS, lost, old, subresource="status")
    await refused(objects, "may only update PVC status", "UPDATE", names.PERSISTENT_VOLUME_CLAIMS, grown, old)


def token(pod: str = "mine", uid: str = "u", *audiences: str) -> dict[str, Any]:
    bound = {"apiVersion": "v1", "kind": "Pod", "name": pod, "uid": uid}
    return obj("builder", "a", spec={"boundObjectRef": bound, "audiences": list(audiences)})


async def test_tokens_only_for_pods_on_the_node_and_audiences_they_name(objects: Any) -> None:
    async def ask(request: dict[str, Any], problem: str = "") -> None:
        if problem:
            await refused(objects, problem, "CREATE", names.SERVICE_ACCOUNTS, request, subresource="token")
        else:
            await admit(objects, "CREATE", names.SERVICE_ACCOUNTS, request, subresource="token")

    await ask(obj("builder", "a", spec={}), "node requested token not bound to a pod")
    await ask(token(uid=""), "with a pod binding without a uid")
    await ask(token(uid="z"), "the UID in the bound object reference (z)")
    await ask(token("other"), "bound to a pod scheduled on a different node")
    await ask(token(), 'audience "" not found in pod spec volume')
    sources = [{"serviceAccountToken": {"path": "t"}}, {"serviceAccountToken": {"path": "v", "audience": "vault"}}]
    volumes: list[dict[str, Any]] = [
        {"name": "v", "projected": {"sources": sources}},
        {"name": "d", "csi": {"driver": "dr"}},
    ]
    objects.add("csidrivers", obj("dr", spec={"tokenRequests": [{"audience": "csi"}]}))
    spec = {"nodeName": "n1", "volumes": volumes}
    objects.add("pods", obj("full", "a", metadata={"uid": "u"}, spec=spec))
    await ask(token("full"))
    await ask(token("full", "u", "vault"))
    await ask(token("full", "u", "csi"))
    await ask(token("full", "u", "bank"), "is not authorized to request tokens for this audience")
    await ask(token("full", "u", "vault", "csi"), "node may only request 0 or 1 audiences")
    volumes[1]["csi"]["driver"] = "other"
    missing = 'error validating audience "bank": csidriver.storage.k8s.io "other" not found'
    await ask(token("full", "u", "bank"), missing)
    volumes.append({"name": "c", "persistentVolumeClaim": {"claimName": "gone"}})
    await ask(token("full", "u", "bank"), 'not found, persistentvolumeclaim "gone" not found]')
    volumes.append({"name": "f", "azureFile": {"shareName": "s"}})
    objects.add("csidrivers", obj("file.csi.azure.com", spec={"tokenRequests": [{"audience": "bank"}]}))
    await ask(token("full", "u", "bank"))


def signing_request(common_name: str) -> dict[str, Any]:
    key = certificates.new_key()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    csr = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    pem = base64.b64encode(csr.public_bytes(serialization.Encoding.PEM)).decode()
    return obj("csr", spec={"signerName": "kubernetes.io/kubelet-serving", "request": pem})


async def test_certificates_only_for_the_nodes_own_name(objects: Any) -> None:
    await admit(objects, "CREATE", names.CERTIFICATE_SIGNING_REQUESTS, signing_request("system:node:n1"))
    await refused(
        objects,
        "can only create a node CSR with CN=system:node:n1",
        "CREATE",
        names.CERTIFICATE_SIGNING_REQUESTS,
        signing_request("admin"),
    )
    broken = obj("csr", spec={"signerName": "kubernetes.io/kubelet-serving", "request": "eA=="})
    await refused(objects, "unable to parse csr", "CREATE", names.CERTIFICATE_SIGNING_REQUESTS, broken)
