"""`/statusz` and `/flagz`: since when a component runs, what it is, and its flags; for people, or as an object.

Whoever accepts anything, or text, gets text. The object must be asked for by its whole name, as
`application/json;as=Statusz;v=v1beta1;g=config.k8s.io`.
"""

import json
import os
import platform
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import yaml
from msgspec import Struct

from pynetes.component import clock, logs
from pynetes.component.serving import TEXT, Answer, Request, wants_pretty

GROUP = "config.k8s.io"
#: Version → whether it is deprecated.
_VERSIONS = {"v1beta1": False, "v1alpha1": True}
_MEDIA_TYPES = ("application/json", "application/yaml")
#: Not for debugging, so that `statusz` does not name them.
_LEFT_OUT = frozenset(("/apis", "/api", "/openid", "/openapi", "/.well-known"))
_WARNING = (
    "Warning: This endpoint is not meant to be machine parseable, "
    "has no formatting compatibility guarantees and is for debugging purposes only."
)


class Process(Struct, frozen=True):
    """What `statusz` tells. `version` is Kubernetes' (`1.36.0`)."""

    component: str
    version: str
    started: datetime

    def emulated(self) -> str:
        return ".".join(self.version.split(".")[:2])


def this_process(component: str, version: str) -> Process:
    """`version` with or without its `v`."""
    return Process(component, version.removeprefix("v"), _started())


def _started() -> datetime:
    """When the kernel started this process; now, where it does not tell."""
    try:
        with open("/proc/self/stat") as file:
            ticks = int(file.read().rsplit(")", 1)[1].split()[19])
        with open("/proc/stat") as file:
            boot = next(int(line.split()[1]) for line in file if line.startswith("btime "))
    except (OSError, ValueError, StopIteration):
        return clock.now()
    return datetime.fromtimestamp(boot + ticks / os.sysconf("SC_CLK_TCK"), UTC)


def statusz(request: Request, process: Process, paths: Iterable[str]) -> Answer:
    listed = debugging_paths(paths)
    up = max(0, int((clock.now() - process.started).total_seconds()))
    content = {
        "startTime": process.started.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "uptimeSeconds": up,
        "goVersion": f"python{platform.python_version()}",
        "binaryVersion": process.version,
        "emulationVersion": process.emulated(),
        "paths": listed,
    }
    lines = [
        "",
        f"Started: {process.started.strftime('%a %b %e %H:%M:%S UTC %Y')}",
        f"Up: {up // 3600} hr {up // 60 % 60:02d} min {up % 60:02d} sec",
        f"Go version: {content['goVersion']}",
        f"Binary version: {process.version}",
        f"Emulation version: {process.emulated()}",
        f"Paths: {' '.join(listed)}",
    ]
    return _negotiated(request, "Statusz", process.component, content, lines)


def flagz(request: Request, component: str, flags: Mapping[str, str]) -> Answer:
    """The component's flags and those of its log."""
    shown = dict(sorted({**logs.flags(), **flags}.items()))
    lines = [f"{name}={value}" for name, value in shown.items()]
    return _negotiated(request, "Flagz", component, {"flags": shown}, lines)


def debugging_paths(paths: Iterable[str]) -> list[str]:
    """The first parts of paths, each once: `/metrics/slis` counts as `/metrics`."""
    first = {"/" + path.split("/")[1] for path in paths if path.startswith("/") and path.split("/")[1]}
    return sorted(first - _LEFT_OUT)


def _negotiated(request: Request, kind: str, component: str, content: dict[str, Any], lines: list[str]) -> Answer:
    accept = request.headers.get("accept", "").strip()
    for clause in accept.split(",") if accept else ["text/plain"]:
        media, parameters = _parsed(clause)
        wanted = parameters.get("as", "")
        if media in ("text/plain", "text/*", "*/*") and not wanted:
            header = f"\n{component} {kind.lower()}\n{_WARNING}\n"
            return Answer((header + "\n".join(lines) + "\n").encode(), content_type=TEXT)
        version = parameters.get("v", "")
        if wanted == kind and parameters.get("g") == GROUP and version in _VERSIONS and media in (*_MEDIA_TYPES, "*/*"):
            document = {"kind": kind, "apiVersion": f"{GROUP}/{version}", "metadata": {"name": component}, **content}
            media = "application/json" if media == "*/*" else media
            media_type = f"{media};g={GROUP};v={version};as={kind}"
            return Answer(_encoded(request, document, media), content_type=media_type, headers=_warning(kind, version))
    return _not_acceptable(request, accept)


def _parsed(clause: str) -> tuple[str, dict[str, str]]:
    media, *rest = (part.strip() for part in clause.split(";"))
    return media.lower(), {name.strip(): value.strip() for name, _, value in (p.partition("=") for p in rest)}


def _encoded(request: Request, document: dict[str, Any], media: str) -> bytes:
    if media == "application/yaml":
        return yaml.safe_dump(document).encode()
    pretty = wants_pretty(request.query.get("pretty", [""])[0], request.headers.get("user-agent", ""))
    layout: dict[str, Any] = {"indent": 2} if pretty else {"separators": (",", ":")}
    return (json.dumps(document, **layout) + "\n").encode()


def _warning(kind: str, version: str) -> dict[str, str]:
    if not _VERSIONS[version]:
        return {}
    said = f"This version of the {kind.lower()} endpoint is deprecated. Please use a newer version."
    return {"Warning": f'299 - "{said}"'}


def _not_acceptable(request: Request, accept: str) -> Answer:
    """What is accepted as a list of media types, as all servers of Kubernetes say it."""
    accepted = ", ".join((*_MEDIA_TYPES, "text/plain"))
    status = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": f"only the following media types are accepted: {accepted}",
        "reason": "NotAcceptable",
        "code": 406,
    }
    asked = (_parsed(clause)[0] for clause in accept.split(","))
    media = next((each for each in asked if each in _MEDIA_TYPES), "application/json")
    return Answer(_encoded(request, status, media), 406, media)
