"""Evictions: deletes of pods that PodDisruptionBudgets may hold up."""

from typing import Any

from msgspec.structs import replace

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError, bad_request, conflict, forbidden, timeout, too_many_requests
from pynetes.apimachinery.selectors import from_label_selector
from pynetes.apimachinery.times import format_time
from pynetes.apis.names import POD_DISRUPTION_BUDGETS
from pynetes.apiserver.cacher import Entry
from pynetes.apiserver.endpoints.output import object_response
from pynetes.apiserver.endpoints.scope import Scope
from pynetes.apiserver.endpoints.subresources.binding import SUCCESS
from pynetes.apiserver.endpoints.write import decode
from pynetes.apiserver.http import Answer, Request
from pynetes.apiserver.negotiation import negotiate
from pynetes.apiserver.options import DeleteOptions, WriteOptions
from pynetes.apiserver.registry.context import Unchecked, WriteContext
from pynetes.apiserver.registry.create import match_namespace
from pynetes.apiserver.registry.delete import delete
from pynetes.apiserver.registry.modify import modify
from pynetes.component import clock

Object = dict[str, Any]

_REFUSED = "Cannot evict pod as it would violate the pod's disruption budget."
_MAX_DISRUPTED = 2000
_ATTEMPTS = 20
_RETRY = 0.5


async def create(scope: Scope, request: Request) -> Answer:
    info = request.info
    assert info is not None
    media = negotiate(request)
    write = WriteOptions.of(request.query, "CreateOptions")
    eviction = await decode(scope, request, write)
    match_namespace(eviction, info.namespace)
    name = info.name
    if eviction["metadata"].get("name") != name:
        raise bad_request("name in URL does not match name in Eviction object")
    options = _delete_options(eviction, write)
    ctx = scope.context(request, options.dry_run, raw=write.raw)
    await ctx.admit("CREATE", info.namespace, name, eviction, None)
    await ctx.validate("CREATE", info.namespace, name, eviction, None)
    # The pod's deletion is not admitted once more: plugins and webhooks see an eviction, no DELETE.
    await _evict(scope, replace(ctx, admission=Unchecked()), info.namespace, name, options)
    return object_response(scope, request, media, SUCCESS, 201)


def _delete_options(eviction: Object, write: WriteOptions) -> DeleteOptions:
    raw: Object = dict(eviction.get("deleteOptions") or {})
    wanted = write.raw.get("dryRun")
    if wanted and raw.get("dryRun") and raw["dryRun"] != wanted:
        shown = " and ".join(f"[{' '.join(dry_run)}]" for dry_run in (wanted, raw["dryRun"]))
        raise StatusError(500, "", f"Non-matching dry-run options in request and content: {shown}")
    if wanted:
        raw["dryRun"] = wanted
    return DeleteOptions.of({}, raw)


async def _evict(scope: Scope, ctx: WriteContext, namespace: str, name: str, options: DeleteOptions) -> None:
    given_version = options.resource_version
    for attempt in range(_ATTEMPTS):
        pod = (await scope.store.get(namespace, name)).object
        budgetless = can_ignore_budgets(pod)
        pinned = None
        if not budgetless:
            pinned = await _pass_budget(scope, ctx, pod, options)
        elif (pod.get("status") or {}).get("phase") == "Pending" and not meta.is_deleting(pod):
            # It may become ready, and count for a budget, while we are at it.
            pinned = pod["metadata"]["resourceVersion"]
        try:
            await _mark_and_delete(scope, ctx, namespace, name, options, given_version or pinned)
            return
        except StatusError as error:
            if error.reason != "Conflict" or given_version:
                raise
            if not budgetless:
                if pinned is None:
                    raise
                raise _still_processing(name) from None
            if attempt == _ATTEMPTS - 1:
                raise
        await clock.sleep(_RETRY)


def can_ignore_budgets(pod: Object) -> bool:
    """Pods that do no work (any more, or yet) are evicted freely."""
    phase = (pod.get("status") or {}).get("phase")
    return phase in ("Succeeded", "Failed", "Pending") or meta.is_deleting(pod)


async def _pass_budget(scope: Scope, ctx: WriteContext, pod: Object, options: DeleteOptions) -> str | None:
    """Takes one disruption off the pod's budget; or gives the version the pod must still have, if it is unhealthy."""
    registry = scope.backend.registry
    namespace = pod["metadata"]["namespace"]
    budgets = registry.cached_list(POD_DISRUPTION_BUDGETS, namespace)
    matching = [budget for budget in budgets if _selects(budget, pod)]
    if not matching:
        return None
    if len(matching) > 1:
        text = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
        raise StatusError(500, "", text)
    budget = matching[0]
    if not _is_ready(pod) and unhealthy_may_go(budget):
        version: str = pod["metadata"]["resourceVersion"]
        return version
    store = registry.store_of(POD_DISRUPTION_BUDGETS)

    async def change(current: Entry) -> Object:
        return decremented(current.object, pod["metadata"]["name"])

    try:
        await modify(store, namespace, budget["metadata"]["name"], change, dry_run=ctx.dry_run)
    except StatusError as error:
        if error.reason != "Conflict":
            raise
        name = budget["metadata"]["name"]
        raise timeout(f'couldn\'t update PodDisruptionBudget "{name}" due to conflicts', 10) from None
    return None


