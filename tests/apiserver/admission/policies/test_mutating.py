"""MutatingAdmissionPolicy over HTTPS: how objects are changed, and in which words that fails."""

from typing import Any

import pytest

from tests.apiserver.admission.policies.conftest import CONFIG_MAPS, NAMESPACED, REGISTRATION, Cluster, matching

Object = dict[str, Any]

LABELLED = "Object{metadata: Object.metadata{labels: {'made': object.metadata.name + '-label'}}}"


def configuration(expression: str) -> Object:
    return {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": expression}}


def json_patch(expression: str) -> Object:
    return {"patchType": "JSONPatch", "jsonPatch": {"expression": expression}}


async def mutating(
    cluster: Cluster, *mutations: Object, name: str = "p", binding: Object | None = None, **spec: Any
) -> None:
    spec = {"reinvocationPolicy": "Never", **spec}
    answer = await cluster.policy("Mutating", name, mutations=list(mutations), **spec)
    assert answer.status == 201, answer.body
    answer = await cluster.binding("Mutating", name, f"{name}-b", **(binding or {}))
    assert answer.status == 201, answer.body
    await cluster.settled()


def pod(**spec: Any) -> Object:
    containers = [{"name": "c", "image": "i", "env": [{"name": "A", "value": "1"}]}]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {"containers": containers, **spec}}


async def test_a_configuration_is_merged(cluster: Cluster) -> None:
    await mutating(cluster, configuration(LABELLED))
    answer = await cluster.create(metadata={"labels": {"own": "x"}})
    assert answer.json["metadata"]["labels"] == {"own": "x", "made": "a-label"}


async def test_lists_merge_by_their_keys(cluster: Cluster) -> None:
    made = """Object{spec: Object.spec{
        containers: object.spec.containers.map(c, Object.spec.containers{
            name: c.name, env: [Object.spec.containers.env{name: 'B', value: '2'}]}),
        initContainers: [Object.spec.initContainers{name: 'side', image: 'x', restartPolicy: 'Always'}],
        tolerations: []
    }}"""
    without = made.replace(",\n        tolerations: []", "")
    await mutating(cluster, configuration(without), matchConstraints=matching("pods"))
    answer = await cluster.web("POST", NAMESPACED + "pods", pod())
    spec = answer.json["spec"]
    assert [(c["name"], c["image"]) for c in spec["containers"]] == [("c", "i")]
    assert spec["containers"][0]["env"] == [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]
    (side,) = spec["initContainers"]
    assert (side["name"], side["restartPolicy"], side["terminationMessagePolicy"]) == ("side", "Always", "File")


async def test_json_patches(cluster: Cluster) -> None:
    operations = """[
        JSONPatch{op: 'test', path: '/data/k', value: 'v'},
        JSONPatch{op: 'add', path: '/metadata/labels', value: {}},
        JSONPatch{op: 'add', path: '/metadata/labels/' + jsonpatch.escapeKey('example.com/x~y'), value: 'z'},
        JSONPatch{op: 'copy', from: '/data/k', path: '/data/l'}
    ]"""
    await mutating(cluster, json_patch(operations.replace("x~y", "xy")))
    answer = await cluster.create(data={"k": "v"})
    assert answer.json["metadata"]["labels"] == {"example.com/xy": "z"}
    assert answer.json["data"] == {"k": "v", "l": "v"}
    assert (await cluster.create("b", data={"k": "other"})).json["data"] == {"k": "other"}


async def test_patches_can_add_objects(cluster: Cluster) -> None:
    operation = """[JSONPatch{op: 'add', path: '/spec/containers/-', value: Object.spec.containers{
        name: 'mesh', image: 'm', ports: [Object.spec.containers.ports{containerPort: 80}]}}]"""
    conditions = [{"name": "once", "expression": "!object.spec.containers.exists(c, c.name == 'mesh')"}]
    await mutating(
        cluster,
        json_patch(operation),
        matchConstraints=matching("pods"),
        matchConditions=conditions,
        reinvocationPolicy="IfNeeded",
    )
    answer = await cluster.web("POST", NAMESPACED + "pods", pod())
    assert [c["name"] for c in answer.json["spec"]["containers"]] == ["c", "mesh"]
    assert answer.json["spec"]["containers"][1]["ports"] == [{"containerPort": 80, "protocol": "TCP"}]


async def test_mutations_see_one_another(cluster: Cluster) -> None:
    add = "Object{metadata: Object.metadata{labels: {'second': 'after-' + object.metadata.labels.made}}}"
    await mutating(cluster, configuration(LABELLED), configuration(add))
    third = "Object{metadata: Object.metadata{annotations: {'third': object.metadata.labels.second}}}"
    await mutating(cluster, configuration(third), name="q")
    answer = await cluster.create()
    assert answer.json["metadata"]["labels"] == {"made": "a-label", "second": "after-a-label"}
    assert answer.json["metadata"]["annotations"] == {"third": "after-a-label"}


