"""NodeRestriction: what a kubelet may write, beyond what the node authorizer can tell from the request alone.

Its own Node (without taints, owners and labels that steer scheduling), the status of its own pods, mirror pods, its own
Lease, CSINode and ResourceSlices, and tokens for pods that run on it.
"""

import base64
from collections.abc import Awaitable, Callable
from typing import Any

from cryptography import x509
from cryptography.x509.oid import NameOID

from pynetes.apimachinery.errors import StatusError, aggregate, not_found
from pynetes.apimachinery.gvk import GroupVersionResource
from pynetes.apis.certificates.signing_request_validation import request_problem
from pynetes.apis.core.pod_references import referenced_names
from pynetes.apis.names import CSI_DRIVERS, NODES, PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, PODS
from pynetes.apiserver.admission.attributes import Attributes, Plugin
from pynetes.apiserver.authentication.user import NODE_PREFIX
from pynetes.apiserver.authentication.user import NODES as NODES_GROUP
from pynetes.apiserver.authorization import attributes as authorization
from pynetes.apiserver.authorization.attributes import Authorizer
from pynetes.apiserver.objects import ObjectReader, find

MIRROR = "kubernetes.io/config.mirror"
LEASE_NAMESPACE = "kube-node-lease"
RESTRICTED_LABELS = "node-restriction.kubernetes.io"
KUBELET_LABELS = frozenset(
    (
        "kubernetes.io/hostname",
        "topology.kubernetes.io/zone",
        "topology.kubernetes.io/region",
        "failure-domain.beta.kubernetes.io/zone",
        "failure-domain.beta.kubernetes.io/region",
        "beta.kubernetes.io/instance-type",
        "node.kubernetes.io/instance-type",
        "kubernetes.io/os",
        "kubernetes.io/arch",
        "beta.kubernetes.io/os",
        "beta.kubernetes.io/arch",
    )
)
KUBELET_LABEL_NAMESPACES = ("kubelet.kubernetes.io", "node.kubernetes.io")
_NODE_SIGNERS = ("kubernetes.io/kubelet-serving", "kubernetes.io/kube-apiserver-client-kubelet")
#: Volumes of a mirror pod that need nothing of the API server are all others than these.
_REFERRING_VOLUMES = {
    "csi": "csidrivers (via CSI volumes)",
    "glusterfs": "endpoints (via glusterFS volumes)",
    "persistentVolumeClaim": "persistentvolumeclaims",
    "ephemeral": "persistentvolumeclaims (via ephemeral volumes)",
}
_REFERRING_PROJECTIONS = {
    "serviceAccountToken": "serviceaccounts (via projected volumes)",
    "clusterTrustBundle": "clustertrustbundles",
    "podCertificate": "podcertificates",
}

Object = dict[str, Any]
Check = Callable[["NodeRestriction", str, Attributes], Awaitable[None]]
#: In-tree sources of volumes, and the drivers that serve them today.
_MIGRATED = {
    "awsElasticBlockStore": "ebs.csi.aws.com",
    "azureDisk": "disk.csi.azure.com",
    "azureFile": "file.csi.azure.com",
    "cinder": "cinder.csi.openstack.org",
    "gcePersistentDisk": "pd.csi.storage.gke.io",
    "portworxVolume": "pxd.portworx.com",
    "vsphereVolume": "csi.vsphere.vmware.com",
}


class NodeRestriction(Plugin):
    name = "NodeRestriction"

    def __init__(self, objects: ObjectReader, authorizer: Authorizer) -> None:
        self.objects = objects
        self.authorizer = authorizer

    def handles(self, attrs: Attributes) -> bool:
        return NODES_GROUP in attrs.user.groups and attrs.user.name.startswith(NODE_PREFIX)

    async def admit(self, attrs: Attributes) -> None:
        node = attrs.user.node_name
        if not node:
            raise attrs.forbid(f'could not determine node from user "{attrs.user.name}"')
        check = _CHECKS.get((attrs.gvr.group, attrs.gvr.resource))
        if check is not None:
            await check(self, node, attrs)

    async def pod(self, attrs: Attributes, name: str) -> Object:
        return await find(self.objects, PODS, name, attrs.namespace)


