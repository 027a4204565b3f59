import pytest

from pynetes.apimachinery.gvk import GroupVersionKind, GroupVersionResource
from pynetes.apis import registry
from pynetes.apis.registry import RESOURCES
from pynetes.apis.resource import Resource


def _resource(text: str) -> Resource:
    group, version, plural = text.split("/")
    found = registry.by_gvr(GroupVersionResource(group, version, plural))
    assert found is not None, text
    return found


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda r: f"{r.gvk.group}/{r.plural}")
def test_a_kind_has_a_status_subresource_exactly_when_its_strategy_says_so(resource: Resource) -> None:
    assert resource.strategy.has_status == resource.has_status


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda r: f"{r.gvk.group}/{r.plural}")
def test_every_column_has_a_definition_with_a_known_type(resource: Resource) -> None:
    for column in resource.columns:
        assert column.definition()["type"] in ("string", "integer", "number", "boolean", "date")
        assert column.priority in (0, 1)


def test_resources_are_unique() -> None:
    assert len({r.gvr for r in RESOURCES}) == len(RESOURCES)


SHORT_NAMES = {
    "/v1/pods": ("po",),
    "/v1/services": ("svc",),
    "/v1/configmaps": ("cm",),
    "/v1/persistentvolumeclaims": ("pvc",),
    "/v1/serviceaccounts": ("sa",),
    "/v1/componentstatuses": ("cs",),
    "apps/v1/deployments": ("deploy",),
    "batch/v1/cronjobs": ("cj",),
    "autoscaling/v2/horizontalpodautoscalers": ("hpa",),
    "apiextensions.k8s.io/v1/customresourcedefinitions": ("crd", "crds"),
    "storage.k8s.io/v1/storageclasses": ("sc",),
    "networking.k8s.io/v1/networkpolicies": ("netpol",),
    "/v1/secrets": (),
}


@pytest.mark.parametrize(("gvr", "names"), SHORT_NAMES.items())
def test_short_names(gvr: str, names: tuple[str, ...]) -> None:
    assert _resource(gvr).short_names == names


SUBRESOURCES = {
    "/v1/pods": "attach binding ephemeralcontainers eviction exec log portforward proxy resize status",
    "/v1/namespaces": "finalize status",
    "/v1/nodes": "proxy status",
    "/v1/services": "proxy status",
    "/v1/serviceaccounts": "token",
    "/v1/replicationcontrollers": "scale status",
    "apps/v1/deployments": "scale status",
    "apps/v1/daemonsets": "status",
    "certificates.k8s.io/v1/certificatesigningrequests": "approval status",
}


@pytest.mark.parametrize(("gvr", "names"), SUBRESOURCES.items())
def test_subresources(gvr: str, names: str) -> None:
    assert sorted(s.name for s in _resource(gvr).subresources) == names.split()


CLUSTER_WIDE = {"namespaces", "nodes", "persistentvolumes", "clusterroles", "storageclasses", "ingressclasses"}
NAMESPACED = {"pods", "secrets", "events", "leases", "roles", "endpointslices", "localsubjectaccessreviews"}


def test_scope() -> None:
    assert {r.plural for r in RESOURCES if not r.namespaced} >= CLUSTER_WIDE
    assert {r.plural for r in RESOURCES if r.namespaced} >= NAMESPACED


def test_the_category_all_lists_workloads_and_services() -> None:
    listed = {r.plural for r in RESOURCES if "all" in r.categories}
    assert listed == {
        "pods",
        "services",
        "replicationcontrollers",
        "deployments",
        "replicasets",
        "daemonsets",
        "statefulsets",
        "jobs",
        "cronjobs",
        "horizontalpodautoscalers",
    }


def test_reviews_can_only_be_created() -> None:
    assert _resource("authorization.k8s.io/v1/selfsubjectaccessreviews").verbs == ("create",)
    assert _resource("authentication.k8s.io/v1/tokenreviews").verbs == ("create",)


def test_autoscaling_prefers_v2() -> None:
    assert registry.groups()["autoscaling"][0] == "v2"


def test_an_unknown_kind_is_not_found() -> None:
    assert registry.by_gvk(GroupVersionKind("example.com", "v1", "Thing")) is None


@pytest.mark.parametrize(
    ("kind", "mark"),
    [
        ("apiextensions.k8s.io CustomResourceDefinition", "jfWCUB31mvA="),
        ("admissionregistration.k8s.io MutatingAdmissionPolicy", "LYmCf+UMVdg="),
        ("admissionregistration.k8s.io MutatingAdmissionPolicyBinding", "90V5FRZZ3Zg="),
        ("apps Deployment", "8aSe+NMegvE="),
    ],
)
def test_the_stored_version_is_marked_as_upstream_does(kind: str, mark: str) -> None:
    found = [r for r in RESOURCES if f"{r.gvk.group} {r.gvk.kind}" == kind]
    assert [resource.storage_version_hash for resource in found] == [mark]
