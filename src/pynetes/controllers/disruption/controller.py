"""The loop: a budget is looked at when it or one of its pods changes; keys `pod/…` are announcements to take back."""

from typing import Any

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.selectors import from_label_selector
from pynetes.apis.names import POD_DISRUPTION_BUDGETS, PODS
from pynetes.client.events import NORMAL, WARNING
from pynetes.component import clock
from pynetes.controllers.base import BaseController
from pynetes.controllers.context import ControllerContext
from pynetes.controllers.disruption import budget as budgets
from pynetes.controllers.disruption import stale
from pynetes.controllers.disruption.scale import NoScale, Scales

Object = dict[str, Any]

_STALE = "pod/"


class DisruptionController(BaseController):
    name = "disruption-controller"
    account = "disruption-controller"

    def __init__(self, context: ControllerContext) -> None:
        super().__init__(context)
        self.recorder = context.recorder(self.account, "controllermanager")
        self.budgets = self.informer(POD_DISRUPTION_BUDGETS)
        self.budgets.add_handler(self.enqueue, self.enqueue_update)
        self.pods = self.informer(PODS)
        self.pods.add_handler(self._pod_seen, self._pod_changed, self._pod_gone)
        owners = Scales.informers(context.informers)
        self._informers += owners.values()
        for informer in owners.values():
            informer.add_handler(None, self._owner_changed)
        self._scales = Scales(self.client, owners)

    # -- what the informers say

    def _pod_seen(self, pod: Object) -> None:
        for found in self._budgets_of(pod):
            self.enqueue(found)
        if (left := stale.seconds_left(pod, clock.now())) is not None:
            self.queue.add_after(_STALE + meta.key(pod), left)

    def _pod_changed(self, old: Object, new: Object) -> None:
        if meta.labels(old) != meta.labels(new):
            self._pod_gone(old)
        self._pod_seen(new)

    def _pod_gone(self, pod: Object) -> None:
        for found in self._budgets_of(pod):
            self.enqueue(found)

    def _owner_changed(self, old: Object, new: Object) -> None:
        """Its pods may not change at once when their number does."""
        if (old.get("spec") or {}).get("replicas") != (new.get("spec") or {}).get("replicas"):
            for found in self.budgets.list(meta.namespace(new)):
                self.enqueue(found)

    def _budgets_of(self, pod: Object) -> list[Object]:
        labels = meta.labels(pod)
        return [found for found in self.budgets.list(meta.namespace(pod)) if _selector(found).matches(labels)]

    # -- sync

    async def sync(self, key: str) -> None:
        if key.startswith(_STALE):
            await self._take_back(key.removeprefix(_STALE))
            return
        budget = self.budgets.get(key)
        if budget is None:
            return
        try:
            await self._sync_budget(key, budget)
        except (NoScale, ValueError) as error:
            why = f"Failed to calculate the number of expected pods: {error}"
            self.recorder.event(budget, WARNING, "CalculateExpectedPodCountFailed", why)
            await self._write(budget, budgets.failed(budget, str(error)))

    async def _sync_budget(self, key: str, budget: Object) -> None:
        pods = list(self.pods.list(meta.namespace(budget), _selector(budget)))
        if not pods:
            self.recorder.event(budget, NORMAL, "NoPods", "No matching pods found")
        scale, unmanaged = await self._scales.of(pods) if budgets.needs_scale(budget) else (0, [])
        wanted = budgets.wanted(budget, len(pods), scale)
        if unmanaged:
            self._tell_unmanaged(budget)
        disrupted = budgets.disrupted(budget, pods, clock.now())
        for pod in disrupted.overdue:
            text = f"Pod was expected by PDB {meta.key(budget)} to be deleted but it wasn't"
            self.recorder.event(pod, WARNING, "NotDeleted", text)
        await self._write(budget, budgets.status(budget, wanted, pods, disrupted))
        if disrupted.after is not None:
            self.queue.add_after(key, disrupted.after)

    def _tell_unmanaged(self, budget: Object) -> None:
        text = (
            f"Some pods that this PodDisruptionBudget selects ({_selector(budget)}) have no controller, so that nobody "
            'knows how many there should be: set ".spec.minAvailable" to an integer value.'
        )
        self.recorder.event(budget, WARNING, "UnmanagedPods", text)

    async def _write(self, budget: Object, status: Object) -> None:
        if status != budget.get("status"):
            await self.client.update_status(POD_DISRUPTION_BUDGETS, {**budget, "status": status})

    async def _take_back(self, key: str) -> None:
        pod = self.pods.get(key)
        left = stale.seconds_left(pod, clock.now()) if pod is not None else None
        if pod is None or left is None:
            return
        if left > 0:
            self.queue.add_after(_STALE + key, left)
            return
        try:
            await self.client.update_status(PODS, stale.taken_back(pod, clock.now()))
        except StatusError as error:
            if error.code != 404:
                raise


def _selector(budget: Object) -> Any:
    """None selects nothing, an empty one everything."""
    return from_label_selector((budget.get("spec") or {}).get("selector"))
