"""The resources of the group, for discovery and the registry."""

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apis.apiregistration.api_service import APIServiceStrategy
from pynetes.apis.apiregistration.columns import API_SERVICE
from pynetes.apis.resource import STATUS, Resource


def _kind(kind: str) -> GroupVersionKind:
    return GroupVersionKind("apiregistration.k8s.io", "v1", kind)


RESOURCES: tuple[Resource, ...] = (
    Resource(
        _kind("APIService"),
        "apiservices",
        namespaced=False,
        strategy=APIServiceStrategy(),
        columns=API_SERVICE,
        categories=("api-extensions",),
        subresources=(STATUS,),
    ),
)
