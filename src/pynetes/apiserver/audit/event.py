"""An audit Event, filled in while its request goes on."""

import ipaddress
import json
from datetime import datetime
from typing import Any

import orjson
import yaml

from pynetes.apimachinery import codec, json_writer, meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apimachinery.schema import empties
from pynetes.apimachinery.times import format_micro_time
from pynetes.apiserver.audit.policy import REQUEST, REQUEST_RESPONSE, Noted
from pynetes.apiserver.http import Request, Response

Object = dict[str, Any]

KIND, API_VERSION = "Event", "audit.k8s.io/v1"
_PATCH = "patch.webhook.admission.k8s.io/"
_STATUS = GroupVersionKind("", "v1", "Status")
#: Of programs that say more of themselves, the beginning is noted.
_LONGEST_AGENT, _CUT = 1024, "...TRUNCATED"
#: Below these, answers are objects; documents and checks elsewhere are not noted.
_API_ROOTS = frozenset(("api", "apis"))


def new(request: Request, noted: Noted, received: datetime) -> Object:
    """What is known when a request has come in and its user is known."""
    info = request.info
    assert info is not None
    event: Object = {
        "kind": KIND,
        "apiVersion": API_VERSION,
        "level": noted.level,
        "auditID": request.audit_id,
        "stage": "",
        "requestURI": request.target,
        "verb": info.verb,
        "user": request.user.to_wire() if request.user is not None else {},
        "sourceIPs": _addresses(request),
        "requestReceivedTimestamp": format_micro_time(received),
    }
    if agent := request.headers.get("User-Agent"):
        event["userAgent"] = agent if len(agent) <= _LONGEST_AGENT else agent[:_LONGEST_AGENT] + _CUT
    if info.is_resource:
        event["objectRef"] = _reference(request)
    return event


def _addresses(request: Request) -> list[str]:
    """The forwarded ones first, as they claim, the peer's own last; what is no address is none."""
    found = [_address(part) for part in request.headers.get("X-Forwarded-For", "").split(",")]
    addresses = [address for address in found if address]
    real, peer = _address(request.headers.get("X-Real-Ip", "")), _address(request.remote)
    if real and real not in addresses:
        addresses.append(real)
    if peer and addresses[-1:] != [peer]:
        addresses.append(peer)
    return addresses


def _address(text: str) -> str:
    """As Go writes it: an IPv4 address is one in IPv6's clothes, too."""
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        return ""
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)


def _reference(request: Request) -> Object:
    info = request.info
    assert info is not None
    values = {
        "resource": info.resource,
        "namespace": info.namespace,
        "name": info.name,
        "apiGroup": info.group,
        "apiVersion": info.version,
        "subresource": info.subresource,
    }
    return {field: value for field, value in values.items() if value}


def note_object(event: Object, noted: Noted, obj: Any, kind: GroupVersionKind | None) -> None:
    """The object that was sent, or the patch, which has no kind, if the level wants it; what an object says about
    itself goes into the reference."""
    if kind is None:
        if noted.at_least(REQUEST):
            event["requestObject"] = meta.copy(obj)
        return
    reference, metadata = event.setdefault("objectRef", {}), obj.get("metadata") or {}
    for field in ("name", "namespace", "uid", "resourceVersion"):
        if metadata.get(field) and not reference.get(field):
            reference[field] = metadata[field]
    if noted.at_least(REQUEST):
        # A copy: what admission makes of the object is not what was sent.
        sent = meta.copy({"kind": kind.kind, "apiVersion": kind.api_version, **empties.written(obj, kind)})
        event["requestObject"] = _without_managed_fields(sent) if noted.omit_managed_fields else sent


