"""What a definition's status must say, by table."""

from typing import Any

import pytest

from pynetes.apiserver.customresources.conditions import status_of
from pynetes.apiserver.customresources.naming import accept
from tests.apiserver.customresources.conftest import definition, version

Object = dict[str, Any]


def other(**accepted: Any) -> Object:
    made = definition()
    made["metadata"]["name"] = "others.stable.example.com"
    made["status"] = {"acceptedNames": {"plural": "others", "singular": "other", "kind": "Other", **accepted}}
    return made


def defaulted() -> Object:
    made = definition()
    made["spec"]["names"] |= {"singular": "crontab", "listKind": "CronTabList"}
    return made


@pytest.mark.parametrize(
    ("taken", "reason", "message", "missing"),
    [
        ({}, "NoConflicts", "no conflicts found", ""),
        ({"shortNames": ["crontabs"]}, "PluralConflict", '"crontabs" is already in use', "plural"),
        ({"plural": "crontab"}, "SingularConflict", '"crontab" is already in use', "singular"),
        ({"singular": "ct"}, "ShortNamesConflict", '"ct" is already in use', "shortNames"),
        ({"listKind": "CronTab"}, "KindConflict", '"CronTab" is already in use', "kind"),
        ({"kind": "CronTabList"}, "ListKindConflict", '"CronTabList" is already in use', "listKind"),
    ],
)
def test_names_belong_to_the_first(taken: Object, reason: str, message: str, missing: str) -> None:
    names, condition = accept(defaulted(), [other(**taken)])
    assert (condition["reason"], condition["message"]) == (reason, message)
    assert condition["status"] == ("False" if missing else "True")
    assert set(defaulted()["spec"]["names"]) - set(names) == ({missing} if missing else set())


def test_other_groups_have_names_of_their_own() -> None:
    stranger = other(plural="crontabs")
    stranger["spec"]["group"] = "other.example.com"
    assert accept(defaulted(), [stranger])[1]["status"] == "True"


def conditions(made: Object, *others: Object) -> dict[str, tuple[str, str]]:
    status = status_of(made, others)
    return {c["type"]: (c["status"], c["reason"]) for c in status["conditions"]}


def test_a_definition_without_conflicts_is_established() -> None:
    assert conditions(defaulted()) == {
        "NamesAccepted": ("True", "NoConflicts"),
        "Established": ("True", "InitialNamesAccepted"),
    }


def test_one_with_conflicts_is_not() -> None:
    assert conditions(defaulted(), other(plural="crontabs")) == {
        "NamesAccepted": ("False", "PluralConflict"),
        "Established": ("False", "NotAccepted"),
    }


def test_once_established_it_stays_so() -> None:
    made = defaulted()
    made["status"] = status_of(made, [])
    assert status_of(made, [other(plural="crontabs")]) == made["status"]
    made["spec"]["names"]["shortNames"] = ["ot"]
    found = status_of(made, [other(shortNames=["ot"])])
    assert {c["type"]: c["status"] for c in found["conditions"]} == {"NamesAccepted": "False", "Established": "True"}
    assert found["acceptedNames"]["shortNames"] == ["ct"]


def test_schemas_that_are_not_structural() -> None:
    made = definition(version(schema={"openAPIV3Schema": {"type": "object", "properties": {"a": {}}}}))
    (condition,) = [c for c in status_of(made, [])["conditions"] if c["type"] == "NonStructuralSchema"]
    assert (condition["status"], condition["reason"]) == ("True", "Violations")
    assert condition["message"] == (
        "spec.versions[0].schema.openAPIV3Schema.properties[a].type: Required value: must not be empty for specified "
        "object fields"
    )
    made["status"] = status_of(made, [])
    made["spec"]["versions"] = [version()]
    assert "NonStructuralSchema" not in conditions(made)


@pytest.mark.parametrize(
    ("annotation", "status", "reason"),
    [
        ("", "False", "MissingAnnotation"),
        ("x", "False", "InvalidAnnotation"),
        ("unapproved, as a test", "False", "UnapprovedAnnotation"),
        ("https://github.com/kubernetes/kubernetes/pull/1", "True", "ApprovedAnnotation"),
    ],
)
def test_groups_of_kubernetes_tell_who_approved_them(annotation: str, status: str, reason: str) -> None:
    made = definition(group="x.k8s.io")
    made["metadata"]["annotations"] = {"api-approved.kubernetes.io": annotation}
    assert conditions(made)["KubernetesAPIApprovalPolicyConformant"] == (status, reason)
