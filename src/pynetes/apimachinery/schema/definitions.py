"""The OpenAPI definitions, by name (`io.k8s.api.apps.v1.Deployment`) and by kind."""

import gzip
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from pynetes.apimachinery.gvk import GroupVersionKind

VERSION = "1.36"
REFERENCE_PREFIX = "#/definitions/"
KINDS = "x-kubernetes-group-version-kind"
_UNPUBLISHED = {GroupVersionKind("policy", "v1beta1", "Eviction"): "io.k8s.api.policy.v1.Eviction"}
"""Kinds of bodies that are taken, without being in the documents: their form is that of another version."""


@cache
def all_definitions() -> dict[str, dict[str, Any]]:
    """All of them; shared, never to be changed."""
    packed = Path(__file__).with_name(f"kubernetes-{VERSION}.json.gz").read_bytes()
    loaded: dict[str, dict[str, Any]] = orjson.loads(gzip.decompress(packed))
    return loaded


def definition(name: str) -> dict[str, Any]:
    """One definition; KeyError if there is none."""
    return all_definitions()[name]


@cache
def _by_kind() -> dict[GroupVersionKind, str]:
    published = {
        GroupVersionKind(entry["group"], entry["version"], entry["kind"]): name
        for name, schema in all_definitions().items()
        for entry in schema.get(KINDS) or ()
    }
    return {**published, **_UNPUBLISHED}


def find_definition_name(gvk: GroupVersionKind) -> str | None:
    """None for kinds that are not built in."""
    return _by_kind().get(gvk)


def definition_name(gvk: GroupVersionKind) -> str:
    """KeyError for kinds that are not built in."""
    return _by_kind()[gvk]


def group_version_kinds() -> tuple[GroupVersionKind, ...]:
    """Every kind that has a definition."""
    return tuple(_by_kind())


def referred(schema: dict[str, Any]) -> str | None:
    """The name of the definition that a property's schema refers to."""
    reference = schema.get("$ref")
    return reference[len(REFERENCE_PREFIX) :] if reference else None