async def _pod(plugin: NodeRestriction, node: str, attrs: Attributes) -> None:
    if attrs.subresource == "status":
        _check_pod_status(node, attrs)
    elif attrs.subresource == "eviction":
        await _check_eviction(plugin, node, attrs)
    elif attrs.subresource:
        raise attrs.forbid(
            f"unexpected pod subresource \"{attrs.subresource}\", only 'status' and 'eviction' are allowed"
        )
    elif attrs.operation == "CREATE":
        await _check_mirror_pod(plugin, node, attrs)
    elif attrs.operation == "DELETE":
        live = await plugin.pod(attrs, attrs.name)
        if _node_of(live) != node:
            raise attrs.forbid(f'node "{node}" can only delete pods with spec.nodeName set to itself')
    else:
        raise attrs.forbid(
            f'unexpected operation "{attrs.operation}", node "{node}" can only create and delete mirror pods'
        )


async def _check_mirror_pod(plugin: NodeRestriction, node: str, attrs: Attributes) -> None:
    pod = _object(attrs)
    if MIRROR not in (pod["metadata"].get("annotations") or {}):
        raise attrs.forbid(f'pod does not have "{MIRROR}" annotation, node "{node}" can only create mirror pods')
    if _node_of(pod) != node:
        raise attrs.forbid(f'node "{node}" can only create pods with spec.nodeName set to itself')
    owners = pod["metadata"].get("ownerReferences") or []
    problem = _owner_problem(owners, node)
    if problem:
        raise attrs.forbid(f'node "{node}" {problem}')
    uid = (await find(plugin.objects, NODES, node))["metadata"].get("uid")
    if owners[0].get("uid") != uid:
        raise attrs.forbid(f"node {node} UID mismatch: expected {owners[0].get('uid')} got {uid}")
    referred = referred_resource(pod.get("spec") or {})
    if referred:
        raise attrs.forbid(f'node "{node}" can not create pods that reference {referred}')


def _owner_problem(owners: list[Object], node: str) -> str:
    if len(owners) > 1:
        return "can only create pods with a single owner reference set to itself"
    if not owners or (owners[0].get("apiVersion"), owners[0].get("kind"), owners[0].get("name")) != (
        "v1",
        "Node",
        node,
    ):
        return "can only create pods with an owner reference set to itself"
    if not owners[0].get("controller"):
        return "can only create pods with a controller owner reference set to itself"
    if owners[0].get("blockOwnerDeletion"):
        return "must not set blockOwnerDeletion on an owner reference"
    return ""


def referred_resource(spec: Object) -> str:
    """A resource of the API that a pod needs; "" if it needs none."""
    if spec.get("serviceAccountName"):
        return "serviceaccounts"
    named = {kind for kind, name in referenced_names("", spec, {}) if name}
    for kind, resource in (("Secret", "secrets"), ("ConfigMap", "configmaps"), ("ResourceClaim", "resourceclaims")):
        if kind in named:
            return resource
    if spec.get("resourceClaims"):
        return "resourceclaims"
    for volume in spec.get("volumes") or ():
        sources = (volume.get("projected") or {}).get("sources") or ()
        referring = [text for field, text in _REFERRING_VOLUMES.items() if volume.get(field)]
        referring += [text for s in sources for field, text in _REFERRING_PROJECTIONS.items() if s.get(field)]
        if referring:
            return referring[0]
    return ""


