from typing import Any

from pynetes.apimachinery.managedfields.scale import REPLICAS, ScaleFields

PATHS = {"apps/v1": REPLICAS, "apps/none": ()}
TIME = "2026-01-01T00:00:00Z"


def entry(manager: str, fields: dict[str, Any], version: str = "apps/v1", **more: str) -> dict[str, Any]:
    operation = more.pop("operation", "Update")
    return {
        "manager": manager,
        "operation": operation,
        "apiVersion": version,
        **more,
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
    }


OWN = {"f:spec": {"f:replicas": {}}}
MORE = {"f:spec": {"f:replicas": {}, "f:selector": {}}}
REST = {"f:spec": {"f:selector": {}}}


def test_owners_of_the_replicas_own_those_of_the_scale() -> None:
    fields = ScaleFields([entry("a", MORE, time=TIME), entry("b", REST), entry("c", OWN, "old/v1")], "apps/v1", PATHS)
    assert fields.of_scale() == [entry("a", OWN, "autoscaling/v1", time=TIME)]
    assert ScaleFields(None, "apps/v1", PATHS).of_scale() is None


def test_what_the_scale_takes_the_workload_loses() -> None:
    fields = ScaleFields([entry("a", MORE, time=TIME), entry("only", OWN)], "apps/v1", PATHS)
    scaler = entry("hpa", OWN, "autoscaling/v1", time=TIME, subresource="scale")
    assert fields.of_workload([scaler]) == [
        entry("hpa", OWN, subresource="scale"),
        entry("a", REST, time=TIME),
    ]


def test_what_an_applier_owns_stays_when_the_scale_leaves_it() -> None:
    stored = [entry("a", MORE, time=TIME, operation="Apply")]
    fields = ScaleFields(stored, "apps/v1", PATHS)
    assert fields.of_workload(fields.of_scale()) == stored


def test_what_an_updater_owns_is_from_then_on_the_scales() -> None:
    """The original does so: on the Scale the entry has another version, and so another identity."""
    fields = ScaleFields([entry("a", MORE, time=TIME)], "apps/v1", PATHS)
    assert fields.of_workload(fields.of_scale()) == [entry("a", OWN), entry("a", REST, time=TIME)]


def test_a_scaler_that_scales_again_keeps_its_entry() -> None:
    stored = [entry("hpa", OWN, subresource="scale")]
    fields = ScaleFields(stored, "apps/v1", PATHS)
    assert fields.of_scale() == [entry("hpa", OWN, "autoscaling/v1", subresource="scale")]
    again = entry("hpa", OWN, "autoscaling/v1", subresource="scale", time=TIME)
    assert fields.of_workload([again]) == stored


def test_versions_without_replicas_keep_their_entries_unknown_ones_go() -> None:
    stored = [entry("a", OWN, "apps/none"), entry("b", MORE, "old/v1")]
    assert ScaleFields(stored, "apps/v1", PATHS).of_workload(None) == [stored[0]]
    assert ScaleFields([entry("b", MORE, "old/v1")], "apps/v1", PATHS).of_workload([]) is None
