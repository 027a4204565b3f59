"""AdmissionReview, v1 and v1beta1: the question, and what is taken for an answer."""

import base64
from typing import Any

from msgspec import Struct, field

from pynetes.apimachinery.quoting import go_quoted
from pynetes.apimachinery.schema.scalars import canonical_bytes
from pynetes.apiserver.admission.attributes import Attributes
from pynetes.apiserver.admission.expressions.activation import admission_request
from pynetes.apiserver.admission.matching import Match

Object = dict[str, Any]

_GROUP, _KIND = "admission.k8s.io", "AdmissionReview"


class InvalidResponseError(ValueError):
    """An answer that is none, in upstream's words."""


class UndecodableError(ValueError):
    """An answer that does not even parse as a review."""


class Answer(Struct):
    """`patch` is the JSON text; `result` the Status that goes with a denial."""

    allowed: bool
    patch: bytes = b""
    patch_type: str = ""
    result: Object | None = None
    warnings: list[str] = field(default_factory=list)
    annotations: dict[str, str] = field(default_factory=dict)


def review(version: str, uid: str, attrs: Attributes, match: Match, obj: Object | None, old: Object | None) -> Object:
    """The question. `obj` and `old` are in the version that the webhook's rule asked for."""
    request = {
        "uid": uid,
        **admission_request(attrs, match.kind, match.resource),
        "object": obj,
        "oldObject": old,
    }
    return {"kind": _KIND, "apiVersion": f"{_GROUP}/{version}", "request": request}


def answer_of(given: Object, version: str, uid: str, *, mutating: bool) -> Answer:
    """The answer; UndecodableError or InvalidResponseError if it is not what it must be."""
    _check_type(given, version)
    response = given.get("response")
    if response is None:
        raise InvalidResponseError("webhook response was absent")
    _check_shape(response)
    patch = _patch(response.get("patch"))
    kind = response.get("patchType")
    if version == "v1":
        _check_v1(given, response, uid)
        _check_patch(patch, kind, mutating=mutating)
    elif mutating and patch:
        kind = "JSONPatch"
    return Answer(
        bool(response.get("allowed")),
        patch if mutating else b"",
        kind or "" if mutating else "",
        response.get("status"),
        list(response.get("warnings") or ()),
        dict(response.get("auditAnnotations") or {}),
    )


def _check_type(given: Object, version: str) -> None:
    """What is left out counts as what was asked for."""
    kind = str(given.get("kind") or _KIND)
    api_version = str(given.get("apiVersion") or f"{_GROUP}/{version}")
    group, _, found = api_version.rpartition("/")
    if group != _GROUP or found not in ("v1", "v1beta1") or kind != _KIND:
        raise UndecodableError(
            f"no kind {go_quoted(kind)} is registered for version {go_quoted(api_version)} "
            'in scheme "pkg/util/webhook/client.go:71"'
        )


def _check_shape(response: Any) -> None:
    """Types of the fields that are read."""
    if not isinstance(response, dict):
        raise UndecodableError("json: cannot unmarshal into Go struct field AdmissionReview.response")
    for name, kind in (
        ("uid", str),
        ("allowed", bool),
        ("patch", str),
        ("patchType", str),
        ("status", dict),
        ("warnings", list),
        ("auditAnnotations", dict),
    ):
        if response.get(name) is not None and not isinstance(response[name], kind):
            raise UndecodableError(f"json: cannot unmarshal into Go struct field AdmissionResponse.response.{name}")


def _patch(text: str | None) -> bytes:
    try:
        return base64.b64decode(canonical_bytes(text or ""))
    except ValueError as error:
        raise UndecodableError(str(error)) from None


def _check_v1(given: Object, response: Object, uid: str) -> None:
    if response.get("uid") != uid:
        raise InvalidResponseError(
            f"expected response.uid={go_quoted(uid)}, got {go_quoted(response.get('uid') or '')}"
        )
    if (given.get("apiVersion"), given.get("kind")) != (f"{_GROUP}/v1", _KIND):
        found = f"{given.get('apiVersion') or '/'}, Kind={given.get('kind') or ''}"
        raise InvalidResponseError(f"expected webhook response of {_GROUP}/v1, Kind={_KIND}, got {found}")


def _check_patch(patch: bytes, kind: str | None, *, mutating: bool) -> None:
    if not mutating:
        if patch:
            raise InvalidResponseError("validating webhook may not return response.patch")
        if kind is not None:
            raise InvalidResponseError("validating webhook may not return response.patchType")
        return
    if patch and kind is None:
        raise InvalidResponseError("webhook returned response.patch but not response.patchType")
    if not patch and kind is not None:
        raise InvalidResponseError("webhook returned response.patchType but not response.patch")
    if kind == "":
        raise InvalidResponseError('webhook returned invalid response.patchType of ""')