def _check_pod_status(node: str, attrs: Attributes) -> None:
    if attrs.operation != "UPDATE" or attrs.old is None:
        raise attrs.forbid(f'unexpected operation "{attrs.operation}"')
    old, new = attrs.old, _object(attrs)
    if _node_of(old) != node:
        raise attrs.forbid(f'node "{node}" can only update pod status for pods with spec.nodeName set to itself')
    if (old["metadata"].get("labels") or {}) != (new["metadata"].get("labels") or {}):
        raise attrs.forbid(f'node "{node}" cannot update labels through pod status')
    before, after = old.get("status") or {}, new.get("status") or {}
    if (before.get("resourceClaimStatuses") or []) != (after.get("resourceClaimStatuses") or []):
        raise attrs.forbid(f'node "{node}" cannot update resource claim statues')
    if before.get("extendedResourceClaimStatus") != after.get("extendedResourceClaimStatus"):
        raise attrs.forbid(f'node "{node}" cannot update extended resource claim status')


async def _check_eviction(plugin: NodeRestriction, node: str, attrs: Attributes) -> None:
    if attrs.operation != "CREATE":
        raise attrs.forbid(f"unexpected operation {attrs.operation}")
    name = attrs.name or (_object(attrs).get("metadata") or {}).get("name")
    if not name:
        raise attrs.forbid("could not determine pod from request data")
    if _node_of(await plugin.pod(attrs, name)) != node:
        raise attrs.forbid(f"node {node} can only evict pods with spec.nodeName set to itself")


async def _claim(plugin: NodeRestriction, node: str, attrs: Attributes) -> None:
    if attrs.subresource != "status":
        raise attrs.forbid("may only update PVC status")
    if attrs.operation != "UPDATE" or attrs.old is None:
        raise attrs.forbid(f'unexpected operation "{attrs.operation}"')
    if _without_size(attrs.old) != _without_size(_object(attrs)):
        raise attrs.forbid(
            f'node "{node}" is not allowed to update fields other than status.quantity and status.conditions'
        )


def _without_size(claim: Object) -> Object:
    metadata = {k: v for k, v in claim["metadata"].items() if k not in ("resourceVersion", "managedFields")}
    sizes = ("capacity", "conditions", "allocatedResources", "allocatedResourceStatuses")
    status = {k: v for k, v in (claim.get("status") or {}).items() if k not in sizes}
    return {**claim, "metadata": metadata, "status": status}


async def _node(plugin: NodeRestriction, node: str, attrs: Attributes) -> None:
    name = attrs.name or (_object(attrs)["metadata"].get("name") if attrs.obj else "")
    if name != node:
        raise attrs.forbid(f'node "{node}" is not allowed to modify node "{name}"')
    if attrs.operation == "CREATE":
        labels = forbidden_labels(_object(attrs)["metadata"].get("labels") or {}, {})
        if labels:
            raise attrs.forbid(f'node "{node}" is not allowed to set the following labels: {", ".join(labels)}')
    elif attrs.operation == "UPDATE" and attrs.old is not None:
        _check_node_update(node, attrs, attrs.old, _object(attrs))


def _check_node_update(node: str, attrs: Attributes, old: Object, new: Object) -> None:
    before, after = old.get("spec") or {}, new.get("spec") or {}
    if after.get("configSource") and after["configSource"] != before.get("configSource"):
        raise attrs.forbid(f'node "{node}" is not allowed to update configSource to a new non-nil configSource')
    if (before.get("taints") or []) != (after.get("taints") or []):
        raise attrs.forbid(f'node "{node}" is not allowed to modify taints')
    if (old["metadata"].get("ownerReferences") or []) != (new["metadata"].get("ownerReferences") or []):
        raise attrs.forbid(f'node "{node}" is not allowed to modify ownerReferences')
    labels = forbidden_labels(new["metadata"].get("labels") or {}, old["metadata"].get("labels") or {})
    if labels:
        raise attrs.forbid(f"is not allowed to modify labels: {', '.join(labels)}")


