"""Bindings: a scheduler's decision that puts a pod onto a node."""

from typing import Any

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError, bad_request, conflict, not_supported, required
from pynetes.apimachinery.names import path_segment_name
from pynetes.apimachinery.quoting import go_quoted
from pynetes.apimachinery.times import format_time
from pynetes.apiserver.cacher import Entry
from pynetes.apiserver.endpoints.output import object_response
from pynetes.apiserver.endpoints.scope import Scope
from pynetes.apiserver.endpoints.write import decode, drop_duplicate_owners
from pynetes.apiserver.http import Answer, Request
from pynetes.apiserver.negotiation import negotiate
from pynetes.apiserver.options import WriteOptions
from pynetes.apiserver.registry.create import match_namespace, wipe_system_fields
from pynetes.apiserver.registry.modify import modify
from pynetes.apiserver.registry.resource import ResourceStore
from pynetes.apiserver.registry.update import another_object
from pynetes.component import clock

Object = dict[str, Any]

SUCCESS: Object = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}


async def create(scope: Scope, request: Request) -> Answer:
    """For `pods/NAME/binding`, and for `bindings`, where the Binding names the pod. `scope.store` is that of pods."""
    info = request.info
    assert info is not None
    media = negotiate(request)
    options = WriteOptions.of(request.query, "CreateOptions")
    binding = await decode(scope, request, options)
    match_namespace(binding, info.namespace)
    if not info.name:
        wipe_system_fields(binding)  # a pod's own subresource heeds them as preconditions
    name = binding["metadata"].get("name") or ""
    if info.name and name != info.name:
        raise bad_request("name in URL does not match name in Binding object")
    _check(binding, name)
    if not name:
        raise bad_request("Name parameter required.")
    if wrong := path_segment_name(name):
        raise bad_request(f"Name parameter invalid: {go_quoted(name)}: {';'.join(wrong)}")
    ctx = scope.write_context(request, options)
    drop_duplicate_owners(binding, ctx)
    await ctx.admit("CREATE", info.namespace, name, binding, None)
    await ctx.validate("CREATE", info.namespace, name, binding, None)

    async def change(current: Entry) -> Object:
        _check_preconditions(scope.store, current.object, binding["metadata"], dry_run=options.dry_run)
        return bind(current.object, binding)

    await modify(scope.store, info.namespace, name, change, dry_run=options.dry_run)
    return object_response(scope, request, media, SUCCESS, 201)


def _check(binding: Object, name: str) -> None:
    target = binding.get("target") or {}
    errors = []
    if target.get("kind") and target["kind"] != "Node":
        errors.append(not_supported("target.kind", target["kind"], ("Node", "<empty>")))
    if not target.get("name"):
        errors.append(required("target.name"))
    if errors:
        texts = [str(error) for error in errors]
        raise StatusError(500, "", texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]")


def _check_preconditions(store: ResourceStore, pod: Object, wanted: Object, *, dry_run: bool) -> None:
    live = pod["metadata"]
    for field, label in (("uid", "UID"), ("resourceVersion", "ResourceVersion")):
        given, current = wanted.get(field), live.get(field)
        if given and given != current:
            raise another_object(store, live["name"], live, given, current, dry_run=dry_run, field=label)


def bind(pod: Object, binding: Object) -> Object:
    """The pod on its node; StatusError 409 if it cannot go there (any more)."""
    name = pod["metadata"]["name"]
    wanted = binding["metadata"]
    spec = pod.get("spec") or {}
    if meta.is_deleting(pod):
        raise _refused(name, f"pod {name} is being deleted, cannot be assigned to a host")
    if spec.get("nodeName"):
        raise _refused(name, f'pod {name} is already assigned to node "{spec["nodeName"]}"')
    if spec.get("schedulingGates"):
        raise _refused(name, f"pod {name} has non-empty .spec.schedulingGates")
    bound: Object = meta.copy_object(pod)
    bound.setdefault("spec", {})["nodeName"] = binding["target"]["name"]
    status = bound.setdefault("status", {})
    status.pop("nominatedNodeName", None)
    for field in ("annotations", "labels"):
        if wanted.get(field):
            bound["metadata"][field] = {**(bound["metadata"].get(field) or {}), **wanted[field]}
    _scheduled(status)
    return bound


def _scheduled(status: Object) -> None:
    conditions = status.setdefault("conditions", [])
    present = meta.get_condition(conditions, "PodScheduled")
    condition: Object = {"type": "PodScheduled", "status": "True", "lastProbeTime": None}
    if present is not None and present.get("status") == "True" and "lastTransitionTime" in present:
        condition["lastTransitionTime"] = present["lastTransitionTime"]
    else:
        condition["lastTransitionTime"] = format_time(clock.now())
    status["conditions"] = [condition if c is present else c for c in conditions]
    if present is None:
        status["conditions"].append(condition)


def _refused(name: str, why: str) -> StatusError:
    return conflict("pods/binding", name, why)
