"""Lease."""

from pynetes.apimachinery import names
from pynetes.apimachinery.errors import FieldError
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import Object, Strategy

_STRATEGIES = ("OldestEmulationVersion",)


class LeaseStrategy(Strategy):
    allow_create_on_update = True
    allow_unconditional_update = False

    def default(self, obj: Object) -> None:
        obj.setdefault("spec", {})

    def validate(self, obj: Object) -> list[FieldError]:
        found, spec = FieldErrors(), obj.get("spec") or {}
        duration, transitions = spec.get("leaseDurationSeconds"), spec.get("leaseTransitions")
        if duration is not None and duration <= 0:
            found.invalid("spec.leaseDurationSeconds", duration, "must be greater than 0")
        found.non_negative("spec.leaseTransitions", transitions)
        strategy = spec.get("strategy")
        if strategy is not None:
            if "/" in strategy:
                found.rule("spec.strategy.strategy", strategy, names.qualified_name)
            elif strategy not in _STRATEGIES:
                found.not_supported("spec.strategy.strategy", strategy, _STRATEGIES)
        if spec.get("preferredHolder") and not strategy:
            found.forbidden("spec.preferredHolder", "may only be specified if `strategy` is defined")
        return found
