"""AlwaysPullImages: no pod runs an image on the strength of its being there; its credentials are checked each time."""

from collections.abc import Iterator
from typing import Any

from pynetes.apimachinery.errors import StatusError, not_supported
from pynetes.apiserver.admission.attributes import Attributes, Plugin

Object = dict[str, Any]

_ALWAYS = "Always"


class AlwaysPullImages(Plugin):
    name = "AlwaysPullImages"

    def handles(self, attrs: Attributes) -> bool:
        if attrs.obj is None or attrs.operation not in ("CREATE", "UPDATE") or not attrs.is_resource("", "pods"):
            return False
        return attrs.old is None or bool(_images(attrs.obj) - _images(attrs.old))

    async def admit(self, attrs: Attributes) -> None:
        assert attrs.obj is not None
        for holder, field, _ in _policies(attrs.obj):
            holder[field] = _ALWAYS

    async def validate(self, attrs: Attributes) -> None:
        assert attrs.obj is not None
        found = [
            attrs.forbid(str(not_supported(path, holder.get(field) or "", (_ALWAYS,))))
            for holder, field, path in _policies(attrs.obj)
            if holder.get(field) != _ALWAYS
        ]
        if found:
            raise _together(found)


def _together(found: list[StatusError]) -> StatusError:
    if len(found) == 1:
        return found[0]
    return StatusError(500, "", f"[{', '.join(error.message for error in found)}]")


def _containers(pod: Object) -> Iterator[tuple[Object, str]]:
    spec = pod.get("spec") or {}
    for field in ("initContainers", "containers", "ephemeralContainers"):
        for index, container in enumerate(spec.get(field) or ()):
            yield container, f"spec.{field}[{index}]"


def _images(pod: Object) -> set[str]:
    return {container.get("image") or "" for container, _ in _containers(pod)}


def _policies(pod: Object) -> Iterator[tuple[Object, str, str]]:
    """What holds a pull policy, under which field, and the path of it."""
    for container, path in _containers(pod):
        yield container, "imagePullPolicy", f"{path}.imagePullPolicy"
    for index, volume in enumerate((pod.get("spec") or {}).get("volumes") or ()):
        if volume.get("image") is not None:
            yield volume["image"], "pullPolicy", f"spec.volumes[{index}].image.pullPolicy"
