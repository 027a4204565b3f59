from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apimachinery.structural.objectschema import ObjectSchema
from pynetes.apiserver.customresources.measures import COMPILATION, EVALUATION
from pynetes.apiserver.customresources.strategy import CustomResourceStrategy

KIND = GroupVersionKind("example.com", "v1", "Widget")
OBJECT = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "a"}, "spec": {"size": 3}}


def test_rules_are_timed_when_they_are_compiled_and_for_each_object() -> None:
    spec = {"type": "object", "properties": {"size": {"type": "integer", "maximum": 9}}}
    rule = {"rule": "self.size > 1", "message": "too small"}
    plain, ruled = (
        CustomResourceStrategy(
            KIND, ObjectSchema({"type": "object", "properties": {"spec": spec | rules}}), namespaced=True, status=False
        )
        for rules in ({}, {"x-kubernetes-validations": [rule]})
    )
    before = COMPILATION.count(), EVALUATION.count()
    assert plain.validate(OBJECT) == []
    assert (COMPILATION.count(), EVALUATION.count()) == before
    assert ruled.validate(OBJECT) == []
    assert [error.detail for error in ruled.validate({**OBJECT, "spec": {"size": 1}})] == ["too small"]
    assert (COMPILATION.count(), EVALUATION.count()) == (before[0] + 1, before[1] + 2)
