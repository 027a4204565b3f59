"""The scale subresource: a workload's replicas as an autoscaling/v1 Scale."""

from collections.abc import Awaitable, Callable
from typing import Any

from msgspec.structs import replace

from pynetes.apimachinery import codec as codecs
from pynetes.apimachinery import meta, validation
from pynetes.apimachinery.errors import bad_request, internal, invalid, invalid_value
from pynetes.apimachinery.managedfields.scale import ScaleFields
from pynetes.apimachinery.selectors import from_label_selector, from_set
from pynetes.apis.autoscaling.columns import CUSTOM_SCALE, SCALE
from pynetes.apis.resource import Column, ScalePaths
from pynetes.apiserver.endpoints.apply import APPLY_PATCH, parse_apply
from pynetes.apiserver.endpoints.output import object_response
from pynetes.apiserver.endpoints.patch import check_custom_type, parse_patch, patch_type
from pynetes.apiserver.endpoints.read import revision_of
from pynetes.apiserver.endpoints.scope import Scope
from pynetes.apiserver.endpoints.tracking import track
from pynetes.apiserver.endpoints.write import check_identity, decode, drop_duplicate_owners
from pynetes.apiserver.http import Answer, Request
from pynetes.apiserver.negotiation import negotiate
from pynetes.apiserver.options import WriteOptions
from pynetes.apiserver.registry.context import WriteContext
from pynetes.apiserver.registry.fields import BUILT_IN_REPLICAS, put_entries, take_entries
from pynetes.apiserver.registry.update import another_object, main_rules
from pynetes.apiserver.registry.update import update as update_object

Object = dict[str, Any]

_COPIED = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


def scale_of(workload: Object, paths: ScalePaths | None = None) -> Object:
    """The Scale that stands for a workload; `paths` are those of a custom resource. StatusError 500 if it has none."""
    if paths is not None:
        return _custom_scale(workload, paths)
    metadata, spec, status = workload["metadata"], workload.get("spec") or {}, workload.get("status") or {}
    selector = spec.get("selector")
    if workload["kind"] == "ReplicationController":
        text = str(from_set(selector))
    else:
        text = str(from_label_selector(selector)) if selector is not None else ""
    out: Object = {"replicas": status.get("replicas", 0)}
    if text:
        out["selector"] = text
    replicas = spec.get("replicas", 1)
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {field: metadata[field] for field in _COPIED if field in metadata},
        "spec": {"replicas": replicas} if replicas else {},
        "status": out,
    }


def _custom_scale(obj: Object, paths: ScalePaths) -> Object:
    wanted, status = _at(obj, paths.spec_replicas), {"replicas": _at(obj, paths.status_replicas) or 0}
    selector = _at(obj, paths.label_selector) if paths.label_selector else None
    if selector:
        status["selector"] = selector
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {field: obj["metadata"][field] for field in _COPIED if field in obj["metadata"]},
        "spec": {"replicas": wanted} if wanted else {},
        "status": status,
    }


def _at(obj: Object, path: tuple[str, ...]) -> Any:
    value: Any = obj
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _set_replicas(workload: Object, replicas: int, paths: ScalePaths | None) -> None:
    *parents, last = paths.spec_replicas if paths is not None else ("spec", "replicas")
    for step in parents:
        workload = workload.setdefault(step, {})
    workload[last] = replicas


def _paths(scope: Scope) -> ScalePaths | None:
    return scope.subresource.paths if scope.subresource is not None else None


def _columns(scope: Scope) -> tuple[Column, ...]:
    return SCALE if _paths(scope) is None else CUSTOM_SCALE


async def get(scope: Scope, request: Request) -> Answer:
    info = request.info
    assert info is not None
    media = negotiate(request, scope.restriction)
    revision = revision_of(request)
    entry = await scope.store.get(info.namespace, info.name, revision)
    paths = _paths(scope)
    if paths is not None and _at(entry.object, paths.spec_replicas) is None:
        where = "." + ".".join(paths.spec_replicas)
        raise internal(f'the spec replicas field "{where}" does not exist')
    return object_response(scope, request, media, scale_of(entry.object, paths), columns=_columns(scope))


