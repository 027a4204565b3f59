"""Messages by field number, out of `fields.json`."""

from functools import cache
from importlib.resources import files

import orjson
from msgspec import Struct

_PREFIXES = {
    "~m.": "k8s.io.apimachinery.pkg.",
    "~a.": "k8s.io.api.",
    "~x.": "k8s.io.apiextensions_apiserver.pkg.apis.",
}
#: Embedded structs: their fields are the outer object's in JSON.
_INLINE = frozenset(
    (
        "deviceConfiguration",
        "ephemeralContainerCommon",
        "handler",
        "ingressRuleValue",
        "localObjectReference",
        "persistentVolumeSource",
        "rule",
        "ruleWithOperations",
        "volumeSource",
    )
)
#: Names of the .proto files that are others in JSON.
_RENAMED = {
    "Webhooks": "webhooks",
    "Expression": "expression",
    "Name": "name",
    "uID": "uid",
    "aPIGroup": "apiGroup",
    "xKubernetesPreserveUnknownFields": "x-kubernetes-preserve-unknown-fields",
    "xKubernetesEmbeddedResource": "x-kubernetes-embedded-resource",
    "xKubernetesIntOrString": "x-kubernetes-int-or-string",
    "xKubernetesListMapKeys": "x-kubernetes-list-map-keys",
    "xKubernetesListType": "x-kubernetes-list-type",
    "xKubernetesMapType": "x-kubernetes-map-type",
    "xKubernetesValidations": "x-kubernetes-validations",
}
_SCHEMA_PROPS = "k8s.io.apiextensions_apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps"
_SCHEMA_RENAMED = {"schema": "$schema", "ref": "$ref"}


class Field(Struct, frozen=True):
    """One field. `type` is a scalar's name or a message's; maps have string keys and values of `type`.

    `always`: the original writes it even when it is empty, because its Go field is a value and no pointer.
    """

    name: str
    type: str
    repeated: bool = False
    mapping: bool = False
    inline: bool = False
    always: bool = False


@cache
def _table() -> dict[str, dict[str, tuple[int, str] | tuple[int, str, int]]]:
    text = files(__package__).joinpath("fields.json").read_text()
    for short, long in _PREFIXES.items():
        text = text.replace(short, long)
    table: dict[str, dict[str, tuple[int, str] | tuple[int, str, int]]] = orjson.loads(text)
    return table


def message_name(definition: str) -> str:
    """The message of a definition (`io.k8s.api.core.v1.Pod`); not all have one."""
    return definition.removeprefix("io.").replace("k8s.", "k8s.io.", 1).replace("-", "_")


def known(message: str) -> bool:
    return message in _table()


@cache
def fields(message: str) -> dict[int, Field]:
    """The fields of a message, by number."""
    return {row[0]: _field(message, name, row[1], len(row) == 3) for name, row in _table()[message].items()}


def _field(message: str, name: str, type: str, always: bool) -> Field:
    inline = name in _INLINE and type.startswith("k8s.io.")
    json_name = _RENAMED.get(name, name)
    if message == _SCHEMA_PROPS:
        json_name = _SCHEMA_RENAMED.get(name, json_name)
    if type.startswith("["):
        return Field(json_name, type[1:-1], repeated=True)
    if type.startswith("map<string,"):
        return Field(json_name, type[len("map<string,") : -1], mapping=True)
    return Field(json_name, type, inline=inline, always=always)


def embedded_structs(message: str, name: str) -> tuple[str, ...]:
    """The embedded Go structs, outermost first, through which a message has a field; () if it has it itself."""
    if not known(message):
        return ()
    for own in fields(message).values():
        if own.inline and any(inner.name == name for inner in fields(own.type).values() if not inner.inline):
            return (own.type.rpartition(".")[2],)
        if own.inline and (deeper := embedded_structs(own.type, name)):
            return (own.type.rpartition(".")[2], *deeper)
    return ()
