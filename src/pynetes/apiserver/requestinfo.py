"""What a request asks for, read off its method, path and query by upstream's rules (RequestInfoFactory)."""

import re
from urllib.parse import parse_qs, unquote

from msgspec import Struct

_VERBS = {"POST": "create", "GET": "get", "HEAD": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_SPECIAL_VERBS = frozenset(("proxy", "watch"))
_AUTHORITY = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_NAMESPACE_SUBRESOURCES = frozenset(("status", "finalize"))


class RequestInfo(Struct):
    """For a resource request the named parts; for any other path only `path` and `verb` (the lower-case method)."""

    is_resource: bool
    verb: str
    path: str
    api_prefix: str = ""
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    parts: tuple[str, ...] = ()
    verb_in_path: bool = False
    """The old form of watches, `/api/v1/watch/…`."""
    field_selector: str = ""
    label_selector: str = ""

    @property
    def extent(self) -> str:
        """What metrics call the scope: of a request for resources `resource`, `namespace` or `cluster`."""
        if not self.is_resource:
            return ""
        single = self.name or self.verb == "create"
        return "resource" if single else "namespace" if self.namespace else "cluster"


def request_info(method: str, path: str, query: dict[str, list[str]]) -> RequestInfo:
    """`path` is decoded; `query` as parsed (the verbs list and watch depend on it). ValueError."""
    current = path.strip("/").split("/")
    info = RequestInfo(False, method.lower(), path)
    if len(current) < 3 or current[0] not in ("api", "apis"):
        return info
    prefix = current[0]
    if prefix == "apis":
        if len(current) < 4:
            return info
        info.group = current[1]
        current = current[2:]
    else:
        current = current[1:]
    info.api_prefix = prefix
    info.is_resource = True
    info.version = current[0]
    _read_resource(info, method, current[1:])
    _read_collection_verb(info, query)
    return info


def _read_resource(info: RequestInfo, method: str, current: list[str]) -> None:
    if current[0] in _SPECIAL_VERBS:
        if len(current) < 2:
            raise ValueError(f"unable to determine kind and namespace from url, {info.path}")
        info.verb, info.verb_in_path = current[0], True
        current = current[1:]
    else:
        info.verb = _VERBS.get(method, "")
    if current[0] == "namespaces" and len(current) > 1:
        info.namespace = current[1]
        if len(current) > 2 and current[2] not in _NAMESPACE_SUBRESOURCES:
            current = current[2:]
    info.parts = tuple(current)
    info.resource = current[0]
    if len(current) > 1:
        info.name = current[1]
    if len(current) > 2 and info.verb != "proxy":
        info.subresource = current[2]


def _read_collection_verb(info: RequestInfo, query: dict[str, list[str]]) -> None:
    if info.verb == "watch" or (not info.name and info.verb == "get"):
        watch = query.get("watch")
        if info.verb == "get":
            info.verb = "watch" if watch and watch[0].lower() not in ("0", "false") else "list"
        if "fieldSelector" in query:
            info.field_selector = query["fieldSelector"][0]
            info.name = info.name or _single_name(info.field_selector)
        if "labelSelector" in query:
            info.label_selector = query["labelSelector"][0]
    elif not info.name and info.verb == "delete":
        info.verb = "deletecollection"
        info.field_selector = query.get("fieldSelector", [""])[0]
        info.label_selector = query.get("labelSelector", [""])[0]


def _single_name(field_selector: str) -> str:
    """The name that `metadata.name=…` asks for, so that authorization by name covers such lists and watches."""
    for requirement in field_selector.split(","):
        field, equals, value = requirement.partition("=")
        if field == "metadata.name" and equals:
            name = value.removeprefix("=")
            return name if name not in (".", "..") and not set(name) & {"/", "%"} else ""
    return ""


def origin_form(target: str) -> str:
    """Path and query of a request target, which through a proxy is a whole URL."""
    if target.startswith("/"):
        return target
    return _AUTHORITY.sub("", target, count=1)


def decode_path(raw: str) -> str:
    """The path of a request target, percent-decoded, without query. ValueError for an escape that is none."""
    path = raw.partition("?")[0]
    if "%" not in path:
        return path
    if _BAD_ESCAPE.search(path):
        raise ValueError("invalid URL escape")
    return unquote(path)


def parse_query(raw: str) -> dict[str, list[str]]:
    """The query of a request target. Parameters that Go would not understand are not there."""
    mark = raw.find("?")
    if mark < 0:
        return {}
    text = raw[mark + 1 :]
    if ";" in text or _BAD_ESCAPE.search(text):
        text = "&".join(part for part in text.split("&") if ";" not in part and not _BAD_ESCAPE.search(part))
    return parse_qs(text, keep_blank_values=True)