async def test_an_earlier_policy_is_asked_again(cluster: Cluster) -> None:
    """Only if it wants that."""
    count = (
        "Object{metadata: Object.metadata{annotations: {'NAME': string(size(object.metadata.?labels.orValue({})))}}}"
    )
    again, once = count.replace("NAME", "again"), count.replace("NAME", "once")
    await mutating(cluster, configuration(again), name="a", reinvocationPolicy="IfNeeded")
    await mutating(cluster, configuration(once), name="b")
    await mutating(cluster, configuration(LABELLED), name="c")
    answer = await cluster.create()
    assert answer.json["metadata"]["annotations"] == {"again": "1", "once": "0"}


async def test_variables_and_parameters(cluster: Cluster) -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "params"}, "data": {"team": "blue"}}
    await cluster.web.ok("POST", CONFIG_MAPS, body)
    made = "Object{metadata: Object.metadata{labels: {'team': string(variables.team)}}}"
    await mutating(
        cluster,
        configuration(made),
        matchConstraints=matching("secrets"),
        paramKind={"apiVersion": "v1", "kind": "ConfigMap"},
        variables=[{"name": "team", "expression": "params.data.team"}],
        binding={"paramRef": {"name": "params", "parameterNotFoundAction": "Deny"}},
    )
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}}
    answer = await cluster.web.ok("POST", NAMESPACED + "secrets", secret)
    assert answer["metadata"]["labels"] == {"team": "blue"}


@pytest.mark.parametrize(
    ("made", "why"),
    [
        ("Object{data: {'a': object.data.missing}}", "resulted in error: no such key: missing"),
        (
            "Object{metadata: Object.wrong{labels: {'a': 'b'}}}",
            'type mismatch: unexpected type name "Object.wrong", expected "Object.metadata", which matches field name '
            "path from root Object type",
        ),
        (
            "Object{metadata: Object.metadata{nothing: 1}}",
            "error applying patch: failed to convert patch object to typed object: .metadata.nothing: field not "
            "declared in schema",
        ),
    ],
)
async def test_what_cannot_be_applied(cluster: Cluster, made: str, why: str) -> None:
    await mutating(cluster, configuration(made))
    answer = await cluster.create(data={"k": "v"})
    assert answer.message.startswith("policy 'p' with binding 'p-b' denied request: ")
    assert answer.message.endswith(why)
    assert (answer.status, answer.json["reason"]) == (403, "Invalid")
    assert answer.json["details"]["causes"] == [{"message": answer.message}]
    await mutating(cluster, configuration(made), name="q", failurePolicy="Ignore")
    await cluster.web.ok("DELETE", f"{REGISTRATION}mutatingadmissionpolicies/p")
    await cluster.settled()
    assert (await cluster.create(data={"k": "v"})).json["data"] == {"k": "v"}


async def test_atomic_lists_are_not_replaced(cluster: Cluster) -> None:
    made = "Object{spec: Object.spec{tolerations: [Object.spec.tolerations{key: 'a', operator: 'Exists'}]}}"
    await mutating(cluster, configuration(made), matchConstraints=matching("pods"))
    answer = await cluster.web("POST", NAMESPACED + "pods", pod())
    assert answer.message == (
        "policy 'p' with binding 'p-b' denied request: error applying patch: invalid ApplyConfiguration: may not "
        "mutate atomic arrays, maps or structs: .spec.tolerations"
    )


async def test_json_patches_that_do_not_apply(cluster: Cluster) -> None:
    await mutating(cluster, json_patch("[JSONPatch{op: 'remove', path: '/data/none'}]"))
    answer = await cluster.create(data={"k": "v"})
    assert answer.message == (
        "policy 'p' with binding 'p-b' denied request: JSON Patch: error in remove for path: '/data/none': Unable to "
        "remove nonexistent key: none: missing value"
    )


@pytest.mark.parametrize(
    ("operation", "why"),
    [
        ("JSONPatch{op: 'add', path: '/nothing', value: 1}", 'strict decoding error: unknown field "nothing"'),
        (
            "JSONPatch{op: 'add', path: '/data/k', value: 1}",
            "json: cannot unmarshal number into Go struct field ConfigMap.data of type string",
        ),
    ],
)
async def test_json_patches_that_make_no_object_of_the_kind(cluster: Cluster, operation: str, why: str) -> None:
    await mutating(cluster, json_patch(f"[{operation}]"))
    answer = await cluster.create(data={"k": "v"})
    assert (answer.status, answer.message) == (500, f"Internal error occurred: {why}")


async def test_a_policy_that_is_not_set_up(cluster: Cluster) -> None:
    await mutating(
        cluster,
        configuration(LABELLED),
        paramKind={"apiVersion": "example.com/v1", "kind": "None"},
        binding={"paramRef": {"name": "x", "parameterNotFoundAction": "Deny"}},
    )
    answer = await cluster.create()
    assert answer.message == (
        'policy "p" denied request: failed to configure policy: failed to find resource referenced by paramKind: '
        "'example.com/v1, Kind=None'"
    )
    assert (answer.status, answer.json["reason"]) == (403, "Forbidden")


async def test_kubectl(cluster: Cluster, kubectl: Any) -> None:
    await mutating(cluster, configuration(LABELLED))
    code, out = await kubectl("create", "configmap", "k", "-o", "jsonpath={.metadata.labels}")
    assert (code, out) == (0, '{"made":"k-label"}')
