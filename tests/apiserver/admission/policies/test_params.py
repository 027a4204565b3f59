"""Parameters of policies: which objects a binding picks, and what happens if there are none."""

from typing import Any

from tests.apiserver.admission.policies.conftest import CONFIG_MAPS, NAMESPACED, Cluster, matching
from tests.apiserver.customresources.conftest import until

Object = dict[str, Any]

CONFIG_MAP = {"apiVersion": "v1", "kind": "ConfigMap"}
SECRETS = NAMESPACED + "secrets"
LIMITED = [
    {
        "expression": "size(object.data) <= int(params.data.most)",
        "messageExpression": "string(params.metadata.name)",
    }
]


def denied(what: str, binding: str = "p-b") -> str:
    return f"secrets \"s\" is forbidden: ValidatingAdmissionPolicy 'p' with binding '{binding}' denied request: {what}"


async def limit(cluster: Cluster, name: str, most: str, namespace: str = "default", **labels: str) -> None:
    body = {**CONFIG_MAP, "metadata": {"name": name, "labels": labels}, "data": {"most": most}}
    await cluster.web.ok("POST", CONFIG_MAPS.replace("/default/", f"/{namespace}/"), body)


async def secret(cluster: Cluster, *keys: str, query: str = "?dryRun=All") -> Any:
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": dict.fromkeys(keys, "v")}
    return await cluster.web("POST", SECRETS + query, body)


async def limited(cluster: Cluster, **reference: Any) -> None:
    binding = {"paramRef": {"parameterNotFoundAction": "Deny", **reference}}
    kind = {"apiVersion": "v1", "kind": "ConfigMap"}
    await cluster.validating(matchConstraints=matching("secrets"), paramKind=kind, validations=LIMITED, binding=binding)


async def test_a_named_parameter_of_the_requests_namespace(cluster: Cluster) -> None:
    await limited(cluster, name="limit")
    assert (await secret(cluster, "a")).message == denied(
        "failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction"
    )
    await limit(cluster, "limit", "1", "kube-public")
    await limit(cluster, "limit", "2")
    await cluster.settled()
    assert (await secret(cluster, "a", "b")).status == 201
    assert (await secret(cluster, "a", "b", "c")).message == denied("limit")


async def test_a_parameter_of_a_named_namespace(cluster: Cluster) -> None:
    await limit(cluster, "limit", "1", "kube-public")
    await limited(cluster, name="limit", namespace="kube-public")
    assert (await secret(cluster, "a")).status == 201
    assert (await secret(cluster, "a", "b")).status == 422


async def test_all_selected_parameters_apply(cluster: Cluster) -> None:
    await limit(cluster, "one", "1", app="x")
    await limit(cluster, "three", "3", app="x")
    await limit(cluster, "none", "0", app="y")
    await limited(cluster, selector={"matchLabels": {"app": "x"}})
    assert (await secret(cluster, "a")).status == 201
    assert (await secret(cluster, "a", "b")).message == denied("one")


async def test_missing_parameters_may_be_allowed(cluster: Cluster) -> None:
    await limited(cluster, name="limit", parameterNotFoundAction="Allow")
    assert (await secret(cluster, "a", "b")).status == 201


async def test_a_kind_that_nobody_knows(cluster: Cluster) -> None:
    await cluster.validating(
        matchConstraints=matching("secrets"),
        paramKind={"apiVersion": "example.com/v1", "kind": "Limit"},
        validations=LIMITED,
        binding={"paramRef": {"name": "x", "parameterNotFoundAction": "Deny"}},
    )
    assert (await secret(cluster, "a")).message == (
        "secrets \"s\" is forbidden: ValidatingAdmissionPolicy 'p' denied request: failed to configure policy: failed "
        "to find resource referenced by paramKind: 'example.com/v1, Kind=Limit'"
    )


async def test_custom_resources_are_parameters(cluster: Cluster) -> None:
    await cluster.web.ok("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", DEFINITION)
    body = {"apiVersion": "example.com/v1", "kind": "Limit", "metadata": {"name": "x"}, "most": 1}

    async def made() -> bool:
        return bool((await cluster.web("POST", "/apis/example.com/v1/limits", body)).status == 201)

    await until(made, "the definition to be established")
    await cluster.validating(
        matchConstraints=matching("secrets"),
        paramKind={"apiVersion": "example.com/v1", "kind": "Limit"},
        validations=[{"expression": "size(object.data) <= params.most", "messageExpression": "string(params.kind)"}],
        binding={"paramRef": {"name": "x", "parameterNotFoundAction": "Deny"}},
    )
    assert (await secret(cluster, "a")).status == 201
    assert (await secret(cluster, "a", "b")).message == denied("Limit")


DEFINITION = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "limits.example.com"},
    "spec": {
        "group": "example.com",
        "scope": "Cluster",
        "names": {"plural": "limits", "singular": "limit", "kind": "Limit", "listKind": "LimitList"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {"most": {"type": "integer"}}}},
            }
        ],
    },
}


async def test_where_parameters_cannot_be(cluster: Cluster) -> None:
    """Of a namespaced kind for a request without a namespace; with a namespace for a kind without."""
    kind = {"apiVersion": "v1", "kind": "ConfigMap"}
    await cluster.validating(
        matchConstraints=matching("namespaces"),
        paramKind=kind,
        validations=[{"expression": "true"}],
        binding={"paramRef": {"name": "x", "parameterNotFoundAction": "Allow"}},
    )
    body = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}}
    await cluster.validating(
        name="q",
        matchConstraints=matching("nodes"),
        paramKind=kind,
        validations=[{"expression": "true"}],
        binding={"paramRef": {"name": "x", "parameterNotFoundAction": "Allow"}},
    )
    answer = await cluster.web("POST", "/api/v1/nodes", body)
    assert answer.message.endswith(
        "failed to configure binding: cannot use namespaced paramRef in policy binding that matches cluster-scoped "
        "resources"
    )
    await cluster.validating(
        name="r",
        matchConstraints=matching("secrets"),
        paramKind={"apiVersion": "v1", "kind": "Node"},
        validations=[{"expression": "true"}],
        binding={"paramRef": {"name": "x", "namespace": "default", "parameterNotFoundAction": "Allow"}},
    )
    answer = await secret(cluster, "a")
    assert answer.message.endswith("paramRef.namespace must not be provided for a cluster-scoped `paramKind`")
