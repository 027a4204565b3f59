from typing import Any

import pytest

from pynetes.apimachinery import names, validation

GOOD: dict[str, Any] = {"name": "web", "namespace": "default"}


def _texts(metadata: dict[str, Any], **more: Any) -> list[str]:
    return [str(error) for error in validation.validate_object_meta(metadata, **more)]


def test_good_metadata_passes() -> None:
    full = {
        **GOOD,
        "generateName": "web-",
        "labels": {"a/b": "C"},
        "annotations": {"Example.com/A": "x" * 1000},
        "finalizers": ["a.b/c"],
        "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "x", "uid": "u", "controller": True}],
        "managedFields": [{"manager": "kubectl", "operation": "Update", "fieldsType": "FieldsV1"}],
    }
    assert _texts(full) == []
    assert _texts({"name": "system:x"}, namespaced=False, name_rule=names.path_segment_name) == []


@pytest.mark.parametrize(
    ("change", "begins"),
    [
        ({"name": ""}, "metadata.name: Required value: name or generateName is required"),
        ({"name": "A"}, 'metadata.name: Invalid value: "A": a lowercase RFC 1123 subdomain must'),
        ({"generateName": "Ab-"}, 'metadata.generateName: Invalid value: "Ab-": a lowercase RFC 1123 subdomain must'),
        ({"namespace": ""}, "metadata.namespace: Required value"),
        ({"namespace": "a.b"}, 'metadata.namespace: Invalid value: "a.b": must not contain dots'),
        ({"generation": -1}, "metadata.generation: Invalid value: -1: must be greater than or equal to 0"),
        ({"labels": {"-": ""}}, 'metadata.labels: Invalid value: "-": name part must consist of'),
        ({"labels": {"a": "-"}}, 'metadata.labels: Invalid value: "-": a valid label must be an empty string or'),
        ({"annotations": {"a": "x" * 2**18}}, "metadata.annotations: Too long: may not be more than 262144 bytes"),
        ({"finalizers": ["a b"]}, 'metadata.finalizers: Invalid value: "a b": name part must consist of'),
        (
            {"finalizers": ["orphan", "foregroundDeletion"]},
            'metadata.finalizers: Invalid value: ["orphan","foregroundDeletion"]: finalizer orphan and '
            "foregroundDeletion cannot be both set",
        ),
        (
            {"ownerReferences": [{"kind": "Pod", "name": "x", "uid": "u"}]},
            'metadata.ownerReferences.apiVersion: Invalid value: "": version must not be empty',
        ),
        (
            {"ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "x"}]},
            'metadata.ownerReferences.uid: Invalid value: "": must not be empty',
        ),
        (
            {"managedFields": [{"manager": "a", "operation": "Move"}]},
            'metadata.managedFields[0].operation: Invalid value: "Move": must be `Apply` or `Update`',
        ),
        (
            {"managedFields": [{"manager": "a\n", "operation": "Apply"}]},
            'metadata.managedFields[0].manager: Invalid value: "a\\n": invalid character U+000A (at position 1)',
        ),
    ],
)
def test_one_wrong_thing_gives_one_error(change: dict[str, Any], begins: str) -> None:
    (text,) = _texts({**GOOD, **change})
    assert text.startswith(begins)


def test_cluster_scoped_objects_have_no_namespace() -> None:
    assert _texts(GOOD, namespaced=False) == ["metadata.namespace: Forbidden: not allowed on this type"]


def test_only_one_owner_controls() -> None:
    owner = {"apiVersion": "v1", "kind": "Pod", "name": "x", "uid": "u", "controller": True}
    (text,) = _texts({**GOOD, "ownerReferences": [owner, {**owner, "name": "y"}]})
    assert text.endswith(
        'Only one reference can have Controller set to true. Found "true" in references for Pod/x and Pod/y'
    )


def test_events_own_nothing() -> None:
    (text,) = _texts({**GOOD, "ownerReferences": [{"apiVersion": "v1", "kind": "Event", "name": "x", "uid": "u"}]})
    assert text.endswith("/v1, Kind=Event is disallowed from being an owner")


STORED: dict[str, Any] = {
    **GOOD, "uid": "u", "resourceVersion": "5", "generation": 3, "creationTimestamp": "2024-01-01T00:00:00Z",
}  # fmt: skip


@pytest.mark.parametrize(
    ("new", "old", "texts"),
    [
        ({}, {}, []),
        (
            {"resourceVersion": ""},
            {},
            ['metadata.resourceVersion: Invalid value: "": must be specified for an update'],
        ),
        ({"generation": 2}, {}, ["metadata.generation: Invalid value: 2: must not be decremented"]),
        ({"name": "x"}, {}, ['metadata.name: Invalid value: "x": field is immutable']),
        ({"uid": "x"}, {}, ['metadata.uid: Invalid value: "x": field is immutable']),
        (
            {"deletionTimestamp": "2024-01-01T00:00:00Z"},
            {},
            ['metadata.deletionTimestamp: Invalid value: "2024-01-01T00:00:00Z": field is immutable'],
        ),
        (
            {"deletionTimestamp": "t", "finalizers": ["a", "c", "b"]},
            {"deletionTimestamp": "t", "finalizers": ["a"]},
            [
                "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found "
                'new finalizers []string{"b", "c"}'
            ],
        ),
        ({"labels": {"a": "é"}}, {}, ["metadata.labels"]),
    ],
)
def test_updates(new: dict[str, Any], old: dict[str, Any], texts: list[str]) -> None:
    errors = validation.validate_object_meta_update({**STORED, **new}, {**STORED, **old})
    assert [str(error)[: len(text)] for error, text in zip(errors, texts, strict=True)] == texts


@pytest.mark.parametrize(
    ("selector", "texts"),
    [
        (None, []),
        ({"matchLabels": {"a": "b"}, "matchExpressions": [{"key": "a", "operator": "Exists"}]}, []),
        (
            {"matchExpressions": [{"key": "a", "operator": "In"}]},
            [
                "spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' "
                "or 'NotIn'"
            ],
        ),
        (
            {"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["b"]}]},
            [
                "spec.selector.matchExpressions[0].values: Forbidden: may not be specified when `operator` is "
                "'Exists' or 'DoesNotExist'"
            ],
        ),
        (
            {"matchExpressions": [{"key": "a", "operator": "Near"}]},
            ['spec.selector.matchExpressions[0].operator: Invalid value: "Near": not a valid selector operator'],
        ),
        (
            {"matchExpressions": [{"key": "a", "operator": "In", "values": ["-"]}]},
            ['spec.selector.matchExpressions[0].values[0]: Invalid value: "-": a valid label must'],
        ),
    ],
)
def test_label_selectors(selector: dict[str, Any] | None, texts: list[str]) -> None:
    errors = validation.validate_label_selector(selector, "spec.selector")
    assert [str(error)[: len(text)] for error, text in zip(errors, texts, strict=True)] == texts


def test_conditions() -> None:
    good = {"type": "Ready", "status": "True", "reason": "AllGood", "lastTransitionTime": "2024-01-01T00:00:00Z"}
    assert validation.validate_conditions([good], "status.conditions") == []
    bad = {"type": "Ready", "status": "Maybe", "reason": "no good"}
    fields = [error.field for error in validation.validate_conditions([good, bad], "c")]
    assert fields == ["c[1].type", "c[1].status", "c[1].lastTransitionTime", "c[1].reason"]


def test_field_managers_have_a_length() -> None:
    assert [error.type for error in validation.validate_field_manager("x" * 129)] == ["FieldValueTooLong"]
