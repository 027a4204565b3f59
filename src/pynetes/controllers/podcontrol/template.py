"""A pod out of a controller's template."""

from typing import Any

from pynetes.apimachinery import meta, names

Object = dict[str, Any]


def pod_from_template(template: Object, owner: Object) -> Object:
    """The pod to create: labels, annotations, finalizers and spec of the template, the owner as its controller."""
    source = template.get("metadata") or {}
    metadata: Object = {"generateName": generate_name(meta.name(owner)), "namespace": meta.namespace(owner)}
    for field in ("labels", "annotations", "finalizers"):
        if source.get(field):
            metadata[field] = meta.copy(source[field])
    metadata["ownerReferences"] = [meta.owner_reference(owner)]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": meta.copy(template.get("spec") or {})}


def generate_name(owner: str) -> str:
    """`owner-`, or `owner` where the dash would make the prefix too long for a name."""
    prefix = f"{owner}-"
    return owner if names.dns1123_subdomain(names.mask_trailing_dash(prefix)) else prefix
