"""The resources of the group, for discovery and the registry."""

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apis.events.columns import EVENT
from pynetes.apis.events.event import NewEventStrategy
from pynetes.apis.resource import Resource


def _kind(kind: str) -> GroupVersionKind:
    return GroupVersionKind("events.k8s.io", "v1", kind)


RESOURCES: tuple[Resource, ...] = (
    Resource(
        _kind("Event"),
        "events",
        namespaced=True,
        strategy=NewEventStrategy(),
        columns=EVENT,
        short_names=("ev",),
        own_rules=True,
        storage_gvk=GroupVersionKind("", "v1", "Event"),
    ),
)
