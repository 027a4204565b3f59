"""Strategic merge by table, with patches that kubectl 1.32 sends, and round trips of its diff."""

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apimachinery.patch import strategic
from pynetes.apimachinery.schema.gotypes import form_of

POD = GroupVersionKind("", "v1", "Pod")
DEPLOYMENT = GroupVersionKind("apps", "v1", "Deployment")
SERVICE = GroupVersionKind("", "v1", "Service")
ACCOUNT = GroupVersionKind("", "v1", "ServiceAccount")


def pod(*containers: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"spec": {"containers": list(containers), **more}}


def one(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, **more}


CASES = [
    # Plain fields.
    (
        POD,
        {"metadata": {"labels": {"a": "1", "b": "2"}}},
        {"metadata": {"labels": {"a": None, "c": "3"}}},
        {"metadata": {"labels": {"b": "2", "c": "3"}}},
    ),
    (POD, {}, {"metadata": {"labels": {"a": None, "b": "x"}}}, {"metadata": {"labels": {"b": "x"}}}),
    (POD, {"spec": {"nodeName": "a"}}, {"spec": None}, {}),
    (
        POD,
        {"spec": {"nodeName": "a", "hostname": "h"}},
        {"spec": {"$patch": "replace", "nodeName": "b"}},
        {"spec": {"nodeName": "b"}},
    ),
    (POD, {"spec": {"nodeName": "a"}}, {"spec": {"$patch": "delete"}}, {"spec": {}}),
    # Lists with a merge key.
    (
        POD,
        pod(one("a", image="x"), one("b", image="y")),
        pod(one("b", image="z")),
        pod(one("a", image="x"), one("b", image="z")),
    ),
    # What the live list does not have goes first, as it is: its nulls and directives are the decoder's.
    (
        POD,
        pod(one("a", image="x")),
        pod(one("b", tty=None, env=[{"$patch": "delete", "name": "e"}], **{"$retainKeys": ["name"]})),
        pod(
            one("b", tty=None, env=[{"$patch": "delete", "name": "e"}], **{"$retainKeys": ["name"]}),
            one("a", image="x"),
        ),
    ),
    (POD, pod(one("a"), one("b")), pod({"$patch": "delete", "name": "a"}), pod(one("b"))),
    (POD, pod(one("a"), one("b")), pod({"$patch": "replace"}, one("c")), pod(one("c"))),
    (
        POD,
        pod(one("a", env=[one("X", value="1"), one("Y", value="2")])),
        pod(one("a", env=[one("Y", value="3"), {"$patch": "delete", "name": "X"}])),
        pod(one("a", env=[one("Y", value="3")])),
    ),
    # The order that the client states; what only the server has keeps its place.
    (
        POD,
        pod(one("a"), one("b"), one("c")),
        {"spec": {"$setElementOrder/containers": [one("c"), one("a")]}},
        pod(one("b"), one("c"), one("a")),
    ),
    (
        POD,
        pod(one("a"), one("injected"), one("b")),
        {"spec": {"$setElementOrder/containers": [one("b"), one("a"), one("n")], "containers": [one("n", image="x")]}},
        pod(one("injected"), one("b"), one("a"), one("n", image="x")),
    ),
    (
        POD,
        {"spec": {}},
        {"spec": {"$setElementOrder/containers": [one("a")], "containers": [one("a", image="x")]}},
        pod(one("a", image="x")),
    ),
    (POD, {"spec": {}}, {"spec": {"$setElementOrder/containers": [one("a")]}}, {"spec": {}}),
    # Lists of scalars.
    (
        POD,
        {"metadata": {"finalizers": ["a", "b"]}},
        {"metadata": {"finalizers": ["b", "c"]}},
        {"metadata": {"finalizers": ["a", "b", "c"]}},
    ),
    (
        POD,
        {"metadata": {"finalizers": ["a", "b", "c"]}},
        {"metadata": {"$deleteFromPrimitiveList/finalizers": ["b"]}},
        {"metadata": {"finalizers": ["a", "c"]}},
    ),
    (POD, {"metadata": {}}, {"metadata": {"$deleteFromPrimitiveList/finalizers": ["b"]}}, {"metadata": {}}),
    (
        POD,
        {"metadata": {"finalizers": ["a", "b"]}},
        {
            "metadata": {
                "$setElementOrder/finalizers": ["c", "a"],
                "$deleteFromPrimitiveList/finalizers": ["b"],
                "finalizers": ["c"],
            }
        },
        {"metadata": {"finalizers": ["c", "a"]}},
    ),
    # An order of nothing that is there.
    (POD, {"spec": {}}, {"spec": {"$setElementOrder/containers": ["x"]}}, {"spec": {}}),
    # Fields are found in any case, as Go finds them.
    (POD, pod(one("a")), {"spec": {"$setElementOrder/Containers": []}}, pod(one("a"))),
    # Atomic lists are replaced, by what may be no more than directives.
    (
        POD,
        pod(tolerations=[{"key": "a"}]),
        pod(tolerations=[{"$patch": "delete"}]),
        pod(tolerations=[{"$patch": "delete"}]),
    ),
    (POD, pod(one("a", command=["x", "y"])), pod(one("a", command=["z"])), pod(one("a", command=["z"]))),
    (POD, pod(tolerations=[{"key": "a"}]), pod(tolerations=[{"key": "b"}]), pod(tolerations=[{"key": "b"}])),
    # $retainKeys, as for the strategy of a Deployment and the sources of a volume.
    (
        DEPLOYMENT,
        {"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}},
        {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}},
        {"spec": {"strategy": {"type": "Recreate"}}},
    ),
    (
        POD,
        pod(volumes=[one("v", emptyDir={})]),
        pod(volumes=[one("v", configMap={"name": "c"}, **{"$retainKeys": ["name", "configMap"]})]),
        pod(volumes=[one("v", configMap={"name": "c"})]),
    ),
    # Merge keys other than `name`.
    (
        SERVICE,
        {"spec": {"ports": [{"port": 80, "name": "a"}, {"port": 81}]}},
        {"spec": {"ports": [{"port": 80, "targetPort": 8080}]}},
        {"spec": {"ports": [{"port": 80, "name": "a", "targetPort": 8080}, {"port": 81}]}},
    ),
    (ACCOUNT, {"secrets": [one("a")]}, {"secrets": [one("b")]}, {"secrets": [one("b"), one("a")]}),
    (
        POD,
        {"metadata": {"ownerReferences": [{"uid": "1", "name": "x"}]}},
        {"metadata": {"ownerReferences": [{"$patch": "delete", "uid": "1"}, {"uid": "2", "name": "y"}], "uid": "p"}},
        {"metadata": {"ownerReferences": [{"uid": "2", "name": "y"}], "uid": "p"}},
    ),
    # A change of type takes the patch's value.
    (POD, {"spec": {"nodeSelector": {"a": "b"}}}, {"spec": {"nodeSelector": "x"}}, {"spec": {"nodeSelector": "x"}}),
    # A value that is all directive is not there.
    (POD, {"spec": {}}, {"spec": {"securityContext": {"$patch": "delete"}}}, {"spec": {}}),
]


