"""CertificateSigningRequest: immutable but for its approval and its status, which are separate subresources.

The requestor (spec.username, uid, groups, extra) is stamped by the API server, who knows who asks.
"""

from pynetes.apimachinery import names
from pynetes.apimachinery.errors import FieldError
from pynetes.apimachinery.meta import copy
from pynetes.apimachinery.times import format_time
from pynetes.apis.certificates.signing_request_validation import conditions_of, validate_signing_request
from pynetes.apis.equality import semantic_equal
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import BOTH, Object, Requester, Strategy, take_over
from pynetes.component import clock

_APPROVAL = ("Approved", "Denied")
_REQUESTER = ("username", "uid", "groups", "extra")
_KEPT = (*_APPROVAL, "Failed")


class SigningRequestStrategy(Strategy):
    status_metadata = BOTH
    has_status = True
    selectable = frozenset(("metadata.name", "spec.signerName"))
    name_rule = staticmethod(names.path_segment_name)

    def selectable_fields(self, obj: Object) -> dict[str, str]:
        fields = super().selectable_fields(obj)
        fields["spec.signerName"] = (obj.get("spec") or {}).get("signerName") or ""
        return fields

    def record_requester(self, obj: Object, requester: Requester) -> None:
        spec = obj.setdefault("spec", {})
        for field in _REQUESTER:
            spec.pop(field, None)
        told = {
            "username": requester.name,
            "uid": requester.uid,
            "groups": list(requester.groups),
            "extra": {key: list(values) for key, values in requester.extra.items()},
        }
        spec |= {field: value for field, value in told.items() if value}

    def prepare_for_update(self, obj: Object, old: Object) -> None:
        take_over(obj, old, "spec", "status")
        self.keep_generation(obj, old)

    def prepare_for_status_update(self, obj: Object, old: Object) -> None:
        super().prepare_for_status_update(obj, old)
        for kind in _APPROVAL:
            _preserve(obj, old, kind)
        _stamp(conditions_of(obj), conditions_of(old))

    def validate(self, obj: Object) -> list[FieldError]:
        found = FieldErrors()
        validate_signing_request(found, obj)
        return found

    def validate_update(self, obj: Object, old: Object) -> list[FieldError]:
        return _validate_update(obj, old)

    def validate_status_update(self, obj: Object, old: Object) -> list[FieldError]:
        return _validate_update(obj, old, may_issue=True)


class ApprovalStrategy(SigningRequestStrategy):
    """The approval subresource: only the conditions change."""

    def prepare_for_update(self, obj: Object, old: Object) -> None:
        conditions = conditions_of(obj)
        _stamp(conditions, conditions_of(old))
        super().prepare_for_update(obj, old)
        obj["status"] = {**(obj.get("status") or {}), "conditions": conditions}
        if not conditions:
            del obj["status"]["conditions"]

    def validate_update(self, obj: Object, old: Object) -> list[FieldError]:
        return _validate_update(obj, old, may_approve=True)


def _validate_update(
    obj: Object, old: Object, *, may_approve: bool = False, may_issue: bool = False
) -> list[FieldError]:
    found = FieldErrors()
    validate_signing_request(found, obj, old)
    path = "status.conditions"
    for kind in _KEPT:
        if len(_of_type(obj, kind)) < len(_of_type(old, kind)):
            found.forbidden(path, f'updates may not remove a condition of type "{kind}"')
    for kind in () if may_approve else _APPROVAL:
        new, earlier = _of_type(obj, kind), _of_type(old, kind)
        if len(new) > len(earlier):
            found.forbidden(path, f'updates may not add a condition of type "{kind}"')
        elif len(new) == len(earlier) and not semantic_equal(new, earlier):
            found.forbidden(path, f'updates may not modify a condition of type "{kind}"')
    certificate, issued = (_certificate(o) for o in (obj, old))
    if certificate != issued and not may_issue:
        found.forbidden("status.certificate", "updates may not set certificate content")
    elif certificate != issued and issued:
        found.forbidden("status.certificate", "updates may not modify existing certificate content")
    return found


def _certificate(request: Object) -> str:
    return str((request.get("status") or {}).get("certificate") or "")


def _of_type(request: Object, kind: str) -> list[Object]:
    return [c for c in conditions_of(request) if c.get("type") == kind]


def _preserve(obj: Object, old: Object, kind: str) -> None:
    """What an approver wrote stays; adding or removing is for the validation to refuse."""
    mine, theirs = _of_type(obj, kind), _of_type(old, kind)
    if len(mine) == len(theirs):
        for condition, earlier in zip(mine, theirs, strict=True):
            condition.clear()
            condition.update(copy(earlier))


def _stamp(conditions: list[Object], earlier: list[Object]) -> None:
    now = format_time(clock.now())
    for condition in conditions:
        if not condition.get("lastUpdateTime"):
            condition["lastUpdateTime"] = now
        if not condition.get("lastTransitionTime"):
            same = (c for c in earlier if all(c.get(k) == condition.get(k) for k in ("type", "status")))
            times = (c["lastTransitionTime"] for c in same if c.get("lastTransitionTime"))
            condition["lastTransitionTime"] = next(times, now)
