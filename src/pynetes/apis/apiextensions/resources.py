"""The resources of the group, for discovery and the registry."""

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apis.apiextensions.custom_resource_definition import CustomResourceDefinitionStrategy
from pynetes.apis.resource import STATUS, Resource


def _kind(kind: str) -> GroupVersionKind:
    return GroupVersionKind("apiextensions.k8s.io", "v1", kind)


RESOURCES: tuple[Resource, ...] = (
    Resource(
        _kind("CustomResourceDefinition"),
        "customresourcedefinitions",
        namespaced=False,
        strategy=CustomResourceDefinitionStrategy(),
        short_names=("crd", "crds"),
        categories=("api-extensions",),
        subresources=(STATUS,),
        stored_upstream="v1beta1",
    ),
)
