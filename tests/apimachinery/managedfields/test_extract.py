from typing import Any

import orjson
import pytest

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apimachinery.managedfields.extract import fields_of, reconcile, with_named_fields
from pynetes.apimachinery.managedfields.fieldset import in_order
from pynetes.apimachinery.managedfields.schema_types import of_custom_resource, of_kind
from pynetes.apimachinery.managedfields.types import DEDUCED, Type

DEPLOYMENT = of_kind(GroupVersionKind("apps", "v1", "Deployment"))
assert DEPLOYMENT is not None
WEB = 'k:{"name":"web"}'


def template(**container: Any) -> dict[str, Any]:
    return {"spec": {"template": {"spec": {"containers": [{"name": "web", **container}]}}}}


def claimed(**fields: Any) -> dict[str, Any]:
    return {"f:spec": {"f:template": {"f:spec": {"f:containers": {WEB: in_order({".": {}, "f:name": {}, **fields})}}}}}


@pytest.mark.parametrize(
    ("config", "fields"),
    [
        ({"spec": {"replicas": 1}}, {"f:spec": {"f:replicas": {}}}),
        ({"spec": {"replicas": None}}, {"f:spec": {"f:replicas": {}}}),
        ({"spec": {}}, {"f:spec": {}}),
        ({"spec": {"selector": {"matchLabels": {"a": "b"}}}}, {"f:spec": {"f:selector": {}}}),
        ({"metadata": {"labels": {"a": "b"}}}, {"f:metadata": {"f:labels": {"f:a": {}}}}),
        ({"metadata": {"labels": {}}}, {"f:metadata": {"f:labels": {}}}),
        ({"metadata": {"labels": None}}, {"f:metadata": {"f:labels": {}}}),
        ({"metadata": {"finalizers": []}}, {}),
        ({"metadata": {"finalizers": ["a/b"]}}, {"f:metadata": {"f:finalizers": {'v:"a/b"': {}}}}),
        (template(image="x"), claimed(**{"f:image": {}})),
        (
            template(ports=[{"containerPort": 80}]),
            claimed(**{"f:ports": {'k:{"containerPort":80,"protocol":"TCP"}': {".": {}, "f:containerPort": {}}}}),
        ),
        (template(resources={"limits": {"cpu": "1"}}), claimed(**{"f:resources": {"f:limits": {"f:cpu": {}}}})),
        (template(args=["a"]), claimed(**{"f:args": {}})),
        (template(securityContext={}), claimed(**{"f:securityContext": {}})),
    ],
)
def test_what_a_configuration_claims(config: dict[str, Any], fields: dict[str, Any]) -> None:
    assert DEPLOYMENT is not None
    assert orjson.dumps(fields_of(config, DEPLOYMENT)) == orjson.dumps(fields)


def test_what_it_claims_without_a_schema() -> None:
    config = {"spec": {"a": {"b": 1}, "list": [{"x": 1}], "empty": {}}}
    inner = {".": {}, "f:a": {".": {}, "f:b": {}}, "f:empty": {}, "f:list": {}}
    assert fields_of(config, DEDUCED) == {"f:spec": inner}


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"f:spec": {"f:replicas": {}}}, {"f:spec": {".": {}, "f:replicas": {}}}),
        ({"f:metadata": {"f:labels": {"f:a": {}}}}, {"f:metadata": {".": {}, "f:labels": {".": {}, "f:a": {}}}}),
        (
            {"f:spec": {"f:template": {"f:spec": {"f:nodeSelector": {"f:a": {}}}}}},
            {"f:spec": {".": {}, "f:template": {".": {}, "f:spec": {".": {}, "f:nodeSelector": {".": {}, "f:a": {}}}}}},
        ),
        ({"f:unknown": {"f:x": {}}}, {"f:unknown": {"f:x": {}}}),
    ],
)
def test_named_fields_become_members_keys_of_maps_do_not(fields: dict[str, Any], named: dict[str, Any]) -> None:
    assert with_named_fields(fields, DEPLOYMENT) == named


def kind_of(**extension: str) -> Type:
    inner = {"type": "object", "properties": {"x": {"type": "integer"}, "y": {"type": "integer"}}, **extension}
    return of_custom_resource({"type": "object", "properties": {"spec": inner}})


def test_what_has_become_atomic_is_owned_as_a_whole() -> None:
    owned = {"f:metadata": {"f:labels": {"f:a": {}}}, "f:spec": {"f:x": {}}}
    assert reconcile(owned, kind_of()) is owned
    atomic = reconcile(owned, kind_of(**{"x-kubernetes-map-type": "atomic"}))
    assert atomic == {"f:metadata": {"f:labels": {"f:a": {}}}, "f:spec": {}}
    assert reconcile(atomic, kind_of(**{"x-kubernetes-map-type": "atomic"})) is atomic
    assert reconcile(atomic, kind_of()) is atomic


def test_lists_that_have_become_atomic_too() -> None:
    assert DEPLOYMENT is not None
    owned = {"f:spec": {"f:template": {"f:spec": {"f:tolerations": {'k:{"key":"a"}': {}}}}}}
    assert reconcile(owned, DEPLOYMENT) == {"f:spec": {"f:template": {"f:spec": {"f:tolerations": {}}}}}
    assert reconcile({"f:spec": {"f:x": {"f:y": {}}}}, DEDUCED) == {"f:spec": {"f:x": {"f:y": {}}}}