@pytest.mark.parametrize(("gvk", "document", "patch", "result"), CASES)
def test_merges(gvk: GroupVersionKind, document: Any, patch: Any, result: Any) -> None:
    before = copy.deepcopy((document, patch))
    assert strategic.apply(document, patch, gvk) == result
    assert (document, patch) == before


def test_what_kubectl_apply_sends() -> None:
    live = {
        "metadata": {"name": "web", "annotations": {"x": "1"}},
        "spec": {
            "replicas": 2,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {
                    "containers": [
                        {
                            "name": "c",
                            "image": "nginx",
                            "env": [one("A", value="1"), one("B", value="2")],
                            "ports": [{"containerPort": 80, "protocol": "TCP"}],
                            "terminationMessagePath": "/dev/termination-log",
                        },
                        one("sidecar", image="x"),
                        one("old", image="y"),
                    ],
                    "tolerations": [{"key": "a"}],
                },
            },
        },
    }
    patch = {
        "metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": "…"}},
        "spec": {
            "replicas": 3,
            "strategy": {"$retainKeys": ["type"], "type": "Recreate"},
            "template": {
                "metadata": {"labels": {"v": "2"}},
                "spec": {
                    "$setElementOrder/containers": [one("sidecar"), one("c")],
                    "containers": [
                        one("sidecar", image="x2"),
                        {
                            "$setElementOrder/env": [one("B"), one("C")],
                            "$setElementOrder/ports": [{"containerPort": 80}, {"containerPort": 81}],
                            "env": [one("B", value="3"), one("C", value="4"), {"$patch": "delete", "name": "A"}],
                            "image": "nginx:2",
                            "name": "c",
                            "ports": [{"containerPort": 80, "protocol": None}, {"containerPort": 81}],
                        },
                        {"$patch": "delete", "name": "old"},
                    ],
                    "tolerations": None,
                },
            },
        },
    }
    merged = strategic.apply(live, patch, DEPLOYMENT)
    assert merged["spec"] == {
        "replicas": 3,
        "strategy": {"type": "Recreate"},
        "template": {
            "metadata": {"labels": {"app": "web", "v": "2"}},
            "spec": {
                "containers": [
                    one("sidecar", image="x2"),
                    {
                        "name": "c",
                        "image": "nginx:2",
                        "env": [one("B", value="3"), one("C", value="4")],
                        "ports": [{"containerPort": 80}, {"containerPort": 81}],
                        "terminationMessagePath": "/dev/termination-log",
                    },
                ]
            },
        },
    }