def forbidden_labels(new: dict[str, str], old: dict[str, str]) -> list[str]:
    """Changed labels that a kubelet may not touch: those of node-restriction, and Kubernetes' own but its few."""
    changed = {key for key in (*new, *old) if new.get(key) != old.get(key)}
    return sorted(key for key in changed if _is_restricted(key))


def _is_restricted(key: str) -> bool:
    namespace = key.partition("/")[0] if "/" in key else ""
    if _within(namespace, RESTRICTED_LABELS):
        return True
    if not (_within(namespace, "kubernetes.io") or _within(namespace, "k8s.io")):
        return False
    return key not in KUBELET_LABELS and not any(_within(namespace, own) for own in KUBELET_LABEL_NAMESPACES)


def _within(namespace: str, domain: str) -> bool:
    return namespace == domain or namespace.endswith("." + domain)


async def _service_account(plugin: NodeRestriction, node: str, attrs: Attributes) -> None:
    if attrs.operation != "CREATE" or attrs.subresource != "token":
        return
    spec = _object(attrs).get("spec") or {}
    bound = spec.get("boundObjectRef") or {}
    if bound.get("apiVersion") != "v1" or bound.get("kind") != "Pod" or not bound.get("name"):
        raise attrs.forbid("node requested token not bound to a pod")
    if not bound.get("uid"):
        raise attrs.forbid("node requested token with a pod binding without a uid")
    pod = await plugin.pod(attrs, bound["name"])
    if bound["uid"] != pod["metadata"].get("uid"):
        raise attrs.forbid(
            f"the UID in the bound object reference ({bound['uid']}) does not match the UID in record. "
            "The object might have been deleted and then recreated"
        )
    if _node_of(pod) != node:
        raise attrs.forbid("node requested token bound to a pod scheduled on a different node")
    await _check_audience(plugin, attrs, spec.get("audiences") or [], pod)


async def _check_audience(plugin: NodeRestriction, attrs: Attributes, audiences: list[str], pod: Object) -> None:
    """A kubelet gets tokens only for audiences that the pod's volumes name, or that a role lets it ask for."""
    if len(audiences) > 1:
        raise attrs.forbid("node may only request 0 or 1 audiences")
    audience = audiences[0] if audiences else ""
    try:
        if await _names_audience(plugin.objects, pod, audience):
            return
    except ValueError as error:
        raise attrs.forbid(f'error validating audience "{audience}": {error}') from None
    question = authorization.Attributes(
        attrs.user,
        "request-serviceaccounts-token-audience",
        version="v1",
        resource=audience,
        namespace=attrs.namespace,
        name=attrs.name,
    )
    if not (await authorization.decide(plugin.authorizer, question)).allowed:
        raise attrs.forbid(
            f'audience "{audience}" not found in pod spec volume, {attrs.user.name} is not authorized to request '
            "tokens for this audience"
        )


async def _names_audience(objects: ObjectReader, pod: Object, audience: str) -> bool:
    """Whether a volume of the pod does; ValueError if none does and some could not be looked through."""
    problems = []
    for volume in (pod.get("spec") or {}).get("volumes") or ():
        for source in (volume.get("projected") or {}).get("sources") or ():
            token = source.get("serviceAccountToken")
            if token is not None and (token.get("audience") or "") == audience:
                return True
        try:
            driver = await _driver(objects, pod, volume)
            if driver and await _driver_wants(objects, driver, audience):
                return True
        except ValueError as error:
            problems.append(str(error))
    if problems:
        raise ValueError(aggregate(problems))
    return False


async def _driver(objects: ObjectReader, pod: Object, volume: Object) -> str:
    """The CSI driver behind a volume, if there is one."""
    claim = (volume.get("persistentVolumeClaim") or {}).get("claimName")
    if (volume.get("ephemeral") or {}).get("volumeClaimTemplate"):
        claim = f"{pod['metadata']['name']}-{volume['name']}"
    if not claim:
        return _driver_of(volume)
    live = await _found(objects, PERSISTENT_VOLUME_CLAIMS, claim, pod["metadata"].get("namespace"))
    bound = await _found(objects, PERSISTENT_VOLUMES, (live.get("spec") or {}).get("volumeName") or "")
    return _driver_of(bound.get("spec") or {})