async def update(scope: Scope, request: Request) -> Answer:
    options = WriteOptions.of(request.query, "UpdateOptions")
    scale = await decode(scope, request, options)
    info = request.info
    assert info is not None
    check_identity(scope, scale, info.namespace, info.name)

    take_entries(scale)

    async def change(ctx: WriteContext, current: Object) -> Object:
        new: Object = meta.copy(scale)
        drop_duplicate_owners(new, ctx)
        await track(scope, ctx, current, new)
        return new

    return await _write(scope, request, options, change)


async def patch(scope: Scope, request: Request) -> Answer:
    if _paths(scope) is not None:
        check_custom_type(request)
    if patch_type(request) == APPLY_PATCH:
        return await _apply(scope, request)
    options = WriteOptions.of(request.query, "PatchOptions")
    patch = await parse_patch(request, scope.kind)

    async def change(ctx: WriteContext, current: Object) -> Object:
        new, warnings = codecs.coerce(
            patch.apply(current),
            scope.kind,
            validation=options.field_validation,
            refused=patch.refused,
            found=patch.strict,
        )
        request.warnings += warnings
        take_entries(new)
        info = request.info
        assert info is not None
        check_identity(scope, new, info.namespace, info.name)
        drop_duplicate_owners(new, ctx)
        await track(scope, ctx, current, new)
        return new

    return await _write(scope, request, options, change)


async def _apply(scope: Scope, request: Request) -> Answer:
    options = WriteOptions.of(request.query, "PatchOptions", apply=True)
    merge = await parse_apply(scope, request, options)

    async def change(ctx: WriteContext, current: Object) -> Object:
        new = await merge(current)
        info = request.info
        assert info is not None
        check_identity(scope, new, info.namespace, info.name)
        return new

    return await _write(scope, request, options, change)


async def _write(
    scope: Scope, request: Request, options: WriteOptions, change: Callable[[WriteContext, Object], Awaitable[Object]]
) -> Answer:
    """`change` goes from the present Scale to the wanted one (its own, with entries); admission sees Scales, the store
    the workload."""
    info = request.info
    assert info is not None
    media = negotiate(request, scope.restriction)
    ctx = scope.write_context(request, options)
    paths = _paths(scope)

    async def change_workload(old: Object | None) -> Object:
        if old is None:
            raise scope.store.not_found(info.name)
        before = scale_of(old, paths)
        ownership = scope.store.ownership
        replicas = BUILT_IN_REPLICAS if ownership is None else ownership.replicas
        tracked = ScaleFields(old["metadata"].get("managedFields"), scope.gvr.api_version, replicas)
        put_entries(before, tracked.of_scale())
        scale = await change(ctx, before)
        await ctx.admit("UPDATE", info.namespace, info.name, scale, before)
        _check(scope, scale, old, dry_run=ctx.dry_run)
        workload: Object = meta.copy_object(old)
        _set_replicas(workload, (scale.get("spec") or {}).get("replicas", 0), paths)
        take_entries(workload)
        put_entries(workload, tracked.of_workload(scale["metadata"].get("managedFields")))
        # Without one, custom resources keep theirs: they cannot be updated unconditionally, their Scales can.
        revision = scale["metadata"].get("resourceVersion") or ""
        if revision or paths is None:
            workload["metadata"]["resourceVersion"] = revision
        return workload

    rules = replace(main_rules(scope.store.strategy), shown=lambda workload: scale_of(workload, paths))
    entry, _ = await update_object(scope.store, ctx, info.namespace, info.name, change_workload, rules=rules)
    return object_response(scope, request, media, scale_of(entry.object, paths), columns=_columns(scope))


def _check(scope: Scope, scale: Object, old: Object, *, dry_run: bool) -> None:
    name = old["metadata"]["name"]
    replicas = (scale.get("spec") or {}).get("replicas", 0)
    errors = validation.validate_object_meta(scale["metadata"], namespaced=scope.resource.namespaced)
    errors += validation.validate_finalizer_names(scale["metadata"].get("finalizers"))
    if replicas < 0 and _paths(scope) is None:  # custom resources' own rules say it
        errors.append(invalid_value("spec.replicas", replicas, "must be greater than or equal to 0"))
    if errors:
        raise invalid("Scale", "autoscaling", name, errors)
    uid, current = scale["metadata"].get("uid"), meta.uid(old)
    if scale["metadata"].get("name") != name:
        own = scale["metadata"].get("name")
        raise bad_request(f"the name of the object ({own}) does not match the name on the URL ({name})")
    if uid and uid != current:
        raise another_object(scope.store, name, old["metadata"], uid, current, dry_run=dry_run)