@pytest.mark.parametrize(
    ("document", "patch", "code", "message"),
    [
        (
            pod(one("a")),
            pod({"image": "x", "tty": True}),
            500,
            "map: map[image:x tty:true] does not contain declared merge key: name",
        ),
        (
            pod(one("a")),
            pod({"$patch": "delete"}),
            500,
            "map: map[$patch:delete] does not contain declared merge key: name",
        ),
        (
            pod(one("a")),
            pod({"$patch": "merge", "name": "a"}),
            500,
            "merging lists cannot yet be specified in the patch",
        ),
        (pod(one("a")), pod({"$patch": "x", "name": "a"}), 500, "unknown patch type: x in map: map[$patch:x name:a]"),
        ({}, {"$patch": "x"}, 500, "unknown patch type: x in map: map[$patch:x]"),
        ({}, {"$patch": None}, 500, "unknown patch type: %!s(<nil>) in map: map[$patch:<nil>]"),
        ({}, {"$patch": 5}, 500, "unknown patch type: %!s(int64=5) in map: map[$patch:5]"),
        (
            {"spec": {}},
            {"spec": {"$setElementOrder/nope": []}},
            500,
            'unable to find api field in struct PodSpec for the json field "nope"',
        ),
        (
            {"spec": {"nodeSelector": {}}},
            {"spec": {"nodeSelector": {"$setElementOrder/nope": []}}},
            500,
            "merging an object in json but data type is not struct, instead is: map",
        ),
        (
            {"spec": {}},
            {"spec": {"$setElementOrder/nodeSelector": []}},
            500,
            "expected slice or array type, but got: struct",
        ),
        (pod(one("a")), {"spec": {"$setElementOrder/containers": ["x"]}}, 500, "value for key 0 is not a map"),
        (
            pod(one("a")),
            {"spec": {"$setElementOrder/containers": [{}]}},
            500,
            "map: map[] does not contain declared merge key: name",
        ),
        (
            pod(one("a")),
            {"spec": {"$setElementOrder/containers": [one("b")], "containers": None}},
            500,
            "expected a []interface {}, but received a %!s(<nil>)",
        ),
        (pod(one("a")), pod("a"), 500, "list element types are not identical: [[map[name:a]] [a]]"),
        (pod(one("a")), pod([1]), 500, "list element types are not identical: [[map[name:a]] [[1]]]"),
        (pod(), pod([1]), 422, "the server rejected our request due to an error in our request"),
        (
            {"spec": {}},
            {"spec": {"$setElementOrder/containers": "x"}},
            500,
            "expected a []interface {}, but received a string",
        ),
        ({"spec": {}}, {"spec": {"$setElementOrder": []}}, 400, "invalid patch format of setElementOrder list"),
        ({"spec": {}}, {"spec": {"$deleteFromPrimitiveList": []}}, 400, "invalid patch format of primitive list"),
        ({"spec": {}}, {"spec": {"$retainKeys": ["a"], "b": 1}}, 400, "invalid patch format of retainKeys"),
        ({"spec": {}}, {"spec": {"$retainKeys": "a"}}, 400, "invalid patch format of retainKeys"),
        (
            pod(one("a")),
            {"spec": {"$setElementOrder/containers": [one("a")], "containers": [one("b")]}},
            500,
            "The order in patch list:\n[map[name:b]]\n doesn't match $setElementOrder list:\n[map[name:a]]\n",
        ),
    ],
)
def test_refusals(document: Any, patch: Any, code: int, message: str) -> None:
    with pytest.raises(StatusError) as caught:
        strategic.apply(document, patch, POD)
    assert (caught.value.code, caught.value.message) == (code, message)


@pytest.mark.parametrize(
    ("wanted", "form"),
    [
        ("[]v1.IPFamily", "slice"),
        ("v1.IPFamily", "string"),
        ("v1.ResourceList", "map"),
        ("v1.Container", "struct"),
        ("bool", "bool"),
    ],
)
def test_form_of_go_types(wanted: str, form: str) -> None:
    assert form_of(wanted) == form


