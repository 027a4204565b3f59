"""What the extracted schema promises to those who read it."""

import subprocess
import sys

import pytest

from pynetes.apimachinery import schema
from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apimachinery.schema.types import fields


def test_kinds_have_definitions() -> None:
    name = schema.definition_name(GroupVersionKind("apps", "v1", "Deployment"))
    assert name == "io.k8s.api.apps.v1.Deployment"
    assert schema.definition(name)["properties"]["spec"]["$ref"] == "#/definitions/io.k8s.api.apps.v1.DeploymentSpec"
    assert schema.find_definition_name(GroupVersionKind("example.com", "v1", "Widget")) is None
    with pytest.raises(KeyError):
        schema.definition_name(GroupVersionKind("example.com", "v1", "Widget"))


@pytest.mark.parametrize(
    ("group", "kind"), [("", "PodList"), ("", "Status"), ("", "DeleteOptions"), ("policy", "Eviction"), ("", "Binding")]
)
def test_lists_and_special_kinds_too(group: str, kind: str) -> None:
    assert schema.definition_name(GroupVersionKind(group, "v1", kind))


def test_definitions_have_openapis_form() -> None:
    text = repr(schema.all_definitions())
    assert "$defs" not in text
    assert "'null'" not in text
    quantity = schema.definition("io.k8s.apimachinery.pkg.api.resource.Quantity")
    assert (quantity["type"], bool(quantity["description"])) == ("string", True)
    int_or_string = schema.definition("io.k8s.apimachinery.pkg.util.intstr.IntOrString")
    assert (int_or_string["type"], int_or_string["format"]) == ("string", "int-or-string")
    pod = schema.definition("io.k8s.api.core.v1.Pod")
    assert "enum" not in pod["properties"]["kind"]
    containers = schema.definition("io.k8s.api.core.v1.PodSpec")["properties"]["containers"]
    assert containers["x-kubernetes-patch-merge-key"] == "name"
    assert containers["x-kubernetes-list-map-keys"] == ["name"]


def test_every_reference_leads_somewhere() -> None:
    for name in schema.all_definitions():
        for field in fields(name).values():
            kind = field.type
            while kind.item is not None:
                kind = kind.item
            assert kind.kind != "object" or kind.definition in schema.all_definitions(), (name, field.name)


def test_every_kind_has_a_decoder() -> None:
    for gvk in schema.group_version_kinds():
        assert schema.struct_decoder(gvk).decode(b"{}") is not None


def test_importing_the_codec_reads_no_schema() -> None:
    """A process that never decodes must not pay for the definitions."""
    code = (
        "import sys; import pynetes.apimachinery.codec, pynetes.apimachinery.patch.strategic; "
        "from pynetes.apimachinery.schema.definitions import all_definitions; "
        "sys.exit(all_definitions.cache_info().currsize)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