def note_response(event: Object, noted: Noted, answer: Response, path: str) -> None:
    """How it ended, and the object that was answered with, if the level wants it."""
    status, body = answer.status, answer.body
    event["responseStatus"] = {"metadata": {}, "code": status}
    if not answer.is_object:
        return
    wanted = status >= 400 or b'"Status"' in body[:64] or noted.at_least(REQUEST_RESPONSE)
    answered = parsed(body, answer.content_type) if wanted else None
    is_object = path.strip("/").partition("/")[0] in _API_ROOTS
    if isinstance(answered, dict) and answered.get("kind") == "Status":
        kept = ("status", "message", "reason", "details")
        said = {field: answered[field] for field in kept if field in answered}
        event["responseStatus"] = {"metadata": {}, **said, "code": status}
        is_object = True
    if is_object and noted.at_least(REQUEST_RESPONSE) and answered is not None:
        event["responseObject"] = _without_managed_fields(answered) if noted.omit_managed_fields else answered


def parsed(body: bytes, content_type: str) -> Any:
    """The object in a body; None if it is none that can be shown as JSON."""
    media = content_type.partition(";")[0].strip()
    if media.endswith("yaml"):
        try:
            return yaml.safe_load(body)
        except yaml.YAMLError:
            return None
    if media.endswith("json") or not media:
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError:
            return None
    if media == "application/vnd.kubernetes.protobuf":
        return _from_protobuf(body)
    return None


def _from_protobuf(body: bytes) -> Any:
    from pynetes.apimachinery.protobuf.decoder import ProtobufError, decode

    try:
        obj = decode(body, _STATUS)
        kind = codec.interpret(obj, _STATUS)
        return codec.decode(json_writer.encode(obj), kind, validation="Ignore")[0]
    except (ProtobufError, StatusError):
        return None


def _without_managed_fields(obj: Any) -> Any:
    if not isinstance(obj, dict):
        return obj
    out = dict(obj)
    if isinstance(out.get("metadata"), dict):
        out["metadata"] = {field: value for field, value in out["metadata"].items() if field != "managedFields"}
    if isinstance(out.get("items"), list):
        out["items"] = [_without_managed_fields(item) for item in out["items"]]
    if isinstance(out.get("rows"), list):
        out["rows"] = [{**row, "object": _without_managed_fields(row.get("object"))} for row in out["rows"]]
    return out


def at_stage(event: Object, stage: str, now: datetime, annotations: dict[str, str]) -> Object:
    """The event as it is told at a stage of its request."""
    out = {**event, "stage": stage, "stageTimestamp": format_micro_time(now)}
    shown = {key: text for key, text in annotations.items() if _may_be_told(key, event["level"])}
    if shown:
        out["annotations"] = shown
    return out


def _may_be_told(key: str, level: str) -> bool:
    """What webhooks have changed is part of the object, and told only where objects are."""
    return not key.startswith(_PATCH) or level in (REQUEST, REQUEST_RESPONSE)


def line(event: Object) -> bytes:
    return json_writer.encode(event, orjson.OPT_APPEND_NEWLINE)


def legacy_line(event: Object) -> bytes:
    """The older form: names and quoted values, for those who read it with a grep."""
    user, reference = event.get("user") or {}, event.get("objectRef") or {}
    impersonated = event.get("impersonatedUser") or {}
    addresses = event.get("sourceIPs") or ["<unknown>"]
    code = (event.get("responseStatus") or {}).get("code")
    fields = {
        "id": _quoted(event["auditID"]),
        "stage": _quoted(event["stage"]),
        "ip": _quoted(addresses[0]),
        "method": _quoted(event["verb"]),
        "user": _quoted(user.get("username", "<none>")),
        "groups": _quoted(*(user.get("groups") or ("<none>",))),
        "as": _quoted(impersonated.get("username", "<self>")),
        "asgroups": _quoted(*(impersonated.get("groups") or ("<lookup>",))),
        "user-agent": _quoted(event.get("userAgent", "")),
        "namespace": _quoted(reference.get("namespace", "<none>")),
        "uri": _quoted(event["requestURI"]),
        "response": _quoted(str(code) if code else "<deferred>"),
    }
    text = " ".join(f"{name}={value}" for name, value in fields.items())
    return f"{event['requestReceivedTimestamp']} AUDIT: {text}\n".encode()


def _quoted(*values: str) -> str:
    return ",".join(json.dumps(value) for value in values)