def _selects(budget: Object, pod: Object) -> bool:
    selector = (budget.get("spec") or {}).get("selector")
    return selector is not None and from_label_selector(selector).matches(meta.labels(pod))


def _is_ready(pod: Object) -> bool:
    return meta.is_condition_true((pod.get("status") or {}).get("conditions"), "Ready")


def unhealthy_may_go(budget: Object) -> bool:
    """Whether a pod that is not ready can be evicted without counting."""
    if (budget.get("spec") or {}).get("unhealthyPodEvictionPolicy") == "AlwaysAllow":
        return True
    status = budget.get("status") or {}
    return bool(status.get("currentHealthy", 0) >= status.get("desiredHealthy", 0) > 0)


def decremented(budget: Object, pod_name: str) -> Object:
    """The budget after one more disruption; StatusError 429 if it allows none."""
    name, status = budget["metadata"]["name"], budget.get("status") or {}
    if status.get("observedGeneration", 0) < budget["metadata"].get("generation", 0):
        raise _still_processing(name)
    allowed = status.get("disruptionsAllowed", 0)
    if allowed < 0:
        raise forbidden("poddisruptionbudget.policy", name, "pdb disruptions allowed is negative")
    if len(status.get("disruptedPods") or {}) > _MAX_DISRUPTED:
        why = "DisruptedPods map too big - too many evictions not confirmed by PDB controller"
        raise forbidden("poddisruptionbudget.policy", name, why)
    if allowed == 0:
        raise _refused(_why_not(name, status), 0)
    out: Object = meta.copy(budget)
    status = out["status"]
    status["disruptionsAllowed"] = allowed - 1
    status["disruptedPods"] = {**(status.get("disruptedPods") or {}), pod_name: format_time(clock.now())}
    if allowed == 1:
        condition = {
            "type": "DisruptionAllowed",
            "status": "False",
            "reason": "InsufficientPods",
            "message": "",
            "observedGeneration": status.get("observedGeneration", 0),
        }
        meta.set_condition(status.setdefault("conditions", []), condition)
    return out


def _why_not(name: str, status: Object) -> str:
    condition = meta.get_condition(status.get("conditions"), "DisruptionAllowed") or {}
    message = condition.get("message") if condition.get("status") == "False" else ""
    head = f"The disruption budget {name} does not allow evicting pods currently"
    if message and condition.get("reason") == "SyncFailed":
        return f"{head} because it failed sync: {message}"
    healthy, desired = status.get("currentHealthy", 0), status.get("desiredHealthy", 0)
    if healthy <= desired:
        return f"The disruption budget {name} needs {desired} healthy pods and has {healthy} currently"
    return f"{head} ({condition.get('reason')}): {message}" if message else head


def _still_processing(name: str) -> StatusError:
    return _refused(f"The disruption budget {name} is still being processed by the server.", 10)


def _refused(cause: str, retry_after: int) -> StatusError:
    error = too_many_requests(_REFUSED, retry_after)
    error.details["causes"] = [{"reason": "DisruptionBudget", "message": cause}]
    return error


async def _mark_and_delete(
    scope: Scope, ctx: WriteContext, namespace: str, name: str, options: DeleteOptions, version: str | None
) -> None:
    """The pod says why it goes before it goes."""
    wanted = options.copy()
    wanted.resource_version = version
    if not ctx.dry_run:

        async def change(current: Entry) -> Object:
            return _marked(current.object, wanted)

        entry = await modify(scope.store, namespace, name, change)
        if version is not None:
            wanted.resource_version = str(entry.mod_revision)
    await delete(scope.store, ctx, namespace, name, wanted)


def _marked(pod: Object, options: DeleteOptions) -> Object:
    metadata = pod["metadata"]
    for field, label, wanted in (
        ("uid", "UID", options.uid),
        ("resourceVersion", "ResourceVersion", options.resource_version),
    ):
        if wanted and wanted != metadata.get(field):
            why = (
                f"the {label} in the precondition ({wanted}) does not match the {label} in record ({metadata[field]}). "
            )
            changed = "deleted and then recreated" if field == "uid" else "modified"
            raise conflict("Pod", metadata["name"], f"{why}The object might have been {changed}")
    out: Object = meta.copy(pod)
    condition = {
        "type": "DisruptionTarget",
        "status": "True",
        "reason": "EvictionByEvictionAPI",
        "message": "Eviction API: evicting",
    }
    meta.set_condition(out.setdefault("status", {}).setdefault("conditions", []), condition)
    return out
