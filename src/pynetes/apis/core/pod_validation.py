"""A new pod."""

import re

import msgspec

from pynetes.apis.core.container_validation import validate_image_spacing
from pynetes.apis.core.path_validation import validate_local_path
from pynetes.apis.core.pod_spec_validation import validate_pod_spec
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import Object
from pynetes.component.memo import ByText

MIRROR = "kubernetes.io/config.mirror"
DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
SECCOMP_POD = "seccomp.security.alpha.kubernetes.io/pod"
SECCOMP_CONTAINER = "container.seccomp.security.alpha.kubernetes.io/"
APP_ARMOR = "container.apparmor.security.beta.kubernetes.io/"
_COST = re.compile(r"-?(0|[1-9]\d*)", re.ASCII)
_SECCOMP_PLAIN = ("runtime/default", "docker/default", "unconfined")


def validate_pod(pod: Object) -> FieldErrors:
    found = validate_metadata_and_spec(pod)
    spec = pod["spec"]
    if spec.get("ephemeralContainers"):
        found.forbidden("spec.ephemeralContainers", "cannot be set on create")
    if spec.get("nodeName") and spec.get("schedulingGates"):
        found.forbidden("spec.nodeName", "cannot be set until all schedulingGates have been cleared")
    return found


def validate_metadata_and_spec(pod: Object) -> FieldErrors:
    """What holds at creation and at every update; metadata proper is checked elsewhere."""
    spec, metadata = pod["spec"], pod["metadata"]
    annotations = metadata.get("annotations") or {}
    found = FieldErrors()
    validate_pod_annotations(found, annotations, spec, "metadata.annotations")
    if MIRROR in annotations and spec.get("resourceClaims"):
        found.forbidden("", "static pods do not support resource claims")
    name = metadata.get("name") or ""
    text = identity(spec) + (
        name.encode() if any("ephemeral" in volume for volume in spec.get("volumes") or ()) else b""
    )
    if not _valid.get(text, lambda: not _validate_spec(spec, name)):
        found += _validate_spec(spec, name)
    return found


_valid: ByText[bool] = ByText(1024)
_TOKEN_PREFIX = b'"kube-api-access-'
_TOKEN_VOLUME = re.compile(_TOKEN_PREFIX + rb'[a-z0-9]{5}"')


def identity(spec: Object) -> bytes:
    """The text of a pod's spec. Each pod has a name of its own for the volume with its token: it makes no difference,
    so it stands as what no name can be."""
    text = msgspec.json.encode(spec)
    if _TOKEN_PREFIX not in text:
        return text
    names = set(_TOKEN_VOLUME.findall(text))
    return text.replace(names.pop(), b"\0") if len(names) == 1 else text


def _validate_spec(spec: Object, pod_name: str) -> FieldErrors:
    found = validate_pod_spec(spec, "spec", pod_name=pod_name, is_pod=True)
    if not spec.get("serviceAccountName"):
        _no_tokens(found, spec)
    for field in ("containers", "initContainers"):
        for index, container in enumerate(spec.get(field) or ()):
            validate_image_spacing(found, container, f"spec.{field}[{index}]")
    return found


def _no_tokens(found: FieldErrors, spec: Object) -> None:
    for index, volume in enumerate(spec.get("volumes") or ()):
        for number, source in enumerate((volume.get("projected") or {}).get("sources") or ()):
            if source.get("serviceAccountToken") is not None:
                own = f"spec.volumes[{index}].projected.sources[{number}].serviceAccountToken"
                found.forbidden(own, "must not be specified when serviceAccountName is not set")


def validate_pod_annotations(found: FieldErrors, annotations: dict[str, str], spec: Object, path: str) -> None:
    if MIRROR in annotations and not spec.get("nodeName"):
        detail = "must set spec.nodeName if mirror pod annotation is set"
        found.invalid(f"{path}[{MIRROR}]", annotations[MIRROR], detail)
    cost = annotations.get(DELETION_COST)
    if cost is not None and not (_COST.fullmatch(cost) and -(2**31) <= int(cost) < 2**31):
        found.invalid(f"{path}[{DELETION_COST}]", cost, "must be a 32bit integer")
    containers = {c.get("name") for f in ("initContainers", "containers") for c in spec.get(f) or ()}
    for key, value in annotations.items():
        if key == SECCOMP_POD or key.startswith(SECCOMP_CONTAINER):
            _seccomp(found, value, f"{path}.{key}")
        elif key.startswith(APP_ARMOR):
            name = key.removeprefix(APP_ARMOR)
            if name not in containers:
                found.invalid(f"{path}[{key}]", name, "container not found")
            if value not in ("", "runtime/default", "unconfined") and not value.startswith("localhost/"):
                found.invalid(f"{path}[{key}]", value, f'invalid AppArmor profile name: "{value}"')


def _seccomp(found: FieldErrors, value: str, path: str) -> None:
    if value.startswith("localhost/"):
        validate_local_path(found, value.removeprefix("localhost/"), path)
    elif value not in _SECCOMP_PLAIN:
        found.invalid(path, value, "must be a valid seccomp profile")
