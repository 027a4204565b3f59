"""The cluster as arrays: a row a node, a column a resource, a label key, a taint.

The cache writes it as events arrive, plugins only read it. Within one scheduling cycle nothing else runs, so the
cycle sees one consistent state without a copy. Rows are dense: a removed node's row is taken over by the last one.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from pynetes.apimachinery import meta
from pynetes.scheduler.podgroups import PodGroup
from pynetes.scheduler.podinfo import PodInfo
from pynetes.scheduler.resources import CPU, EPHEMERAL_STORAGE, MEMORY, PODS, amounts

Mask = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int32]
Object = dict[str, Any]
T = TypeVar("T", bound=np.generic)
Taint = tuple[str, str, str]  # key, value, effect

ABSENT = -1
_FIRST_ROWS = 16


class LabelColumn:
    """One label key over all nodes: a code per row into its values, `ABSENT` where a node has it not."""

    def __init__(self, rows: int) -> None:
        self.codes: Codes = np.full(rows, ABSENT, np.int32)
        self.values: list[str] = []
        self._code_of: dict[str, int] = {}

    def code(self, value: str) -> int:
        code = self._code_of.get(value)
        if code is None:
            code = self._code_of[value] = len(self.values)
            self.values.append(value)
        return code

    def table(self, chosen: Iterable[bool]) -> Mask:
        """For use as `table[codes]`: true at the codes of chosen values, false at `ABSENT` (the last entry)."""
        return np.fromiter((*chosen, False), np.bool_, len(self.values) + 1)


class Snapshot:
    """Everything the plugins read. Arrays have `rows` capacity; `[:count]` are nodes.

    Resources lie column by column in memory, since plugins read one resource of all nodes. `groups`: by namespace.
    """

    def __init__(self) -> None:
        self.count = 0
        self.names: list[str] = []
        self.row_of: dict[str, int] = {}
        self.nodes: list[Object] = []
        self.pods: list[dict[str, PodInfo]] = []
        self.resource_of: dict[str, int] = {CPU: 0, MEMORY: 1, EPHEMERAL_STORAGE: 2, PODS: 3}
        self.allocatable: Ints = np.zeros((_FIRST_ROWS, 4), np.int64, order="F")
        self.requested: Ints = np.zeros((_FIRST_ROWS, 4), np.int64, order="F")
        self.nonzero: Ints = np.zeros((_FIRST_ROWS, 2), np.int64, order="F")
        self.unschedulable: Mask = np.zeros(_FIRST_ROWS, np.bool_)
        self.labels: dict[str, LabelColumn] = {}
        self.taints: dict[Taint, Mask] = {}
        self.ports: dict[tuple[str, int], dict[int, Counter[str]]] = {}
        self.images: dict[str, tuple[int, set[int]]] = {}
        self.groups: dict[str, dict[Hashable, PodGroup]] = {}
        self.groups_with_affinity: dict[Hashable, PodGroup] = {}
        self.namespace_labels: dict[str, Mapping[str, str]] = {}

    # -- reading

    def at(self, column: npt.NDArray[T], rows: Ints) -> npt.NDArray[T]:
        """The entries of a column for these rows, which are in order: without a copy if they are all there are."""
        return column[: self.count] if len(rows) == self.count else column[rows]

    def mask(self, value: bool) -> Mask:
        return np.full(self.count, value, np.bool_)

    def label_codes(self, key: str) -> Codes | None:
        """A code per node, None if no node has the label."""
        column = self.labels.get(key)
        return None if column is None else column.codes[: self.count]

    def has_label(self, key: str) -> Mask:
        codes = self.label_codes(key)
        return self.mask(False) if codes is None else codes != ABSENT

    # -- nodes

    def put_node(self, node: Object) -> int:
        """Adds a node or takes over its new version; returns its row."""
        name = meta.name(node)
        row = self.row_of.get(name)
        if row is None:
            row = self._new_row(name)
        else:
            self._forget_images(row)
        self.nodes[row] = node
        spec, status = node.get("spec") or {}, node.get("status") or {}
        self.unschedulable[row] = bool(spec.get("unschedulable"))
        self._put_resources(row, status.get("allocatable") or status.get("capacity"))
        self._put_labels(row, meta.labels(node))
        self._put_taints(row, spec.get("taints") or ())
        for image in status.get("images") or ():
            for image_name in image.get("names") or ():
                size, rows = self.images.get(image_name, (0, set()))
                rows.add(row)
                self.images[image_name] = (image.get("sizeBytes") or size, rows)
        return row

    def remove_node(self, name: str) -> None:
        """The node's pods must have been removed."""
        row = self.row_of.pop(name)
        self._forget_images(row)
        last = self.count - 1
        if row != last:
            self._move(last, row)
        for array in (self.allocatable, self.requested, self.nonzero, self.unschedulable, *self.taints.values()):
            array[last] = 0
        for column in self.labels.values():
            column.codes[last] = ABSENT
        self.count = last
        for rows in (self.names, self.nodes, self.pods):
            rows.pop()

    def _new_row(self, name: str) -> int:
        row = self.count
        if row == len(self.unschedulable):
            self._grow(2 * row)
        self.count += 1
        self.row_of[name] = row
        self.names.append(name)
        self.nodes.append({})
        self.pods.append({})
        return row

    def _grow(self, rows: int) -> None:
        def grown(array: Any, fill: int = 0) -> Any:
            larger = np.full((rows, *array.shape[1:]), fill, array.dtype, order="F")
            larger[: len(array)] = array
            return larger

        self.allocatable, self.requested = grown(self.allocatable), grown(self.requested)
        self.nonzero, self.unschedulable = grown(self.nonzero), grown(self.unschedulable)
        self.taints = {taint: grown(mask) for taint, mask in self.taints.items()}
        for column in self.labels.values():
            column.codes = grown(column.codes, ABSENT)

    def _move(self, source: int, row: int) -> None:
        """The node at `source` takes over `row`."""
        for array in (self.allocatable, self.requested, self.nonzero, self.unschedulable, *self.taints.values()):
            array[row] = array[source]
        for column in self.labels.values():
            column.codes[row] = column.codes[source]
        self.names[row], self.nodes[row] = self.names[source], self.nodes[source]
        self.pods[row] = self.pods[source]
        self.row_of[self.names[row]] = row
        for pod in self.pods[row].values():
            group = self.groups[pod.namespace][pod.group]
            group.remove(source)
            group.add(row)
            pod.row = row
        for taken in self.ports.values():
            if source in taken:
                taken[row] = taken.pop(source)
        for _, on_rows in self.images.values():
            if source in on_rows:
                on_rows.discard(source)
                on_rows.add(row)

    def _forget_images(self, row: int) -> None:
        for name in [name for name, (_, rows) in self.images.items() if row in rows]:
            rows = self.images[name][1]
            rows.discard(row)
            if not rows:
                del self.images[name]

    def _put_resources(self, row: int, quantities: Mapping[str, Any] | None) -> None:
        self.allocatable[row] = 0
        for name, value in amounts(quantities).items():
            column = self.resource(name)  # may replace the arrays
            self.allocatable[row, column] = value

    def resource(self, name: str) -> int:
        """The column of a resource, made when it is first named."""
        column = self.resource_of.get(name)
        if column is None:
            column = self.resource_of[name] = len(self.resource_of)
            more = np.zeros((len(self.unschedulable), 1), np.int64)
            self.allocatable = np.asfortranarray(np.hstack((self.allocatable, more)))
            self.requested = np.asfortranarray(np.hstack((self.requested, more)))
        return column

    def _put_labels(self, row: int, labels: Mapping[str, str]) -> None:
        for key, column in self.labels.items():
            if key not in labels:
                column.codes[row] = ABSENT
        for key, value in labels.items():
            found = self.labels.get(key)
            if found is None:
                found = self.labels[key] = LabelColumn(len(self.unschedulable))
            found.codes[row] = found.code(value)

    def _put_taints(self, row: int, taints: Iterable[Object]) -> None:
        current = {(t["key"], t.get("value", ""), t["effect"]) for t in taints}
        for taint in current - self.taints.keys():
            self.taints[taint] = np.zeros(len(self.unschedulable), np.bool_)
        for taint, mask in self.taints.items():
            mask[row] = taint in current

    # -- pods on nodes

    def add_pod(self, pod: PodInfo, row: int) -> None:
        pod.row = row
        self.pods[row][pod.uid] = pod
        self._count(pod, 1)
        in_namespace = self.groups.setdefault(pod.namespace, {})
        group = in_namespace.get(pod.group)
        if group is None:
            group = in_namespace[pod.group] = PodGroup(pod)
            if pod.uses_affinity:
                self.groups_with_affinity[pod.group] = group
        group.add(row)

    def remove_pod(self, pod: PodInfo) -> None:
        del self.pods[pod.row][pod.uid]
        self._count(pod, -1)
        in_namespace = self.groups[pod.namespace]
        group = in_namespace[pod.group]
        group.remove(pod.row)
        if not group:
            del in_namespace[pod.group]
            self.groups_with_affinity.pop(pod.group, None)
            if not in_namespace:
                del self.groups[pod.namespace]
        pod.row = -1

    def _count(self, pod: PodInfo, sign: int) -> None:
        row = pod.row
        for name, value in pod.requests.items():
            column = self.resource(name)  # may replace the arrays
            self.requested[row, column] += sign * value
        self.requested[row, self.resource_of[PODS]] += sign
        self.nonzero[row, 0] += sign * pod.nonzero_cpu
        self.nonzero[row, 1] += sign * pod.nonzero_memory
        for protocol, port, ip in pod.ports:
            taken = self.ports.setdefault((protocol, port), {})
            addresses = taken.setdefault(row, Counter())
            addresses[ip] += sign
            if not addresses[ip]:
                del addresses[ip]
            if not addresses:
                del taken[row]