def _driver_of(source: Object) -> str:
    """The driver of a volume's or a persistent volume's source: named, or that in-tree sources have moved to."""
    named = str((source.get("csi") or {}).get("driver") or "")
    return named or next((driver for field, driver in _MIGRATED.items() if source.get(field)), "")


async def _driver_wants(objects: ObjectReader, driver: str, audience: str) -> bool:
    live = await _found(objects, CSI_DRIVERS, driver)
    requests = (live.get("spec") or {}).get("tokenRequests") or ()
    return any((request.get("audience") or "") == audience for request in requests)


async def _found(objects: ObjectReader, gvr: GroupVersionResource, name: str, namespace: str | None = None) -> Object:
    """ValueError, in the words of upstream's listers, if there is none."""
    try:
        return await find(objects, gvr, name, namespace)
    except StatusError as error:
        singular = gvr.resource.removesuffix("s")
        raise ValueError(not_found(f"{singular}.{gvr.group}" if gvr.group else singular, name).message) from error


async def _lease(plugin: NodeRestriction, node: str, attrs: Attributes) -> None:
    if attrs.namespace != LEASE_NAMESPACE:
        raise attrs.forbid(f'can only access leases in the "{LEASE_NAMESPACE}" system namespace')
    if _own_name(attrs) != node:
        raise attrs.forbid("can only access node lease with the same name as the requesting node")


async def _csi_node(plugin: NodeRestriction, node: str, attrs: Attributes) -> None:
    if _own_name(attrs) != node:
        raise attrs.forbid("can only access CSINode with the same name as the requesting node")


async def _slice(plugin: NodeRestriction, node: str, attrs: Attributes) -> None:
    verb = {"CREATE": "create", "DELETE": "delete"}.get(attrs.operation)
    subject = attrs.obj if attrs.operation == "CREATE" else attrs.old
    if verb and _node_of(subject or {}) != node:
        raise attrs.forbid(f"can only {verb} ResourceSlice with the same NodeName as the requesting node")


async def _signing_request(plugin: NodeRestriction, node: str, attrs: Attributes) -> None:
    spec = _object(attrs).get("spec") or {} if attrs.operation == "CREATE" else {}
    if spec.get("signerName") not in _NODE_SIGNERS:
        return
    expected = NODE_PREFIX + node
    if problem := request_problem(spec.get("request") or ""):
        raise attrs.forbid(f"unable to parse csr: {problem}")
    request = x509.load_pem_x509_csr(base64.b64decode(spec["request"]))
    stated = request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if not stated or stated[0].value != expected:
        raise attrs.forbid(f"can only create a node CSR with CN={expected}")


def _object(attrs: Attributes) -> Object:
    if attrs.obj is None:
        raise attrs.forbid("unexpected type <nil>")
    return attrs.obj


def _own_name(attrs: Attributes) -> str:
    if attrs.operation == "CREATE":
        return str(_object(attrs)["metadata"].get("name") or "")
    return attrs.name


def _node_of(obj: Object) -> str:
    return (obj.get("spec") or {}).get("nodeName") or ""


_CHECKS: dict[tuple[str, str], Check] = {
    ("", "pods"): _pod,
    ("", "nodes"): _node,
    ("", "persistentvolumeclaims"): _claim,
    ("", "serviceaccounts"): _service_account,
    ("coordination.k8s.io", "leases"): _lease,
    ("storage.k8s.io", "csinodes"): _csi_node,
    ("resource.k8s.io", "resourceslices"): _slice,
    ("certificates.k8s.io", "certificatesigningrequests"): _signing_request,
}
