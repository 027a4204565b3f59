from typing import Any

import pytest

from pynetes.apimachinery.jsonpath import PathError, parse, show

OBJ: dict[str, Any] = {
    "spec": {"replicas": 3, "list": [1, 2, 3, 4], "a.b": "dotted"},
    "metadata": {"annotations": {"example.com/x": "y"}},
    "status": {
        "conditions": [{"type": "Ready", "status": "True", "n": 1}, {"type": "Other", "status": "False", "n": 5}]
    },
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (".spec.replicas", [3]),
        ("spec.replicas", [3]),
        (".spec.missing.deeper", []),
        (".spec.list[0]", [1]),
        (".spec.list[-1]", [4]),
        (".spec.list[9]", []),
        (".spec.list[1:3]", [2, 3]),
        (".spec.list[::2]", [1, 3]),
        (".spec.list[*]", [1, 2, 3, 4]),
        (".spec.list[0,2]", [1, 3]),
        (".spec['a.b']", ["dotted"]),
        (r".metadata.annotations.example\.com/x", ["y"]),
        ('.status.conditions[?(@.type=="Ready")].status', ["True"]),
        ('.status.conditions[?(@.type == "Ready")].status', ["True"]),
        (".status.conditions[?(@.n>2)].type", ["Other"]),
        (".status.conditions[?(@.type!='Ready')].type", ["Other"]),
        (".status.conditions[*].type", ["Ready", "Other"]),
        ("..type", ["Ready", "Other"]),
        (".spec.*", ["dotted", [1, 2, 3, 4], 3]),
    ],
)
def test_paths(path: str, found: list[Any]) -> None:
    assert parse(path).find(OBJ) == found


@pytest.mark.parametrize("path", [".a[", ".a[x]", ".a]", ".a[?(@.b==c)]"])
def test_what_is_no_path(path: str) -> None:
    with pytest.raises(PathError):
        parse(path)


@pytest.mark.parametrize(
    ("value", "text"), [("a", "a"), (1.0, "1"), (True, "true"), ({"a": [1]}, '{"a":[1]}'), (None, "<no value>")]
)
def test_values_as_text(value: Any, text: str) -> None:
    assert show(value) == text
