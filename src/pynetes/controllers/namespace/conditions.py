"""The conditions of a terminating namespace: why it is still there."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from msgspec import Struct, field

from pynetes.apimachinery import meta, times
from pynetes.apimachinery.gvk import GroupVersionResource

Object = dict[str, Any]

_FINE = {
    "NamespaceDeletionDiscoveryFailure": ("ResourcesDiscovered", "All resources successfully discovered"),
    "NamespaceDeletionGroupVersionParsingFailure": ("ParsedGroupVersions", "All legacy kube types successfully parsed"),
    "NamespaceDeletionContentFailure": (
        "ContentDeleted",
        "All content successfully deleted, may be waiting on finalization",
    ),
    "NamespaceContentRemaining": ("ContentRemoved", "All content successfully removed"),
    "NamespaceFinalizersRemaining": ("ContentHasNoFinalizers", "All content-preserving finalizers finished"),
}


class Outcome(Struct):
    """What one pass over a namespace's content found."""

    remaining: dict[GroupVersionResource, int] = field(default_factory=dict)
    finalizers: dict[str, int] = field(default_factory=dict)
    estimate: float = 0.0
    """Seconds that the longest grace period of what remains may take."""
    errors: list[str] = field(default_factory=list)
    undiscovered: list[str] = field(default_factory=list)
    """Group versions whose server did not answer."""

    def count(self, gvr: GroupVersionResource, items: Iterable[Object]) -> None:
        """Notes objects that are still there."""
        found = list(items)
        if not found:
            return
        self.remaining[gvr] = len(found)
        for item in found:
            for finalizer in meta.finalizers(item):
                self.finalizers[finalizer] = self.finalizers.get(finalizer, 0) + 1

    @property
    def is_empty(self) -> bool:
        return not (self.remaining or self.errors or self.undiscovered)


def _bad(outcome: Outcome) -> dict[str, tuple[str, str]]:
    out: dict[str, tuple[str, str]] = {}
    if outcome.undiscovered:
        groups = ", ".join(sorted(outcome.undiscovered))
        text = (
            f"Discovery failed for some groups, {len(outcome.undiscovered)} failing: "
            f"unable to retrieve the complete list of server APIs: {groups}"
        )
        out["NamespaceDeletionDiscoveryFailure"] = ("DiscoveryFailed", text)
    if outcome.errors:
        text = (
            f"Failed to delete all resource types, {len(outcome.errors)} remaining: {', '.join(sorted(outcome.errors))}"
        )
        out["NamespaceDeletionContentFailure"] = ("ContentDeletionFailed", text)
    if outcome.remaining:
        parts = sorted(f"{gvr.resource}.{gvr.group} has {n} resource instances" for gvr, n in outcome.remaining.items())
        out["NamespaceContentRemaining"] = ("SomeResourcesRemain", f"Some resources are remaining: {', '.join(parts)}")
    if outcome.finalizers:
        parts = sorted(f"{name} in {n} resource instances" for name, n in outcome.finalizers.items())
        text = f"Some content in the namespace has finalizers remaining: {', '.join(parts)}"
        out["NamespaceFinalizersRemaining"] = ("SomeFinalizersRemain", text)
    return out


def update(conditions: list[Object], outcome: Outcome, now: datetime) -> list[Object]:
    """The conditions after a pass; equal to `conditions` if it changed nothing."""
    bad = _bad(outcome)
    out: list[Object] = meta.copy(conditions)
    for type, fine in _FINE.items():
        reason, message = bad.get(type, fine)
        status = "True" if type in bad else "False"
        known = meta.get_condition(out, type)
        if known is None:
            known = {"type": type}
            out.append(known)
        if known.get("status") != status:
            known["lastTransitionTime"] = times.format_time(now)
        known.update(status=status, reason=reason, message=message)
    return out
