import base64
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apis import registry
from pynetes.apis.admissionregistration.webhooks import MutatingWebhookConfigurationStrategy
from pynetes.apis.apiextensions.custom_resource_definition import CustomResourceDefinitionStrategy
from pynetes.apis.apiregistration.api_service import APIServiceStrategy
from pynetes.apis.certificates.signing_request import ApprovalStrategy, SigningRequestStrategy
from pynetes.apis.dra.resource_claim import ResourceClaimStrategy
from pynetes.apis.flowcontrol.priority_level import PriorityLevelStrategy
from pynetes.apis.networking.ingress import IngressStrategy
from pynetes.apis.networking.network_policy import NetworkPolicyStrategy
from pynetes.apis.policy.pod_disruption_budget import PodDisruptionBudgetStrategy
from pynetes.apis.rbac.role import RoleStrategy
from pynetes.apis.rbac.role_binding import RoleBindingStrategy
from pynetes.apis.scheduling.priority_class import PriorityClassStrategy
from pynetes.apis.storage.classes import StorageClassStrategy
from tests.apis.objects import Object, create_errors, created, texts, update_errors, updated


def _named(name: str = "a", **fields: Any) -> Object:
    return {"metadata": {"name": name}, **fields}


def _cells(group: str, kind: str, obj: Object) -> dict[str, Any]:
    resource = registry.by_gvk(GroupVersionKind(group, "v1", kind))
    assert resource is not None
    return {column.name: column.cells(obj) for column in resource.columns}


def _request() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    return base64.b64encode(request.public_bytes(serialization.Encoding.PEM)).decode()


@pytest.fixture
def signing_request() -> Object:
    spec = {"request": _request(), "signerName": "example.com/clients", "usages": ["client auth"]}
    return created(SigningRequestStrategy(), _named("csr", spec=spec))


def test_a_signing_request_is_accepted(signing_request: Object) -> None:
    assert create_errors(SigningRequestStrategy(), signing_request) == []


def test_a_signing_request_has_to_hold_a_request(signing_request: Object) -> None:
    signing_request["spec"]["request"] = base64.b64encode(b"hello").decode()
    (error,) = create_errors(SigningRequestStrategy(), signing_request)
    assert error.endswith("PEM block type must be CERTIFICATE REQUEST")


def test_a_signing_request_is_signed_by_its_own_key_if_only_with_sha1(signing_request: Object) -> None:
    key = rsa.generate_private_key(65537, 1024)
    made = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    sha256, sha1 = bytes.fromhex("2a864886f70d01010b"), bytes.fromhex("2a864886f70d010105")
    der = made.public_bytes(serialization.Encoding.DER).replace(sha256, sha1)
    signature = key.sign(made.tbs_certrequest_bytes, padding.PKCS1v15(), hashes.SHA1())
    for right, told in ((True, []), (False, ["crypto/rsa: verification error"])):
        request = x509.load_der_x509_csr(der.replace(made.signature, signature) if right else der)
        pem = request.public_bytes(serialization.Encoding.PEM)
        signing_request["spec"]["request"] = base64.b64encode(pem).decode()
        errors = create_errors(SigningRequestStrategy(), signing_request)
        assert [error.rpartition(": ")[2] for error in errors] == [each.rpartition(": ")[2] for each in told]


def test_only_the_approval_adds_an_approval(signing_request: Object) -> None:
    condition = {"type": "Approved", "status": "True", "reason": "ok"}
    approved = {**signing_request, "status": {"conditions": [condition]}}
    assert updated(SigningRequestStrategy(), signing_request, approved)["status"] == {}
    assert update_errors(ApprovalStrategy(), signing_request, approved) == []
    stored = updated(ApprovalStrategy(), signing_request, approved)
    assert stored["status"]["conditions"][0]["lastUpdateTime"]
    assert _cells("certificates.k8s.io", "CertificateSigningRequest", stored)["Condition"] == "Approved"
    strategy = SigningRequestStrategy()
    assert texts(strategy.validate_status_update(stored, signing_request)) == [
        'status.conditions: Forbidden: updates may not add a condition of type "Approved"'
    ]


def _definition(**spec: Any) -> Object:
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
    names = {"plural": "widgets", "kind": "Widget"}
    full = {"group": "example.com", "scope": "Namespaced", "names": names, "versions": [version], **spec}
    return _named("widgets.example.com", spec=full)


