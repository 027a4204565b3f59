"""The scale subresource: one field under two names, `spec.replicas` of a Scale and the workload's own.

Whoever owns the workload's replicas owns the Scale's; what a write of the Scale does to them is carried back.
"""

from collections.abc import Mapping
from typing import Any

from pynetes.apimachinery.managedfields import fieldset
from pynetes.apimachinery.managedfields.entries import Entry, Managers, Owned, decode, encode
from pynetes.apimachinery.managedfields.fieldset import Path

SCALE_VERSION = "autoscaling/v1"
REPLICAS: Path = ("f:spec", "f:replicas")


class ScaleFields:
    """`paths`: where each version of the workload keeps its replicas; an empty path where it has none."""

    def __init__(self, entries: list[Entry] | None, api_version: str, paths: Mapping[str, Path]) -> None:
        self._managers: Managers = decode(entries, entries)
        self._api_version = api_version
        self._paths = paths

    def of_scale(self) -> list[Entry] | None:
        """The Scale's entries: those of managers of the replicas."""
        own = fieldset.of_paths(REPLICAS)
        found = {
            manager: Owned(own, SCALE_VERSION, owned.applied, owned.time)
            for manager, owned in self._managers.items()
            if self._holds(owned)
        }
        return encode(found) or None

    def of_workload(self, scale_entries: list[Entry] | None) -> list[Entry] | None:
        """The workload's entries after the Scale's have become these."""
        scale = decode(scale_entries, scale_entries)
        out: Managers = {}
        for manager, owned in self._managers.items():
            if owned.api_version not in self._paths:
                continue
            if not self._holds(owned) or manager in scale:
                out[manager] = owned
                if self._holds(owned):
                    del scale[manager]
                continue
            left = fieldset.difference(owned.fields, fieldset.of_paths(self._paths[owned.api_version]))
            if left:
                out[manager] = owned._replace(fields=left)
        own = fieldset.of_paths(self._paths[self._api_version])
        for manager, owned in scale.items():
            if fieldset.has(owned.fields, REPLICAS):
                earlier = self._managers.get(manager)
                # Times of new managers are not carried over: so does the original.
                out[manager] = Owned(own, self._api_version, owned.applied, earlier.time if earlier else "")
        return encode(out) or None

    def _holds(self, owned: Owned) -> bool:
        path: Any = self._paths.get(owned.api_version)
        return bool(path) and fieldset.has(owned.fields, path)
