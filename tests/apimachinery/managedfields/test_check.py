from typing import Any

import pytest

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apimachinery.managedfields.check import check, go_syntax
from pynetes.apimachinery.managedfields.items import TypedError
from pynetes.apimachinery.managedfields.schema_types import of_kind
from pynetes.apimachinery.managedfields.types import DEDUCED

POD = of_kind(GroupVersionKind("", "v1", "Pod"))
assert POD is not None
HERE = '.spec.containers[name="a"]'


def pod(**container: Any) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "a", **container}]}}


@pytest.mark.parametrize(
    "value",
    [
        pod(),
        pod(image="x", ports=[{"containerPort": 80}, {"containerPort": 80, "protocol": "UDP"}]),
        pod(resources={"limits": {"cpu": 1, "memory": "1Gi"}}, tty=None, command=None),
        {"metadata": {"labels": {"a": "b"}, "creationTimestamp": None}},
    ],
)
def test_what_is_of_the_type(value: dict[str, Any]) -> None:
    assert POD is not None
    check(value, POD)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"spec": {"foo": 1}}, ".spec.foo: field not declared in schema"),
        ({"spec": {"priority": "3"}}, ".spec.priority: expected numeric (int or float), got string"),
        ({"spec": {"priority": True}}, ".spec.priority: expected numeric (int or float), got bool"),
        ({"spec": {"priority": [1]}}, ".spec.priority: expected numeric (int or float), got []interface {}"),
        ({"spec": {"priority": {}}}, ".spec.priority: expected numeric (int or float), got map[string]interface {}"),
        (pod(image=5), f"{HERE}.image: expected string, got &value.valueUnstructured{{Value:5}}"),
        (pod(image=True), f"{HERE}.image: expected string, got &value.valueUnstructured{{Value:true}}"),
        (pod(tty="yes"), f"{HERE}.tty: expected boolean, got &{{yes}}"),
        (pod(env="x"), f"{HERE}.env: expected list, got &{{x}}"),
        (pod(resources=[1]), f"{HERE}.resources: expected map, got &{{[1]}}"),
        (pod(resources={"limits": {"cpu": {}}}), f"{HERE}.resources.limits.cpu: expected any scalar, got &{{map[]}}"),
        (pod(env=[{"name": "A"}, {"name": "A"}]), f'{HERE}.env: duplicate entries for key [name="A"]'),
        (
            pod(ports=[{"containerPort": 80}, {"containerPort": 80, "protocol": "TCP"}]),
            f'{HERE}.ports: duplicate entries for key [containerPort=80,protocol="TCP"]',
        ),
        (pod(env=[None]), f"{HERE}.env: element 0: associative list with keys may not have a null element"),
        (pod(args=["a", 1]), f"{HERE}.args[1]: expected string, got &value.valueUnstructured{{Value:1}}"),
        ({"metadata": {"finalizers": ["a", "a"]}}, '.metadata.finalizers: duplicate entries for key [="a"]'),
    ],
)
def test_what_is_not(value: dict[str, Any], message: str) -> None:
    assert POD is not None
    with pytest.raises(TypedError) as caught:
        check(value, POD)
    assert str(caught.value) == message


def test_several_problems_are_told_together() -> None:
    assert POD is not None
    with pytest.raises(TypedError) as caught:
        check(pod(image=1, tty="x"), POD)
    lines = str(caught.value).splitlines()
    assert lines[0] == "errors:"
    assert lines[2] == f"  {HERE}.tty: expected boolean, got &{{x}}"


def test_stored_objects_may_say_things_twice() -> None:
    assert POD is not None
    check({"metadata": {"finalizers": ["a", "a"]}}, POD, duplicates=True)
    check({"any": [1, {"x": None}]}, DEDUCED)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (10_000_000, "10000000"),
        (1.25, "1.25"),
        (1e21, "1e+21"),
        (0.00001, "1e-05"),
        (0.0001, "0.0001"),
        (-2.5, "-2.5"),
        (100.0, "100"),
        (1234567.5, "1.2345675e+06"),
        (None, "interface {}(nil)"),
        ([1, "a", {"b": 1.5}], '[]interface {}{1, "a", map[string]interface {}{"b":1.5}}'),
        ('say "a"\n', '"say \\"a\\"\\n"'),
    ],
)
def test_values_as_go_shows_them(value: Any, shown: str) -> None:
    assert go_syntax(value) == shown