def test_a_definition_gets_its_names_and_stored_version() -> None:
    obj = created(CustomResourceDefinitionStrategy(), _definition())
    assert obj["spec"]["names"] == {
        "plural": "widgets",
        "kind": "Widget",
        "singular": "widget",
        "listKind": "WidgetList",
    }
    assert obj["spec"]["conversion"] == {"strategy": "None"}
    assert obj["status"]["storedVersions"] == ["v1"]
    assert create_errors(CustomResourceDefinitionStrategy(), _definition()) == []


DEFINITIONS: dict[str, tuple[dict[str, Any], str]] = {
    "a group without a dot": ({"group": "example"}, "spec.group: Invalid value"),
    "no version": ({"versions": []}, "must have exactly one version marked as storage version"),
    "an unknown scope": ({"scope": "Other"}, 'spec.scope: Unsupported value: "Other"'),
    "another name": ({"group": "example.org"}, 'must be spec.names.plural+"."+spec.group'),
}


@pytest.mark.parametrize("case", DEFINITIONS)
def test_validation_of_a_definition(case: str) -> None:
    spec, message = DEFINITIONS[case]
    assert any(message in e for e in create_errors(CustomResourceDefinitionStrategy(), _definition(**spec)))


def test_a_local_api_service_is_available_at_once() -> None:
    spec = {"group": "apps", "version": "v1", "groupPriorityMinimum": 100, "versionPriority": 10}
    obj = created(APIServiceStrategy(), _named("v1.apps", spec=spec))
    assert texts(APIServiceStrategy().validate(obj)) == []
    cells = _cells("apiregistration.k8s.io", "APIService", obj)
    assert (cells["Service"], cells["Available"]) == ("Local", "True")


def test_the_name_of_an_api_service_is_its_version_and_group() -> None:
    spec = {"group": "apps", "version": "v1", "groupPriorityMinimum": 100, "versionPriority": 10}
    errors = create_errors(APIServiceStrategy(), _named("v2.apps", spec=spec))
    assert errors == ['metadata.name: Invalid value: "v2.apps": must be `spec.version+"."+spec.group`: "v1.apps"']


def test_a_webhook_gets_the_defaults() -> None:
    hook = {"name": "a.b.example", "clientConfig": {"service": {"name": "s", "namespace": "n"}}}
    got = created(MutatingWebhookConfigurationStrategy(), _named(webhooks=[hook]))["webhooks"][0]
    assert got["failurePolicy"] == "Fail"
    assert got["timeoutSeconds"] == 10
    assert got["reinvocationPolicy"] == "Never"
    assert got["clientConfig"]["service"]["port"] == 443


def test_a_webhook_says_whether_it_has_side_effects() -> None:
    hook = {"name": "a.b.example", "clientConfig": {"url": "https://h/p"}, "admissionReviewVersions": ["v1"]}
    assert create_errors(MutatingWebhookConfigurationStrategy(), _named(webhooks=[hook])) == [
        "webhooks[0].sideEffects: Required value: must specify one of None, NoneOnDryRun"
    ]


def test_a_limited_level_gets_its_shares() -> None:
    limited = {"limitResponse": {"type": "Queue", "queuing": {}}}
    obj = created(PriorityLevelStrategy(), _named(spec={"type": "Limited", "limited": limited}))
    assert obj["spec"]["limited"] == {
        "limitResponse": {"type": "Queue", "queuing": {"handSize": 8, "queues": 64, "queueLengthLimit": 50}},
        "nominalConcurrencyShares": 30,
        "lendablePercent": 0,
    }


def test_a_claim_asks_for_one_device_and_stays() -> None:
    strategy = ResourceClaimStrategy()
    request = {"name": "gpu", "exactly": {"deviceClassName": "gpu.example.com"}}
    old = created(strategy, _named(spec={"devices": {"requests": [request]}}))
    assert old["spec"]["devices"]["requests"][0]["exactly"]["count"] == 1
    (error,) = update_errors(strategy, old, _named(spec={"devices": {}}))
    assert error.startswith("spec: Invalid value: ")
    assert error.endswith("field is immutable")
    assert _cells("resource.k8s.io", "ResourceClaim", old)["State"] == "pending"


