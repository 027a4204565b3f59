"""The pods this node should run, from all sources; mirrors of static pods by what they mirror."""

from typing import Any

from pynetes.apimachinery import meta
from pynetes.kubelet import pod as pods

Pod = dict[str, Any]


class PodManager:
    """A pod that is not here was deleted; what of it still runs has to end."""

    def __init__(self) -> None:
        self._pods: dict[str, Pod] = {}
        self._mirrors: dict[str, Pod] = {}
        self._by_name: dict[str, str] = {}

    def set(self, pod: Pod) -> None:
        """Adds or updates a pod or a mirror pod."""
        name = pods.full_name(pod)
        if pods.is_mirror(pod):
            self._mirrors[name] = pod
            return
        self._pods[pods.uid(pod)] = pod
        self._by_name[name] = pods.uid(pod)

    def remove(self, pod: Pod) -> None:
        name, uid = pods.full_name(pod), pods.uid(pod)
        if pods.is_mirror(pod):
            known = self._mirrors.get(name)
            if known is not None and pods.uid(known) == uid:
                del self._mirrors[name]
            return
        self._pods.pop(uid, None)
        if self._by_name.get(name) == uid:
            del self._by_name[name]

    def get(self, uid: str) -> Pod | None:
        """By uid; the uid of a mirror gives the static pod."""
        found = self._pods.get(uid)
        if found is None:
            mirror = next((m for m in self._mirrors.values() if pods.uid(m) == uid), None)
            found = self.source_of(mirror) if mirror else None
        return found

    def by_name(self, namespace: str, name: str) -> Pod | None:
        uid = self._by_name.get(f"{name}_{namespace}")
        return self._pods.get(uid) if uid else None

    def all(self) -> list[Pod]:
        return list(self._pods.values())

    def mirror_of(self, pod: Pod) -> Pod | None:
        return self._mirrors.get(pods.full_name(pod))

    def source_of(self, mirror: Pod) -> Pod | None:
        """The static pod behind a mirror."""
        return self.by_name(meta.namespace(mirror), meta.name(mirror))

    def mirrors(self) -> list[Pod]:
        return list(self._mirrors.values())

    def orphaned_mirrors(self) -> list[Pod]:
        """Mirrors whose static pod is gone."""
        return [mirror for mirror in self._mirrors.values() if self.source_of(mirror) is None]
