"""Decoding: what a body becomes, what is said about it, and that the fast and the slow road agree."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pynetes.apimachinery import codec, json_text, json_writer, meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apimachinery.schema.checker import Checker
from pynetes.apimachinery.schema.definitions import definition_name
from pynetes.apimachinery.schema.structs import definition_decoder
from pynetes.apimachinery.structural.numbers import go_text
from pynetes.apimachinery.structural.objectschema import ObjectSchema

POD = GroupVersionKind("", "v1", "Pod")
DEPLOYMENT = GroupVersionKind("apps", "v1", "Deployment")
SECRET = GroupVersionKind("", "v1", "Secret")
CRD = GroupVersionKind("apiextensions.k8s.io", "v1", "CustomResourceDefinition")
CUSTOM = GroupVersionKind("example.com", "v1", "Widget")


def decode(body: Any, gvk: GroupVersionKind = POD, **more: Any) -> dict[str, Any]:
    data = body if isinstance(body, bytes) else json.dumps(body, separators=(",", ":")).encode()
    return codec.decode(data, gvk, **more)[0]


def refusal(body: Any, gvk: GroupVersionKind = POD, **more: Any) -> str:
    with pytest.raises(StatusError) as caught:
        decode(body, gvk, **more)
    assert caught.value.code == 400
    assert caught.value.reason == "BadRequest"
    return caught.value.message


def spec(**fields: Any) -> dict[str, Any]:
    return {"metadata": {"name": "a"}, "spec": fields}


def container(**fields: Any) -> dict[str, Any]:
    return spec(containers=[{"name": "c", **fields}])


PLAIN: dict[str, Any] = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {}, "status": {}}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({}, {}),
        ({"hostNetwork": False, "hostPID": None, "nodeName": "", "volumes": []}, {}),
        ({"hostNetwork": True}, {"hostNetwork": True}),
        # Pointers: zero says something.
        ({"priority": 0, "enableServiceLinks": False}, {"enableServiceLinks": False, "priority": 0}),
        ({"terminationGracePeriodSeconds": 0}, {"terminationGracePeriodSeconds": 0}),
        ({"runtimeClassName": ""}, {"runtimeClassName": ""}),
        # Empty objects stand, empty maps and lists do not.
        ({"securityContext": {}, "nodeSelector": {}}, {"securityContext": {}}),
        (
            {"volumes": [{"name": "d", "emptyDir": {"sizeLimit": "1024Mi"}}]},
            {"volumes": [{"emptyDir": {"sizeLimit": "1Gi"}, "name": "d"}]},
        ),
    ],
)
def test_zero_values_stay_or_go_as_upstreams_do(given: dict[str, Any], kept: dict[str, Any]) -> None:
    assert decode(spec(**given)) == {**PLAIN, "spec": kept}


def test_containers_always_show_their_resources() -> None:
    found = decode(container(image="x", env=[{"name": "A", "value": ""}], tty=False))
    assert found["spec"]["containers"] == [{"env": [{"name": "A"}], "image": "x", "name": "c", "resources": {}}]


@pytest.mark.parametrize(
    ("given", "canonical"), [("1000m", "1"), (2, "2"), (0.5, "500m"), ("1024Mi", "1Gi"), (" 1 ", "1"), (None, "0")]
)
def test_quantities_become_canonical(given: Any, canonical: str) -> None:
    found = decode(container(resources={"limits": {"cpu": given}}))
    assert found["spec"]["containers"][0]["resources"] == {"limits": {"cpu": canonical}}


def test_conditions_show_the_times_they_lack() -> None:
    found = decode({**spec(), "status": {"conditions": [{"type": "Ready", "status": "True"}]}})
    assert found["status"]["conditions"] == [
        {"lastProbeTime": None, "lastTransitionTime": None, "status": "True", "type": "Ready"}
    ]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (None, None),
        ("2024-01-02T03:04:05+01:00", "2024-01-02T02:04:05Z"),
        ("2024-01-02T03:04:05.999Z", "2024-01-02T03:04:05Z"),
        ("0001-01-01T00:00:00Z", None),
    ],
)
def test_times_become_canonical(given: Any, kept: str | None) -> None:
    found = decode({"metadata": {"name": "a", "creationTimestamp": given}})
    assert found["metadata"].get("creationTimestamp") == kept


def test_bytes_lose_their_line_breaks() -> None:
    assert decode({"data": {"a": "YWJj\n", "b": None, "c": ""}}, SECRET)["data"] == {"a": "YWJj", "b": "", "c": ""}


def test_an_object_without_a_type_gets_the_endpoints() -> None:
    found = decode(b'{"metadata":{"name":"a"}}')
    assert list(found)[:3] == ["apiVersion", "kind", "metadata"]
    assert (found["apiVersion"], found["kind"]) == ("v1", "Pod")


@pytest.mark.parametrize("gvk", [POD, DEPLOYMENT, SECRET])
def test_null_is_an_object_in_which_nothing_is_set(gvk: GroupVersionKind) -> None:
    assert decode(b"null", gvk) == decode(b"{}", gvk)
    assert codec.coerce(None, gvk) == codec.coerce({}, gvk)  # type: ignore[arg-type]


def test_stored_objects_begin_with_type_and_metadata() -> None:
    found = decode({"data": {"a": "YQ=="}, "metadata": {"name": "a"}, "kind": "Secret", "apiVersion": "v1"}, SECRET)
    assert json_writer.encode(found).startswith(b'{"apiVersion":"v1","kind":"Secret","metadata":{')


J = "json: cannot unmarshal "
POD_IN_V1 = 'Pod in version "v1" cannot be handled as a Pod: '


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (spec(priority="a"), J + "string into Go struct field PodSpec.spec.priority of type int32"),
        (spec(priority=1.5), J + "number 1.5 into Go struct field PodSpec.spec.priority of type int32"),
        (
            container(ports=[{"containerPort": 99999999999}]),
            J + "number 99999999999 into Go struct field "
            "ContainerPort.spec.containers.ports.containerPort of type int32",
        ),
        (spec(containers="a"), J + "string into Go struct field PodSpec.spec.containers of type []v1.Container"),
        (spec(containers=["a"]), J + "string into Go struct field PodSpec.spec.containers of type v1.Container"),
        ({"spec": 5}, J + "number into Go struct field Pod.spec of type v1.PodSpec"),
        (
            {"metadata": {"labels": {"a": 1}}},
            J + "number into Go struct field ObjectMeta.metadata.labels of type string",
        ),
        ({"metadata": []}, J + "array into Go struct field Pod.metadata of type v1.ObjectMeta"),
        (spec(hostNetwork="yes"), J + "string into Go struct field PodSpec.spec.hostNetwork of type bool"),
        (
            {"metadata": {"creationTimestamp": "foo"}},
            'parsing time "foo" as "2006-01-02T15:04:05Z07:00": cannot parse "foo" as "2006"',
        ),
        (
            {"metadata": {"creationTimestamp": 5}},
            J + "number into Go struct field ObjectMeta.metadata.creationTimestamp of type string",
        ),
        (
            container(resources={"limits": {"cpu": "abc"}}),
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
        ),
        (
            container(livenessProbe={"httpGet": {"port": True}}),
            J + "bool into Go struct field "
            "HTTPGetAction.spec.containers.livenessProbe.ProbeHandler.httpGet.port of type int32",
        ),
        (spec(dnsPolicy=5), J + "number into Go struct field PodSpec.spec.dnsPolicy of type v1.DNSPolicy"),
        (
            container(resources={"limits": 5}),
            J + "number into Go struct field ResourceRequirements.spec.containers.resources.limits "
            "of type v1.ResourceList",
        ),
        (
            container(securityContext={"capabilities": {"add": [5]}}),
            J + "number into Go struct field Capabilities.spec.containers.securityContext.capabilities.add "
            "of type v1.Capability",
        ),
        (
            {"metadata": {"ownerReferences": [{"uid": 5}]}},
            J + "number into Go struct field OwnerReference.metadata.ownerReferences.uid of type types.UID",
        ),
        (
            {"status": {"conditions": [{"type": 5}]}},
            J + "number into Go struct field PodCondition.status.conditions.type of type v1.PodConditionType",
        ),
    ],
)  # fmt: skip
def test_wrong_types_in_gos_words(body: Any, why: str) -> None:
    assert refusal(body) == POD_IN_V1 + why


@pytest.mark.parametrize(
    ("gvk", "body", "where"),
    [
        (
            POD,
            {"volumes": [{"hostPath": 5}]},
            "Volume.spec.volumes.VolumeSource.hostPath of type v1.HostPathVolumeSource",
        ),
        (
            GroupVersionKind("admissionregistration.k8s.io", "v1", "ValidatingAdmissionPolicy"),
            {"matchConstraints": {"resourceRules": [{"apiGroups": 5}]}},
            "NamedRuleWithOperations.spec.matchConstraints.resourceRules.RuleWithOperations.Rule.apiGroups "
            "of type []string",
        ),
        (
            GroupVersionKind("apps", "v1", "StatefulSet"),
            {"volumeClaimTemplates": [{"kind": 5}]},
            "PersistentVolumeClaim.spec.volumeClaimTemplates.TypeMeta.kind of type string",
        ),
        (
            GroupVersionKind("autoscaling", "v2", "HorizontalPodAutoscaler"),
            {"metrics": [{"resource": {"name": 5}}]},
            "ResourceMetricSource.spec.metrics.resource.name of type v1.ResourceName",
        ),
    ],
)  # fmt: skip
def test_embedded_structs_stand_in_the_way_to_a_field(gvk: GroupVersionKind, body: Any, where: str) -> None:
    assert refusal({"spec": body}, gvk).endswith(f"{J}number into Go struct field {where}")


@pytest.mark.parametrize(
    ("text", "position"),
    [("zzz", 0), ("YWJj*", 4), ("YW=j", 3), ("=", 0), ("YQ==Y", 4), ("YQ=", 3), ("YWI=YQ==", 4), ("YWJjY", 4)],
)
def test_bad_base64_says_where(text: str, position: int) -> None:
    message = refusal({"data": {"a": text}}, SECRET)
    assert message == (
        f'Secret in version "v1" cannot be handled as a Secret: illegal base64 data at input byte {position}'
    )


UNKNOWN = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "spec": {"foo": 1, "template": {"spec": {"containers": [{"name": "a"}, {"name": "b", "bar": {}}]}}},
}


def test_strict_refuses_unknown_fields() -> None:
    assert refusal(UNKNOWN, DEPLOYMENT) == (
        'Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: '
        'unknown field "spec.foo", unknown field "spec.template.spec.containers[1].bar"'
    )


def test_warn_tells_and_ignore_is_silent() -> None:
    body = json_writer.encode(UNKNOWN)
    pruned, warnings = codec.decode(body, DEPLOYMENT, validation="Warn")
    assert warnings == ['unknown field "spec.foo"', 'unknown field "spec.template.spec.containers[1].bar"']
    assert "foo" not in pruned["spec"]
    assert codec.decode(body, DEPLOYMENT, validation="Ignore") == (pruned, [])


def test_duplicate_fields_are_found_and_the_last_wins() -> None:
    body = b'{"metadata":{"labels":{"a":"1","a":"2"}},"spec":{"nodeName":"x","nodeName":"y"}}'
    assert refusal(body) == POD_IN_V1 + (
        'strict decoding error: duplicate field "metadata.labels.a", duplicate field "spec.nodeName"'
    )
    found, warnings = codec.decode(body, POD, validation="Warn")
    assert warnings == ['duplicate field "metadata.labels.a"', 'duplicate field "spec.nodeName"']
    assert found["metadata"]["labels"] == {"a": "2"}
    assert found["spec"]["nodeName"] == "y"
    unknown = b'{"spec":{"foo":1,"foo":2}}'
    assert refusal(unknown) == POD_IN_V1 + 'strict decoding error: unknown field "spec.foo"', "of those no more is told"


def test_a_duplicate_with_a_space_behind_its_name_is_found() -> None:
    assert refusal(b'{"metadata":{"name" :"a","name":"b"}}', POD).endswith('duplicate field "metadata.name"')


def test_colons_in_texts_are_no_duplicates() -> None:
    assert decode({"metadata": {"annotations": {"a": '{"b":"c","b":1}', 'k":': "x"}}})["metadata"]["annotations"]
    assert decode(b'{ "metadata" : { "name" : "a" } }')["metadata"]["name"] == "a"


UNRECOGNIZED = (
    "the object provided is unrecognized (must be of type Pod): couldn't get version/kind; json parse error: "
)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "unexpected end of JSON input (<empty>)"),
        (b'{"kind":"Pod"', 'unexpected end of JSON input ({"kind":"Pod")'),
        (b"foo", "invalid character 'o' in literal false (expecting 'a') (666f6f)"),
        (b"bar", "invalid character 'b' looking for beginning of value (626172)"),
        (b'{"a":tru}', "invalid character '}' in literal true (expecting 'e') ({\"a\":tru})"),
        (b"{a:1}", "invalid character 'a' looking for beginning of object key string ({a:1})"),
        (b'{"a" 1}', "invalid character '1' after object key ({\"a\" 1})"),
        (b'{"a":1 "b"}', 'invalid character \'"\' after object key:value pair ({"a":1 "b"})'),
        (b'{"a":[1 2]}', "invalid character '2' after array element ({\"a\":[1 2]})"),
        (b'{"a":1,}', "invalid character '}' looking for beginning of object key string ({\"a\":1,})"),
        (b"{}x", "invalid character 'x' after top-level value ({}x)"),
        (b'{"a":"\n"}', 'invalid character \'\\n\' in string literal ({"a":"\n"})'),
        (b'{"a":"\\q"}', 'invalid character \'q\' in string escape code ({"a":"\\q"})'),
        (b'{"a":"\\u12x4"}', 'invalid character \'x\' in \\u hexadecimal character escape ({"a":"\\u12x4"})'),
        (b'{"a":-}', "invalid character '}' in numeric literal ({\"a\":-})"),
        (b'{"a":1.}', "invalid character '}' after decimal point in numeric literal ({\"a\":1.})"),
        (b'{"a":1e}', "invalid character '}' in exponent of numeric literal ({\"a\":1e})"),
        (b'{"a":01}', "invalid character '1' after object key:value pair ({\"a\":01})"),
        ('{"a":é}'.encode(), "invalid character 'Ã' looking for beginning of value ({\"a\":é})"),
        (b'{"a":\xc2\x85}', "invalid character 'Â' looking for beginning of value ({\"a\":\u0085})"),
        (b'{"a":\x7f}', "invalid character '\\x7f' looking for beginning of value ({\"a\":\x7f})"),
        (b'{"a":NaN}', "invalid character 'N' looking for beginning of value ({\"a\":NaN})"),
        (
            b"[]",
            "json: cannot unmarshal array into Go value of type struct { APIVersion string "
            '"json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" } (5b5d)',
        ),
        (b'{"kind":5}', 'json: cannot unmarshal number into Go struct field .kind of type string ({"kind":5})'),
    ],
)
def test_malformed_json(body: bytes, why: str) -> None:
    assert refusal(body) == UNRECOGNIZED + why


@pytest.mark.parametrize(
    "body",
    [
        b'{"spec":' * 200_000,
        b"[" * 200_000,
        b'{"metadata":{"managedFields":[{"fieldsV1":' + b'{"f:a":' * 1100 + b"1" + b"}" * 1100 + b"}]}}",
        b'{"metadata":{"annotations":' + b'{"a":' * 5000 + b"1" + b"}" * 5002,
        b"\xff\xfe",
        b'{"metadata":{"name":"a\x00"}}',
        b"1" * 10_000,
    ],
)
def test_hostile_json_is_refused_and_nothing_worse(body: bytes) -> None:
    assert "(must be of type Pod)" in refusal(body)


def test_what_is_accepted_can_be_copied() -> None:
    nested: Any = 1
    for _ in range(990):
        nested = {"f:a": nested}
    found = decode({"metadata": {"managedFields": [{"fieldsV1": nested}]}})
    assert meta.copy(found)["metadata"]["managedFields"] == [{"fieldsV1": nested}]


def test_half_a_surrogate_pair_is_replaced() -> None:
    assert decode(b'{"metadata":{"name":"\\ud800x"}}')["metadata"]["name"] == "\ufffdx"
    assert decode(b'{"metadata":{"name":"\\ud83d\\ude00"}}')["metadata"]["name"] == "\U0001f600"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            {"kind": "Deployment", "apiVersion": "apps/v1"},
            'Deployment in version "v1" cannot be handled as a Pod: converting (v1.Deployment) to (core.Pod): unknown '
            "conversion",
        ),
        (
            {"kind": "Pod", "apiVersion": "v2"},
            'Pod in version "v2" cannot be handled as a Pod: no kind "Pod" is registered for version "v2" in scheme '
            '"pkg/api/legacyscheme/scheme.go:30"',
        ),
        (
            {"kind": "Foo", "apiVersion": "x/v1"},
            'Foo in version "v1" cannot be handled as a Pod: no kind "Foo" is registered for version "x/v1" in scheme '
            '"pkg/api/legacyscheme/scheme.go:30"',
        ),
        (
            {"kind": "Pod", "apiVersion": "a/b/c"},
            "the object provided is unrecognized (must be of type Pod): unexpected GroupVersion string: a/b/c "
            '({"kind":"Pod","apiVersion":"a/ ...)',
        ),
    ],
)
def test_objects_of_another_type(body: Any, message: str) -> None:
    assert refusal(body) == message


def test_delete_options_go_by_any_groups_name() -> None:
    options = GroupVersionKind("", "v1", "DeleteOptions")
    found = decode({"kind": "DeleteOptions", "apiVersion": "apps/v1", "propagationPolicy": "Orphan"}, options)
    assert found["propagationPolicy"] == "Orphan"


def test_schemas_within_schemas_are_checked() -> None:
    def crd(**fields: Any) -> dict[str, Any]:
        schema = {"properties": {"a": {"type": "object", **fields}}}
        return {"spec": {"group": "a", "versions": [{"name": "v1", "schema": {"openAPIV3Schema": schema}}]}}

    found = decode(crd(nullable=False, default={"x": None}, enum=[1, "a"]), CRD)
    inner = found["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["a"]
    assert inner == {"default": {"x": None}, "enum": [1, "a"], "type": "object"}
    assert "properties.a.bad" in refusal(crd(bad=1), CRD)


def test_custom_resources_keep_their_fields() -> None:
    body = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "a", "labels": {}}, "x": {"y": None}}
    assert decode(body, CUSTOM) == {**body, "metadata": {"name": "a"}}
    assert refusal({"metadata": {"name": "a", "foo": 1}}, CUSTOM).endswith(
        'strict decoding error: unknown field "metadata.foo"'
    )
    assert refusal(b'{"a":{"b":1,"b":2}}', CUSTOM).endswith('strict decoding error: duplicate field "a.b"')
    assert "of type v1.ObjectMeta" in refusal({"metadata": 5}, CUSTOM)
    schema = ObjectSchema({"type": "object"})
    with pytest.raises(StatusError, match=r"cannot unmarshal array into Go value of type v1\.ObjectMeta"):
        codec.decode(b'{"apiVersion":"example.com/v1","kind":"Widget","metadata":[]}', CUSTOM, schema=schema)


def test_coerce_checks_the_outcome_of_a_patch() -> None:
    assert codec.coerce(spec(priority=0, tty=None, foo=1), POD)[0] == {**PLAIN, "spec": {"priority": 0}}
    assert codec.coerce(spec(foo=1), POD, validation="Warn")[1] == ['unknown field "spec.foo"']
    for wrong, why in ((spec(priority="a"), "json: cannot unmarshal string"), (spec(foo=1), "strict decoding error")):
        with pytest.raises(StatusError) as caught:
            codec.coerce(wrong, POD, validation="Strict")
        assert caught.value.code == 422
        assert caught.value.message.startswith(' "" is invalid: patch: Invalid value: ')
        assert why in caught.value.message


def test_numbers_beyond_64_bits_survive_in_custom_resources() -> None:
    found = decode(b'{"x":123456789012345678901234567890}', CUSTOM)
    assert found["x"] == float("123456789012345678901234567890")
    assert json_writer.encode({"x": 2**70}) == b'{"x":1180591620717411303424}'


@pytest.mark.parametrize("colon", [b":", b" :"], ids=["fast", "slow"])
@pytest.mark.parametrize(
    ("number", "kept"),
    [(b"2.0", "2"), (b"-0.0", "0"), (b"1e3", "1000"), (b"1.5", "1.5"), (b"1e20", "1e+20"), (b"9" * 19, "1e+19")],
)
def test_numbers_without_a_schema_are_as_go_writes_them(number: bytes, kept: str, colon: bytes) -> None:
    schema = ObjectSchema({"type": "object", "x-kubernetes-preserve-unknown-fields": True})
    body = b'{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"generation":1.0},"x"%s[%s]}' % (colon, number)
    found, _ = codec.decode(body, CUSTOM, schema=schema)
    assert [go_text(item) for item in found["x"]] == [kept]
    assert str(found["x"][0]) == kept or isinstance(found["x"][0], float)
    assert found["metadata"] == {"generation": 1}


def test_every_kind_decodes_an_empty_object() -> None:
    from pynetes.apimachinery.schema import group_version_kinds

    for gvk in group_version_kinds():
        found, warnings = codec.decode(b"{}", gvk)
        slow = Checker().check(definition_name(gvk), {})
        assert warnings == []
        assert {**slow, "apiVersion": gvk.api_version, "kind": gvk.kind} == found, gvk


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=3) | st.just("2024-01-01T00:00:00Z"),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", "name"]), inner, max_size=2),
    max_leaves=4,
)


@st.composite
def objects(draw: st.DrawFn, definition: str, depth: int = 0) -> dict[str, Any]:
    """An object mostly true to its definition, with some nonsense in it."""
    from pynetes.apimachinery.schema.types import Type, fields

    def value(kind: Type) -> Any:
        if draw(st.integers(0, 25)) == 0:
            return draw(JSON_VALUES)
        if kind.kind == "object":
            return draw(objects(kind.definition, depth + 1)) if depth < 4 else {}
        if kind.kind == "list" and kind.item:
            return [value(kind.item) for _ in range(draw(st.integers(0, 2)))]
        if kind.kind == "map" and kind.item:
            return {key: value(kind.item) for key in draw(st.lists(st.sampled_from("abc"), max_size=2))}
        choices: dict[str, list[Any]] = {
            "string": ["", "x"],
            "boolean": [True, False],
            "int32": [0, 1, -1],
            "int64": [0, 2**40],
            "number": [0, 1.5],
            "quantity": ["1024Mi", "0.5", 1],
            "time": ["2024-01-01T00:00:00Z", "2024-01-01T00:00:00.5+01:00"],
            "micro_time": ["2024-01-01T00:00:00.000001Z"],
            "bytes": ["", "YQ=="],
            "int_or_string": [0, 80, "http"],
        }
        return draw(st.sampled_from(choices[kind.kind])) if kind.kind in choices else draw(JSON_VALUES)

    known = fields(definition)
    chosen = draw(st.lists(st.sampled_from(sorted(known)), max_size=5, unique=True)) if known else []
    return {name: value(known[name].type) for name in chosen if name not in ("apiVersion", "kind")}


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_the_fast_and_the_slow_road_agree(data: st.DataObject) -> None:
    gvk = data.draw(st.sampled_from([POD, DEPLOYMENT, SECRET, GroupVersionKind("", "v1", "Service")]))
    name = definition_name(gvk)
    obj = data.draw(objects(name))
    body = json_writer.encode(obj)
    checker = Checker()
    try:
        slow: dict[str, Any] | None = checker.check(name, json.loads(body))
    except ValueError:
        slow = None
    fast = codec._fast(body, definition_decoder(name), "Strict")
    if fast is not None:
        assert fast == slow
        assert checker.strict == []
    if slow is not None:
        again = codec._fast(json_writer.encode(slow), definition_decoder(name), "Strict")
        assert again is None or again == slow  # what is written reads back the same


@pytest.mark.parametrize("number", [-(2**63), -(2**63) + 6, 2**63 - 1])
def test_whole_numbers_up_to_64_bits_are_exact_on_the_slow_road_too(number: int) -> None:
    body = b'{"metadata":{"generation":%d},"metadata":{"generation":%d}}' % (number, number)
    obj = decode(body, validation="Ignore")
    assert obj["metadata"]["generation"] == number
    assert json_text.parse(b"%d" % number) == number


def test_whole_numbers_of_more_than_64_bits_fit_no_field() -> None:
    text = (
        "cannot unmarshal number -9223372036854775809 into Go struct field ObjectMeta.metadata.generation of type int64"
    )
    assert text in refusal(b'{"metadata":{"generation":-9223372036854775809}}')