def test_the_default_storage_class_is_marked() -> None:
    obj = created(StorageClassStrategy(), _named(provisioner="example.com/disk"))
    assert (obj["reclaimPolicy"], obj["volumeBindingMode"]) == ("Delete", "Immediate")
    obj["metadata"]["annotations"] = {"storageclass.kubernetes.io/is-default-class": "true"}
    assert _cells("storage.k8s.io", "StorageClass", obj)["Name"] == "a (default)"
    changed = _named(provisioner="example.com/other")
    assert update_errors(StorageClassStrategy(), obj, changed) == [
        'provisioner: Invalid value: "example.com/other": field is immutable'
    ]


def test_an_ingress_needs_somewhere_to_go() -> None:
    (error,) = create_errors(IngressStrategy(), _named(spec={}))
    assert error.endswith("either `defaultBackend` or `rules` must be specified")


def test_an_ingress_shows_three_hosts() -> None:
    obj = _named(spec={"rules": [{"host": f"h{i}"} for i in range(5)], "tls": [{}]})
    cells = _cells("networking.k8s.io", "Ingress", obj)
    assert (cells["Hosts"], cells["Ports"]) == ("h0,h1,h2 + 2 more...", "80, 443")


POLICY_TYPES: list[tuple[Object, list[str]]] = [({}, ["Ingress"]), ({"egress": [{}]}, ["Ingress", "Egress"])]


@pytest.mark.parametrize(("spec", "types"), POLICY_TYPES)
def test_policy_types_follow_the_rules(spec: Object, types: list[str]) -> None:
    obj = created(NetworkPolicyStrategy(), _named(spec={"podSelector": {}, **spec}))
    assert obj["spec"]["policyTypes"] == types


def test_a_budget_has_one_bound() -> None:
    spec = {"minAvailable": 1, "maxUnavailable": 1, "selector": {}}
    (error,) = create_errors(PodDisruptionBudgetStrategy(), _named(spec=spec))
    assert error.endswith("minAvailable and maxUnavailable cannot be both set")


def test_a_budget_evicts_unhealthy_pods_by_one_of_two_policies() -> None:
    assert (
        create_errors(PodDisruptionBudgetStrategy(), _named(spec={"unhealthyPodEvictionPolicy": "AlwaysAllow"})) == []
    )
    assert create_errors(PodDisruptionBudgetStrategy(), _named(spec={"unhealthyPodEvictionPolicy": "Never"})) == [
        'spec.unhealthyPodEvictionPolicy: Unsupported value: "Never": supported values: "AlwaysAllow", '
        '"IfHealthyBudget"'
    ]


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"value": 2000000000}, ""),
        ({"value": 1}, "value of system-cluster-critical PriorityClass must be 2000000000"),
        (
            {"value": 2000000000, "globalDefault": True},
            "globalDefault of system-cluster-critical PriorityClass must be false",
        ),
    ],
)
def test_a_system_class_is_what_it_always_is(fields: dict[str, Any], problem: str) -> None:
    found = create_errors(PriorityClassStrategy(), _named("system-cluster-critical", **fields))
    assert [error.partition(". error: ")[2] for error in found] == ([problem] if problem else [])


def test_a_rule_names_verbs_and_resources() -> None:
    assert create_errors(RoleStrategy(), _named(rules=[{"apiGroups": [""]}])) == [
        "rules[0].verbs: Required value: verbs must contain at least one value",
        "rules[0].resources: Required value: resource rules must supply at least one resource",
    ]


def test_the_role_of_a_binding_stays() -> None:
    strategy = RoleBindingStrategy()
    old = created(strategy, _named(roleRef={"kind": "Role", "name": "r"}))
    (error,) = update_errors(strategy, old, _named(roleRef={"kind": "Role", "name": "s"}))
    assert error.startswith("roleRef: Invalid value: ")
    assert error.endswith("cannot change roleRef")


def test_the_value_of_a_priority_class_stays() -> None:
    old = created(PriorityClassStrategy(), _named(value=10))
    assert update_errors(PriorityClassStrategy(), old, _named(value=11)) == [
        "value: Forbidden: may not be changed in an update."
    ]
    assert create_errors(PriorityClassStrategy(), _named("system-mine", value=1)) == [
        "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. error: "
        "system-mine is not a known system priority class"
    ]
