"""PriorityLevelConfiguration: how many requests of a level run at once, and how many wait."""

import math

from pynetes.apimachinery.errors import FieldError
from pynetes.apis.field_errors import FieldErrors, go_struct
from pynetes.apis.flowcontrol.conditions import validate_conditions
from pynetes.apis.flowcontrol.mandatory import MANDATORY_LEVELS
from pynetes.apis.strategy import RESET_METADATA, WHOLE, Object, Strategy

_SHARES = 30
_MAX_HASH_BITS = 60  # what one hash of a flow can choose a hand of queues with
_QUEUING = {"handSize": 8, "queues": 64, "queueLengthLimit": 50}
_MAX_QUEUES = 10 * 1000 * 1000
_EXEMPT = "exempt"
_PERCENT = 100


class PriorityLevelStrategy(Strategy):
    update_metadata = WHOLE
    has_status = True
    maintains_generation = True
    status_keeps_metadata = RESET_METADATA

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        for key, shares in (("exempt", 0), ("limited", _SHARES)):
            part = spec.get(key)
            if part is None:
                continue
            if part.get("nominalConcurrencyShares") is None:
                part["nominalConcurrencyShares"] = shares
            if part.get("lendablePercent") is None:
                part["lendablePercent"] = 0
        queuing = ((spec.get("limited") or {}).get("limitResponse") or {}).get("queuing")
        if queuing is not None:
            for key, value in _QUEUING.items():
                queuing[key] = queuing.get(key) or value

    def validate_status_update(self, obj: Object, old: Object) -> list[FieldError]:
        return validate_conditions(obj)

    def validate(self, obj: Object) -> list[FieldError]:
        found = FieldErrors()
        spec = obj["spec"]
        kind = spec.get("type") or ""
        if (obj["metadata"].get("name") == _EXEMPT) != (kind == "Exempt"):
            found.invalid("spec.type", kind, "must be 'Exempt' if and only if `name` is 'exempt'")
        if kind == "Exempt":
            if spec.get("limited") is not None:
                found.forbidden("spec.limited", "must be nil if the type is not Limited")
            _shares(found, spec.get("exempt") or {}, "spec.exempt")
            _lendable(found, spec.get("exempt") or {}, "spec.exempt")
        elif kind == "Limited":
            if spec.get("exempt") is not None:
                found.forbidden("spec.exempt", "must be nil if the type is Limited")
            if spec.get("limited") is None:
                found.required("spec.limited", "must not be empty when type is Limited")
            else:
                _limited(found, spec["limited"], "spec.limited")
        else:
            found.not_supported("spec.type", kind, ("Exempt", "Limited"))
        _check_fixed(found, spec, obj["metadata"].get("name") or "")
        return found


def _check_fixed(found: FieldErrors, spec: Object, name: str) -> None:
    """What mandatory levels may not be: anything else. Only shares of the exempt level are left to users."""
    mandatory = [level["spec"] for level in MANDATORY_LEVELS if level["metadata"]["name"] == name]
    own = "exempt" if name == _EXEMPT else ""
    if any(_without(spec, own) != _without(fixed, own) for fixed in mandatory):
        besides = " except the 'spec.exempt' field" if own else ""
        found.invalid("spec", _shown(spec), f"spec of '{name}'{besides} must equal the fixed value")


def _without(spec: Object, field: str) -> Object:
    return {key: value for key, value in spec.items() if key != field}


def _shown(spec: Object) -> Object:
    """As messages show it."""
    limited = spec.get("limited")
    if limited is not None:
        response = limited.get("limitResponse") or {}
        queuing = go_struct(response.get("queuing"), Queues=0, HandSize=0, QueueLengthLimit=0)
        limited = {
            "NominalConcurrencyShares": limited.get("nominalConcurrencyShares") or 0,
            "LimitResponse": {"Type": response.get("type") or "", "Queuing": queuing},
            "LendablePercent": limited.get("lendablePercent"),
            "BorrowingLimitPercent": limited.get("borrowingLimitPercent"),
        }
    exempt = go_struct(spec.get("exempt"), NominalConcurrencyShares=None, LendablePercent=None)
    return {"Type": spec.get("type") or "", "Limited": limited, "Exempt": exempt}


def _shares(found: FieldErrors, part: Object, path: str) -> None:
    shares = part.get("nominalConcurrencyShares") or 0
    if shares < 0:
        found.invalid(f"{path}.nominalConcurrencyShares", shares, "must be a non-negative integer")


def _lendable(found: FieldErrors, part: Object, path: str) -> None:
    lendable = part.get("lendablePercent")
    if lendable is not None and not 0 <= lendable <= _PERCENT:
        found.invalid(f"{path}.lendablePercent", lendable, "must be between 0 and 100, inclusive")


def _limited(found: FieldErrors, limited: Object, path: str) -> None:
    _shares(found, limited, path)
    _response(found, limited.get("limitResponse") or {}, f"{path}.limitResponse")
    _lendable(found, limited, path)
    borrowing = limited.get("borrowingLimitPercent")
    if borrowing is not None and borrowing < 0:
        detail = "if specified, must be a non-negative integer"
        found.invalid(f"{path}.borrowingLimitPercent", borrowing, detail)


def _response(found: FieldErrors, response: Object, path: str) -> None:
    kind, queuing = response.get("type") or "", response.get("queuing")
    if kind not in ("Queue", "Reject"):
        found.not_supported(f"{path}.type", kind, ("Queue", "Reject"))
    elif kind == "Reject" and queuing is not None:
        found.forbidden(f"{path}.queuing", "must be nil if limited.limitResponse.type is not Limited")
    elif kind == "Queue":
        if queuing is None:
            found.required(f"{path}.queuing", "must not be empty if limited.limitResponse.type is Limited")
        else:
            _queuing(found, queuing, f"{path}.queuing")


def _queuing(found: FieldErrors, queuing: Object, path: str) -> None:
    length, queues, hand = (queuing.get(k) or 0 for k in ("queueLengthLimit", "queues", "handSize"))
    if length <= 0:
        found.invalid(f"{path}.queueLengthLimit", length, "must be positive")
    if queues <= 0:
        found.invalid(f"{path}.queues", queues, "must be positive")
    elif queues > _MAX_QUEUES:
        found.invalid(f"{path}.queues", queues, f"must not be greater than {_MAX_QUEUES}")
    if hand <= 0:
        found.invalid(f"{path}.handSize", hand, "must be positive")
    elif hand > queues:
        found.invalid(f"{path}.handSize", hand, f"should not be greater than queues ({queues})")
    elif math.ceil(math.log2(queues) * hand) > _MAX_HASH_BITS:
        detail = f"required entropy bits of deckSize {queues} and handSize {hand} should not be greater than "
        found.invalid(f"{path}.handSize", hand, f"{detail}{_MAX_HASH_BITS}")
