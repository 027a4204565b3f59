"""Conversion between the versions of a kind: `convert(obj, gvk)`.

Few kinds have two served versions. Each group that has them holds a `conversion.py` with pure functions from dict to
dict; this table leads from (what an object is, what it shall be) to the function. Where a later version says more than
an earlier one, what cannot be said goes into annotations, as upstream does it, so that nothing is lost on a round trip.
"""

from collections.abc import Callable

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apis.autoscaling import conversion as autoscaling
from pynetes.apis.events import conversion as events
from pynetes.apis.strategy import Object

Converter = Callable[[Object], Object]

_CORE_EVENT = GroupVersionKind("", "v1", "Event")
_EVENT = GroupVersionKind("events.k8s.io", "v1", "Event")
_HPA_V1 = GroupVersionKind("autoscaling", "v1", "HorizontalPodAutoscaler")
_HPA_V2 = GroupVersionKind("autoscaling", "v2", "HorizontalPodAutoscaler")

_CONVERTERS: dict[tuple[GroupVersionKind, GroupVersionKind], Converter] = {
    (_CORE_EVENT, _EVENT): events.from_core,
    (_EVENT, _CORE_EVENT): events.to_core,
    (_HPA_V1, _HPA_V2): autoscaling.v1_to_v2,
    (_HPA_V2, _HPA_V1): autoscaling.v2_to_v1,
}


def convert(obj: Object, gvk: GroupVersionKind) -> Object:
    """The object as `gvk`; itself if it is one already. ValueError if there is no way."""
    current = GroupVersionKind.of(obj)
    if current == gvk:
        return obj
    converter = _CONVERTERS.get((current, gvk))
    if converter is None:
        raise ValueError(f"no conversion from {current} to {gvk}")
    return converter(obj)
