"""Every built-in resource, in the order in which discovery shows groups and versions (preferred version first)."""

from functools import lru_cache

from pynetes.apimachinery.gvk import GroupVersionKind, GroupVersionResource
from pynetes.apis.admissionregistration.resources import RESOURCES as ADMISSIONREGISTRATION
from pynetes.apis.apiextensions.resources import RESOURCES as APIEXTENSIONS
from pynetes.apis.apiregistration.resources import RESOURCES as APIREGISTRATION
from pynetes.apis.apps.resources import RESOURCES as APPS
from pynetes.apis.authentication.resources import RESOURCES as AUTHENTICATION
from pynetes.apis.authorization.resources import RESOURCES as AUTHORIZATION
from pynetes.apis.autoscaling.resources import RESOURCES as AUTOSCALING
from pynetes.apis.batch.resources import RESOURCES as BATCH
from pynetes.apis.certificates.resources import RESOURCES as CERTIFICATES
from pynetes.apis.coordination.resources import RESOURCES as COORDINATION
from pynetes.apis.core.resources import RESOURCES as CORE
from pynetes.apis.discovery.resources import RESOURCES as DISCOVERY
from pynetes.apis.dra.resources import RESOURCES as DRA
from pynetes.apis.events.resources import RESOURCES as EVENTS
from pynetes.apis.flowcontrol.resources import RESOURCES as FLOWCONTROL
from pynetes.apis.networking.resources import RESOURCES as NETWORKING
from pynetes.apis.node.resources import RESOURCES as NODE
from pynetes.apis.policy.resources import RESOURCES as POLICY
from pynetes.apis.rbac.resources import RESOURCES as RBAC
from pynetes.apis.resource import Resource
from pynetes.apis.scheduling.resources import RESOURCES as SCHEDULING
from pynetes.apis.storage.resources import RESOURCES as STORAGE

RESOURCES: tuple[Resource, ...] = (
    *CORE,
    *APIREGISTRATION,
    *APPS,
    *EVENTS,
    *AUTHENTICATION,
    *AUTHORIZATION,
    *AUTOSCALING,
    *BATCH,
    *CERTIFICATES,
    *NETWORKING,
    *POLICY,
    *RBAC,
    *STORAGE,
    *ADMISSIONREGISTRATION,
    *APIEXTENSIONS,
    *SCHEDULING,
    *COORDINATION,
    *NODE,
    *DISCOVERY,
    *DRA,
    *FLOWCONTROL,
)

_BY_GVR = {r.gvr: r for r in RESOURCES}
_BY_GVK = {r.gvk: r for r in RESOURCES}


def by_gvr(gvr: GroupVersionResource) -> Resource | None:
    return _BY_GVR.get(gvr)


def by_gvk(gvk: GroupVersionKind) -> Resource | None:
    return _BY_GVK.get(gvk)


@lru_cache(maxsize=1)
def groups() -> dict[str, tuple[str, ...]]:
    """Group → versions, the preferred one first, in discovery's order."""
    found: dict[str, list[str]] = {}
    for resource in RESOURCES:
        versions = found.setdefault(resource.gvk.group, [])
        if resource.gvk.version not in versions:
            versions.append(resource.gvk.version)
    return {group: tuple(versions) for group, versions in found.items()}


def preferred(group: str, plural: str) -> Resource | None:
    """The resource of a group in its preferred version."""
    return next((r for r in RESOURCES if r.gvk.group == group and r.plural == plural), None)
