"""Devices of a claim: administrators' access is for namespaces that are labelled for it, and who says that devices were
given, or how they are, must be allowed that.

Upstream checks this in the registry of the two kinds; here it takes part as one of the first admission plugins.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec.structs import replace

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import FieldError, field_forbidden, internal_error, invalid
from pynetes.apimachinery.names import dns1123_subdomain
from pynetes.apis.dra.claim_status_validation import device_id
from pynetes.apis.equality import semantic_equal
from pynetes.apis.names import NAMESPACES
from pynetes.apiserver.admission.attributes import Attributes, Objects, Plugin
from pynetes.apiserver.authentication.user import NODE_NAME, UserInfo
from pynetes.apiserver.authorization.attributes import Attributes as Asked
from pynetes.apiserver.authorization.attributes import Authorizer, decide, forbidden

Object = dict[str, Any]

_GROUP = "resource.k8s.io"
_LABEL = "resource.kubernetes.io/admin-access"


class ResourceClaimAuthorization(Plugin):
    name = "ResourceClaimAuthorization"
    asks_only_kind = True

    def __init__(self, objects: Objects, authorizer: Authorizer) -> None:
        self._objects = objects
        self._authorizer = authorizer

    def handles(self, attrs: Attributes) -> bool:
        if attrs.gvr.group != _GROUP or attrs.gvr.resource not in ("resourceclaims", "resourceclaimtemplates"):
            return False
        return (attrs.operation, attrs.subresource) in (("CREATE", ""), ("UPDATE", "status"))

    async def admit(self, attrs: Attributes) -> None:
        """Asked first, so that who may not is told so whatever else is wrong; what plugins change is asked again."""
        await self.validate(attrs)

    async def validate(self, attrs: Attributes) -> None:
        assert attrs.obj is not None
        if attrs.operation == "CREATE":
            found = [*self._unlabelled(attrs, administered_request(attrs.kind.kind, attrs.obj))]
        else:
            new, old = attrs.obj.get("status") or {}, (attrs.old or {}).get("status") or {}
            place = "" if administered_result(old) else administered_result(new)
            found = [*self._unlabelled(attrs, place), *await self._status(attrs, new, old)]
        if found:
            raise invalid(attrs.kind.kind, _GROUP, attrs.name, found)

    def _unlabelled(self, attrs: Attributes, place: str) -> Iterator[FieldError]:
        """`place`: the field that asks for administrators' access; "" if none does."""
        if not place:
            return
        namespace = self._objects.cached_get(NAMESPACES, attrs.namespace)
        if namespace is None:
            why = f'could not retrieve namespace to verify admin access: namespaces "{attrs.namespace}" not found'
            yield internal_error(place, why)
        elif meta.labels(namespace).get(_LABEL) != "true":
            why = f"admin access to devices requires the `{_LABEL}: true` label on the containing namespace"
            yield field_forbidden(place, why)

    async def _status(self, attrs: Attributes, new: Object, old: Object) -> list[FieldError]:
        verb = "patch" if attrs.patch else "update"
        asked = Asked(attrs.user, verb, _GROUP, attrs.gvr.version, "resourceclaims")
        found = []
        same = all(semantic_equal(new.get(field), old.get(field), field) for field in ("allocation", "reservedFor"))
        if not same and (why := await self._refused([replace(asked, subresource="binding")])):
            what = "status.allocation or status.reservedFor"
            needed = f'resource="resourceclaims/binding", verb="{verb}"'
            found.append(field_forbidden("status.allocation", f"changing {what} requires {needed} permission: {why}"))
        if new.get("allocation") is None:
            return found
        prefixes = ("associated-node", "arbitrary-node") if on_node(attrs.user, new) else ("arbitrary-node",)
        verbs = [f"{prefix}:{verb}" for prefix in prefixes]
        for driver in changed_drivers(new.get("devices") or (), old.get("devices") or ()):
            about = replace(asked, subresource="driver", namespace=attrs.namespace, name=driver)
            if why := await self._refused([replace(about, verb=each) for each in verbs]):
                what = f'status.devices requires resource="resourceclaims/driver", verb="[{" ".join(verbs)}]"'
                found.append(field_forbidden("status.devices", f"changing {what} permission: {why}"))
        return found

    async def _refused(self, questions: Iterable[Asked]) -> str:
        """Why the first of the questions is answered with no; "" if any of them is with yes."""
        first = ""
        for question in questions:
            decision = await decide(self._authorizer, question)
            if decision.allowed:
                return ""
            reason = ": ".join(filter(None, (decision.error, decision.reason)))
            first = first or forbidden(question, reason).message
        return first


def administered_request(kind: str, obj: Object) -> str:
    """The first request of a claim, or of a template's, for administrators' access; "" if there is none."""
    spec = obj.get("spec") or {}
    spec = spec if kind == "ResourceClaim" else spec.get("spec") or {}
    for index, request in enumerate((spec.get("devices") or {}).get("requests") or ()):
        if (request.get("exactly") or {}).get("adminAccess"):
            return f"spec.devices.requests[{index}].adminAccess"
    return ""


def administered_result(status: Object) -> str:
    """The same of what was given."""
    devices = (status.get("allocation") or {}).get("devices") or {}
    for index, result in enumerate(devices.get("results") or ()):
        if result.get("adminAccess"):
            return f"status.allocation.devices.results[{index}].adminAccess"
    return ""


def changed_drivers(new: Iterable[Object], old: Iterable[Object]) -> list[str]:
    """Drivers of which a device's status came, went or changed."""
    before = {device_id(device): device for device in old}
    drivers = set()
    for device in new:
        known = before.pop(device_id(device), None)
        if known is None or not semantic_equal(known, device):
            drivers.add(device.get("driver") or "")
    return sorted(drivers | {device.get("driver") or "" for device in before.values()})


def on_node(user: UserInfo, status: Object) -> bool:
    """Whether a service account is bound to the one node whose devices were given."""
    terms = ((status.get("allocation") or {}).get("nodeSelector") or {}).get("nodeSelectorTerms") or ()
    own = list(user.extra.get(NODE_NAME, ()))
    if user.service_account is None or len(own) != 1 or dns1123_subdomain(own[0]):
        return False
    requirement = {"key": "metadata.name", "operator": "In", "values": own}
    return [semantic_equal(term, {"matchFields": [requirement]}) for term in terms] == [True]
