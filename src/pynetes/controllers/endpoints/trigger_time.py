"""When the change happened that endpoints follow: proxies measure from it how long they took to have it in force."""

from collections.abc import Iterable
from typing import Any

from pynetes.apimachinery import meta

Object = dict[str, Any]

#: On Endpoints and EndpointSlices: the time of the first change that they show anew.
ANNOTATION = "endpoints.kubernetes.io/last-change-trigger-time"


class TriggerTimes:
    """Remembers of each Service what was seen last. Times are the API's texts of whole seconds, which sort by age."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[str, dict[str, str]]] = {}

    def next(self, service: Object, pods: Iterable[Object]) -> str:
        """The oldest change of pods' readiness since the last call; at the first, when the Service was created.

        Empty if nothing of that kind has changed.
        """
        key, created = meta.key(service), meta.creation_time(service)
        before = self._seen.get(key)
        times = {meta.name(pod): time for pod in pods if (time := _ready_since(pod))}
        self._seen[key] = created, times
        if before is None:
            return created
        changed = [time for name, time in times.items() if time > before[1].get(name, "")]
        changed += [created] if created > before[0] else []
        return min(changed, default="")

    def forget(self, key: str) -> None:
        self._seen.pop(key, None)


def annotate(endpoints: Object, time: str) -> Object:
    """The object with the annotation of that time, or without any if it is empty."""
    annotations = {name: value for name, value in meta.annotations(endpoints).items() if name != ANNOTATION}
    if time:
        annotations[ANNOTATION] = time
    metadata = {name: value for name, value in endpoints["metadata"].items() if name != "annotations"}
    return {**endpoints, "metadata": metadata | ({"annotations": annotations} if annotations else {})}


def _ready_since(pod: Object) -> str:
    condition = meta.get_condition((pod.get("status") or {}).get("conditions"), "Ready")
    return str((condition or {}).get("lastTransitionTime") or "")
