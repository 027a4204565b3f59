"""The three lists of containers of a pod spec."""

from pynetes.apis.core.container_validation import (
    PodContext,
    validate_common,
    validate_host_port_conflicts,
    validate_image_spacing,
    validate_restart_policy,
)
from pynetes.apis.core.probe_validation import validate_lifecycle, validate_probes
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import Object

_ONLY_SIDECARS = "may not be set for init containers without restartPolicy=Always"
_NOT_EPHEMERAL = "cannot be set for an Ephemeral Container"
_EPHEMERAL_FIELDS = frozenset(
    (
        "name",
        "image",
        "command",
        "args",
        "workingDir",
        "envFrom",
        "env",
        "volumeMounts",
        "volumeDevices",
        "terminationMessagePath",
        "terminationMessagePolicy",
        "imagePullPolicy",
        "securityContext",
        "stdin",
        "stdinOnce",
        "tty",
        "targetContainerName",
    )
)

_OTHER_FIELDS = (
    "ports",
    "resources",
    "resizePolicy",
    "restartPolicy",
    "restartPolicyRules",
    "livenessProbe",
    "readinessProbe",
    "startupProbe",
    "lifecycle",
)


def _place(field: str) -> int:
    return _OTHER_FIELDS.index(field) if field in _OTHER_FIELDS else len(_OTHER_FIELDS)


def validate_containers(found: FieldErrors, spec: Object, context: PodContext, path: str) -> None:
    containers = spec.get("containers") or []
    if not containers:
        found.required(path)
        return
    seen: set[str] = set()
    for index, container in enumerate(containers):
        own = f"{path}[{index}]"
        validate_common(found, container, context, own)
        _unique_name(found, container, seen, own)
        lifecycle = container.get("lifecycle")
        validate_lifecycle(found, lifecycle, context.grace_seconds, context.os, f"{own}.lifecycle")
        validate_probes(found, container, context.grace_seconds, own)
        validate_restart_policy(found, container, own)
    validate_host_port_conflicts(found, containers, path)


def _unique_name(found: FieldErrors, container: Object, seen: set[str], path: str) -> None:
    name = container.get("name") or ""
    if name in seen:
        found.duplicate(f"{path}.name", name)
    seen.add(name)


def validate_init_containers(found: FieldErrors, spec: Object, context: PodContext, path: str) -> None:
    seen = {c.get("name") or "" for c in spec.get("containers") or ()} - {""}
    for index, container in enumerate(spec.get("initContainers") or ()):
        own = f"{path}[{index}]"
        validate_common(found, container, context, own)
        validate_restart_policy(found, container, own, initial=True)
        name = container.get("name") or ""
        if name in seen:
            found.duplicate(f"{own}.name", name)
        elif name:
            seen.add(name)
        validate_host_port_conflicts(found, [container], path)
        if container.get("restartPolicy") == "Always":
            lifecycle = container.get("lifecycle")
            validate_lifecycle(found, lifecycle, context.grace_seconds, context.os, f"{own}.lifecycle")
            validate_probes(found, container, context.grace_seconds, own)
            continue
        for field in ("lifecycle", "livenessProbe", "readinessProbe", "startupProbe"):
            if container.get(field) is not None:
                found.forbidden(f"{own}.{field}", _ONLY_SIDECARS)
        for number, policy in enumerate(container.get("resizePolicy") or ()):
            if policy.get("restartPolicy") == "RestartContainer":
                detail = "must not be set to 'RestartContainer' for non-sidecar initContainers"
                found.invalid(f"{own}.resizePolicy[{number}].restartPolicy", "RestartContainer", detail)


def validate_ephemeral_containers(found: FieldErrors, spec: Object, context: PodContext, path: str) -> None:
    others = {c.get("name") or "" for field in ("containers", "initContainers") for c in spec.get(field) or ()}
    seen = set(others)
    for index, container in enumerate(spec.get("ephemeralContainers") or ()):
        own = f"{path}[{index}]"
        validate_common(found, container, context, own)
        validate_image_spacing(found, container, own)
        _unique_name(found, container, seen, own)
        target = container.get("targetContainerName")
        if target and target not in others:
            found.not_found(f"{own}.targetContainerName", target)
        for field in sorted(container.keys() - _EPHEMERAL_FIELDS, key=_place):
            if container[field] not in (None, "") and (field, container[field]) != ("resources", {}):
                found.forbidden(f"{own}.{field}", _NOT_EPHEMERAL)
        for number, mount in enumerate(container.get("volumeMounts") or ()):
            for field in ("subPath", "subPathExpr"):
                if mount.get(field):
                    found.forbidden(f"{own}.volumeMounts[{number}].{field}", _NOT_EPHEMERAL)
