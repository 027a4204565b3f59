"""Objects out of files, put into a cluster: definitions of custom resources first, webhooks turned to the test's own.

What upstream's envtest does with its options for definitions and webhooks.
"""

import base64
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pynetes.apimachinery import meta, yaml_text
from pynetes.apis.apiextensions.definition_validation import is_established
from pynetes.apis.names import CUSTOM_RESOURCE_DEFINITIONS
from pynetes.client.discovery import APIResource, discover
from pynetes.client.rest import Client
from pynetes.component import clock

Object = dict[str, Any]

_MANAGER = "pynetes-testing"
_SUFFIXES = (".yaml", ".yml", ".json")
_BETWEEN = re.compile(r"^---.*$", re.MULTILINE)
_DEFINITION = "CustomResourceDefinition"
_SECONDS, _ATTEMPTS = 0.01, 1000


def read(paths: Iterable[str | Path]) -> list[Object]:
    """The objects of files, and of the YAML and JSON files in folders, in the order of their names."""
    found: list[Object] = []
    for path in map(Path, paths):
        files = sorted(each for each in path.iterdir() if each.suffix in _SUFFIXES) if path.is_dir() else [path]
        for file in files:
            for document in _BETWEEN.split(file.read_text()):
                obj, _ = yaml_text.parse(document.encode())
                if obj:
                    found += obj["items"] if obj.get("kind") == "List" else [obj]
    return found


def turned(obj: Object, url: str, authority: bytes) -> Object:
    """`obj`, its webhooks asked at `url` where they name a Service; their server's certificate is of `authority`."""
    conversion = ((obj.get("spec") or {}).get("conversion") or {}).get("webhook")
    for webhook in (*(obj.get("webhooks") or ()), *([conversion] if conversion else ())):
        service = webhook["clientConfig"].pop("service", None)
        if service is not None:
            bundle = base64.b64encode(authority).decode()
            webhook["clientConfig"] |= {"url": url.rstrip("/") + (service.get("path") or ""), "caBundle": bundle}
    return obj


async def install(client: Client, objects: Iterable[Object]) -> None:
    """Applies them, definitions first, each as soon as its kind is served."""
    for obj in sorted(objects, key=lambda each: each["kind"] != _DEFINITION):
        resource = await _served(client, obj["apiVersion"], obj["kind"])
        namespace = meta.namespace(obj) or "default" if resource.namespaced else None
        name = meta.name(obj)
        await client.patch(resource.gvr, name, obj, namespace, type="apply", field_manager=_MANAGER, force=True)
        while obj["kind"] == _DEFINITION and not is_established(await client.get(CUSTOM_RESOURCE_DEFINITIONS, name)):
            await clock.sleep(_SECONDS)


async def _served(client: Client, api_version: str, kind: str) -> APIResource:
    """LookupError for a kind that does not come: its definition may have been refused, or is not among the files."""
    for _ in range(_ATTEMPTS):
        if found := (await discover(client)).by_kind(api_version, kind):
            return found
        await clock.sleep(_SECONDS)
    raise LookupError(f"no kind {kind} of {api_version} is served")
