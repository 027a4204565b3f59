"""Who a pod of a StatefulSet is: its ordinal, name, labels, host name and claims."""

import re
from typing import Any

from pynetes.apimachinery import meta

Object = dict[str, Any]

POD_NAME_LABEL = "statefulset.kubernetes.io/pod-name"
POD_INDEX_LABEL = "apps.kubernetes.io/pod-index"
REVISION_LABEL = "controller-revision-hash"
_NAME = re.compile(r"(.*)-([0-9]+)")


def split(pod_name: str) -> tuple[str, int]:
    """(set's name, ordinal) of a pod's name; ordinal -1 if it has none."""
    match = _NAME.fullmatch(pod_name)
    if match is None or int(match.group(2)) >= 2**31:
        return "", -1
    return match.group(1), int(match.group(2))


def ordinal(pod: Object) -> int:
    return split(meta.name(pod))[1]


def is_member(stateful_set: Object, pod: Object) -> bool:
    return split(meta.name(pod))[0] == meta.name(stateful_set)


def ordinals(stateful_set: Object) -> range:
    spec = stateful_set["spec"]
    start = (spec.get("ordinals") or {}).get("start") or 0
    wanted = spec.get("replicas")
    return range(start, start + (1 if wanted is None else wanted))


def pod_name(stateful_set: Object, index: int) -> str:
    return f"{meta.name(stateful_set)}-{index}"


def claim_name(stateful_set: Object, template: Object, index: int) -> str:
    return f"{meta.name(template)}-{meta.name(stateful_set)}-{index}"


def revision_of(pod: Object) -> str:
    return meta.labels(pod).get(REVISION_LABEL, "")


def new_pod(stateful_set: Object, template: Object, revision: str, index: int) -> Object:
    """The pod of an ordinal, of a revision's template."""
    name = pod_name(stateful_set, index)
    source = template.get("metadata") or {}
    metadata: Object = {
        "name": name,
        "generateName": f"{meta.name(stateful_set)}-",
        "namespace": meta.namespace(stateful_set),
        "labels": {**(source.get("labels") or {}), REVISION_LABEL: revision},
        "ownerReferences": [meta.owner_reference(stateful_set)],
    }
    for field in ("annotations", "finalizers"):
        if source.get(field):
            metadata[field] = meta.copy(source[field])
    spec = meta.copy(template.get("spec") or {})
    spec["hostname"] = name
    if stateful_set["spec"].get("serviceName"):
        spec["subdomain"] = stateful_set["spec"]["serviceName"]
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
    set_identity(stateful_set, pod)
    set_storage(stateful_set, pod)
    return pod


def set_identity(stateful_set: Object, pod: Object) -> None:
    labels = {**meta.labels(pod), POD_NAME_LABEL: meta.name(pod), POD_INDEX_LABEL: str(ordinal(pod))}
    pod["metadata"]["labels"] = labels


def set_storage(stateful_set: Object, pod: Object) -> None:
    """Volumes of claims; they come first, in place of the template's of the same names."""
    templates = stateful_set["spec"].get("volumeClaimTemplates") or []
    own = {meta.name(t): claim_name(stateful_set, t, ordinal(pod)) for t in templates}
    volumes = [{"name": name, "persistentVolumeClaim": {"claimName": claim}} for name, claim in own.items()]
    volumes += [v for v in pod["spec"].get("volumes") or () if v["name"] not in own]
    if volumes:
        pod["spec"]["volumes"] = volumes


def identity_matches(pod: Object) -> bool:
    return meta.labels(pod).get(POD_NAME_LABEL) == meta.name(pod)


def storage_matches(stateful_set: Object, pod: Object) -> bool:
    volumes = {
        v["name"]: (v.get("persistentVolumeClaim") or {}).get("claimName") for v in pod["spec"].get("volumes") or ()
    }
    for template in stateful_set["spec"].get("volumeClaimTemplates") or ():
        if volumes.get(meta.name(template)) != claim_name(stateful_set, template, ordinal(pod)):
            return False
    return True


def claims(stateful_set: Object, index: int) -> list[Object]:
    """The PersistentVolumeClaims of an ordinal."""
    out = []
    selector = (stateful_set["spec"].get("selector") or {}).get("matchLabels") or {}
    for template in stateful_set["spec"].get("volumeClaimTemplates") or ():
        claim = meta.copy(template)
        claim.pop("status", None)
        metadata = claim["metadata"]
        metadata["labels"] = {**(metadata.get("labels") or {}), **selector}
        metadata["name"] = claim_name(stateful_set, template, index)
        metadata["namespace"] = meta.namespace(stateful_set)
        claim.update(apiVersion="v1", kind="PersistentVolumeClaim")
        out.append(claim)
    return out
