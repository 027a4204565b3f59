"""Who writes a policy or a binding with parameters must be allowed to read them."""

from typing import Any

import pytest

from pynetes.apis.names import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES
from pynetes.apiserver.server import APIServer
from tests.apiserver.admission.policies.conftest import REGISTRATION, Cluster, matching

Object = dict[str, Any]

KIND = {"apiVersion": "v1", "kind": "ConfigMap"}
ALICE = {"Impersonate_User": "alice"}
USER = "&{alice  [system:authenticated] map[]}"


async def allow(server: APIServer, name: str, *rules: tuple[str, str, str]) -> None:
    listed = [{"apiGroups": [group], "resources": [resource], "verbs": [verb]} for group, resource, verb in rules]
    metadata = {"name": name}
    await server.client().create(CLUSTER_ROLES, {"metadata": metadata, "rules": listed})
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}
    subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "alice"}
    await server.client().create(
        CLUSTER_ROLE_BINDINGS, {"metadata": metadata, "roleRef": reference, "subjects": [subject]}
    )


async def write(cluster: Cluster, resource: str, kind: str, spec: Object, name: str) -> Any:
    body = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": spec,
    }
    return await cluster.web("POST", REGISTRATION + resource, body, **ALICE)


@pytest.fixture
async def writer(server: APIServer, cluster: Cluster) -> Cluster:
    await allow(server, "writer", ("admissionregistration.k8s.io", "*", "*"))
    await cluster.settled()
    return cluster


async def test_policies(writer: Cluster, server: APIServer) -> None:
    spec = {
        "matchConstraints": matching("secrets"),
        "paramKind": KIND,
        "validations": [{"expression": "true"}],
    }
    answer = await write(writer, "validatingadmissionpolicies", "ValidatingAdmissionPolicy", spec, "p")
    assert answer.status == 422
    assert answer.message == (
        'ValidatingAdmissionPolicy.admissionregistration.k8s.io "p" is invalid: spec.paramKind: Forbidden: user '
        f'{USER} must have "get" permission on all objects of the referenced paramKind (kind=ConfigMap, apiVersion=v1)'
    )
    without = {key: value for key, value in spec.items() if key != "paramKind"}
    answer = await write(writer, "validatingadmissionpolicies", "ValidatingAdmissionPolicy", without, "q")
    assert answer.status == 201
    await allow(server, "reader", ("", "configmaps", "get"))
    await writer.settled()
    answer = await write(writer, "validatingadmissionpolicies", "ValidatingAdmissionPolicy", spec, "p")
    assert answer.status == 201


async def test_bindings(writer: Cluster, server: APIServer) -> None:
    resource, kind = "validatingadmissionpolicybindings", "ValidatingAdmissionPolicyBinding"
    reference = {"name": "x", "parameterNotFoundAction": "Deny"}
    spec = {"policyName": "p", "validationActions": ["Deny"], "paramRef": reference}
    answer = await write(writer, resource, kind, spec, "b")
    assert answer.message.endswith(
        f"spec.paramRef: Forbidden: unable to get policy p to determine minimum required permissions and user {USER} "
        'does not have "get" permission for all groups, versions and resources'
    )
    policy = await writer.policy("Validating", validations=[{"expression": "true"}], paramKind=KIND)
    assert policy.status == 201
    await writer.settled()
    answer = await write(writer, resource, kind, spec, "b")
    assert answer.message.endswith(
        f'spec.paramRef: Forbidden: user {USER} does not have "get" permission on the object referenced by paramRef'
    )
    await allow(server, "reader", ("", "configmaps", "get"))
    await writer.settled()
    assert (await write(writer, resource, kind, spec, "b")).status == 201
    selecting = {**spec, "paramRef": {"selector": {}, "parameterNotFoundAction": "Deny"}}
    answer = await write(writer, resource, kind, selecting, "c")
    assert answer.message.endswith(f'user {USER} does not have "list" permission on the object referenced by paramRef')