def test_kinds_without_a_schema_are_not_merged() -> None:
    with pytest.raises(StatusError) as caught:
        strategic.apply({}, {}, GroupVersionKind("example.com", "v1", "Widget"))
    assert caught.value.code == 415
    assert strategic.diff({"a": 1}, {"b": 1}, GroupVersionKind("example.com", "v1", "Widget")) == {"a": None, "b": 1}


def test_diff_writes_what_kubectl_would() -> None:
    before = {
        "spec": {
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {}},
            "template": {"spec": pod(one("a"), one("b", image="x"))["spec"]},
        }
    }
    after = {
        "spec": {"strategy": {"type": "Recreate"}, "template": {"spec": pod(one("c"), one("b", image="y"))["spec"]}}
    }
    assert strategic.diff(before, after, DEPLOYMENT) == {
        "spec": {
            "strategy": {"$retainKeys": ["type"], "type": "Recreate", "rollingUpdate": None},
            "template": {
                "spec": {
                    "$setElementOrder/containers": [one("c"), one("b")],
                    "containers": [one("c"), one("b", image="y"), {"$patch": "delete", "name": "a"}],
                }
            },
        }
    }  # fmt: skip


scalars = st.sampled_from(["x", "y", "z"])


def _keyed(key: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[list[dict[str, Any]]]:
    item = st.fixed_dictionaries({key: st.sampled_from(["a", "b", "c", "d"])}, optional=fields)
    return st.lists(item, min_size=1, max_size=4, unique_by=lambda entry: entry[key])


pods = st.fixed_dictionaries(
    {},
    optional={
        "metadata": st.fixed_dictionaries(
            {},
            optional={
                "labels": st.dictionaries(scalars, scalars, min_size=1),
                "finalizers": st.lists(scalars, min_size=1, unique=True),
            },
        ),
        "spec": st.fixed_dictionaries(
            {},
            optional={
                "nodeName": scalars,
                "containers": _keyed(
                    "name",
                    image=scalars,
                    env=_keyed("name", value=scalars),
                    command=st.lists(scalars, min_size=1),
                ),
                "volumes": _keyed("name", configMap=st.just({"name": "x"}), emptyDir=st.just({"medium": "Memory"})),
                "tolerations": st.lists(st.fixed_dictionaries({"key": scalars}), min_size=1),
            },
        ),
    },
)


def test_diff_takes_single_values_out_of_a_merged_list_by_name() -> None:
    before, after = {"metadata": {"finalizers": ["a/b", "c/d"]}}, {"metadata": {"finalizers": ["c/d", "e/f"]}}
    patch = strategic.diff(before, after, POD)
    assert patch["metadata"] == {
        "$setElementOrder/finalizers": ["c/d", "e/f"],
        "$deleteFromPrimitiveList/finalizers": ["a/b"],
        "finalizers": ["e/f"],
    }
    assert strategic.apply(before, patch, POD) == after


@settings(deadline=None)
@given(pods, pods)
def test_a_diff_applies(original: dict[str, Any], modified: dict[str, Any]) -> None:
    patch = strategic.diff(original, modified, POD)
    assert strategic.apply(original, patch, POD) == modified
    assert (patch == {}) == (original == modified)


@settings(deadline=None)
@given(pods, pods)
def test_applying_twice_is_applying_once(live: dict[str, Any], patch: dict[str, Any]) -> None:
    once = strategic.apply(live, patch, POD)
    assert strategic.apply(once, patch, POD) == once


@pytest.mark.parametrize(
    ("why", "said"),
    [
        ("string into Go struct field DeploymentSpec.spec.replicas of type int32", "unrecognized type: int32"),
        ("number into Go struct field ObjectMeta.metadata.name of type string", "cannot convert int64 to string"),
        ("number 1.5 into Go struct field A.spec.replicas of type int32", "cannot convert float64 to int32"),
        ("array into Go struct field A.spec.paused of type bool", "unrecognized type: bool"),
        ("bool into Go struct field A.metadata.labels of type map[string]string", "cannot restore map from bool"),
        ("object into Go struct field A.spec.containers of type []v1.Container", "cannot restore slice from map"),
        ("string into Go struct field A.spec of type v1.DeploymentSpec", "cannot restore struct from: string"),
    ],
)
def test_an_outcome_of_the_wrong_type_shows_the_patch(why: str, said: str) -> None:
    error = strategic.refused({"spec": {"replicas": "x", "a": None}}, f"json: cannot unmarshal {why}")
    assert error.message == f' "" is invalid: patch: Invalid value: "map[spec:map[a:<nil> replicas:x]]": {said}'
