"""scale, binding, eviction, token, reviews, and addresses of Services."""

import asyncio
from typing import Any

import pytest

from pynetes.apimachinery.errors import StatusError
from pynetes.apiserver.registry.services.hooks import ServiceHooks
from pynetes.storage.memory import MemoryStore
from tests.apiserver.endpoints.conftest import JSON, Web, pod

PODS = "/api/v1/namespaces/default/pods"
SERVICES = "/api/v1/namespaces/default/services"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
BUDGETS = "/apis/policy/v1/namespaces/default/poddisruptionbudgets"
NODE = {"Impersonate_User": "system:node:n", "Impersonate_Group": "system:nodes"}
MERGE = "application/merge-patch+json"


def deployment(name: str) -> dict[str, Any]:
    template = {"metadata": {"labels": {"app": name}}, "spec": pod("x")["spec"]}
    spec = {"replicas": 2, "selector": {"matchLabels": {"app": name}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def binding(name: str, node: str) -> dict[str, Any]:
    target = {"kind": "Node", "name": node}
    return {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": name}, "target": target}


TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


async def test_scale_reads_and_writes_replicas(web: Web) -> None:
    made = await web.ok("POST", DEPLOYMENTS, deployment("web"))
    scale = await web.ok("GET", f"{DEPLOYMENTS}/web/scale")
    assert (scale["kind"], scale["apiVersion"]) == ("Scale", "autoscaling/v1")
    assert (scale["spec"], scale["status"]) == ({"replicas": 2}, {"replicas": 0, "selector": "app=web"})
    scale["spec"]["replicas"] = 5
    assert (await web.ok("PUT", f"{DEPLOYMENTS}/web/scale", scale))["spec"] == {"replicas": 5}
    assert (await web("PUT", f"{DEPLOYMENTS}/web/scale", scale)).status == 409
    patched = await web.ok("PATCH", f"{DEPLOYMENTS}/web/scale", {"spec": {"replicas": 1}}, type=MERGE)
    assert patched["spec"] == {"replicas": 1}
    now = await web.ok("GET", f"{DEPLOYMENTS}/web")
    assert (now["spec"]["replicas"], now["metadata"]["generation"]) == (1, 3)
    assert now["spec"]["template"] == made["spec"]["template"]
    refused = await web("PATCH", f"{DEPLOYMENTS}/web/scale", {"spec": {"replicas": -1}}, type=MERGE)
    assert refused.status == 422
    table = (await web("GET", f"{DEPLOYMENTS}/web/scale", accept=TABLE)).json
    assert [column["name"] for column in table["columnDefinitions"]] == ["Name", "Desired", "Available", "Age"]
    assert table["rows"][0]["cells"][:3] == ["web", 1, 0]


async def test_binding_puts_a_pod_on_its_node_once(web: Web) -> None:
    await web.ok("POST", PODS, pod("one"))
    answer = await web("POST", f"{PODS}/one/binding", binding("one", "n1"))
    assert (answer.status, answer.json["status"]) == (201, "Success")
    bound = await web.ok("GET", f"{PODS}/one")
    assert bound["spec"]["nodeName"] == "n1"
    assert bound["status"]["conditions"][0]["type"] == "PodScheduled"
    again = await web("POST", "/api/v1/namespaces/default/bindings", binding("one", "n2"))
    assert again.status == 409
    assert again.message == (
        'Operation cannot be fulfilled on pods/binding "one": pod one is already assigned to node "n1"'
    )
    assert (await web("POST", f"{PODS}/one/binding", binding("two", "n1"))).status == 400


def scale(**metadata: str | None) -> dict[str, Any]:
    return {"metadata": {"finalizers": ["x"], **metadata}}


EVICTION = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "s"}}
ELSEWHERE = "the namespace of the provided object does not match the namespace sent on the request"
REFUSED: list[tuple[str, str, dict[str, Any], int, str]] = [
    ("PATCH", f"{DEPLOYMENTS}/s/scale", scale(namespace="Else where"), 400, ELSEWHERE),
    ("PATCH", f"{DEPLOYMENTS}/s/scale", scale(name=None), 400, "undeterminable: name must be provided"),
    ("PATCH", f"{DEPLOYMENTS}/s/scale", scale(namespace=None), 422, '"x": name is neither a standard finalizer name'),
    ("POST", f"{PODS}/s/eviction", {**EVICTION, "metadata": {"name": "s", "namespace": "other"}}, 400, ELSEWHERE),
    ("POST", f"{PODS}/s/eviction", {**EVICTION, "deleteOptions": {"dryRun": ["x"]}}, 500, "content: [All] and [x]"),
    (
        "POST",
        f"{PODS}/s/binding",
        {**binding("s", "n"), "metadata": {"name": "s", "uid": "u"}},
        409,
        "UID in precondition: u",
    ),
    ("POST", "/api/v1/namespaces/default/bindings", binding("/s", "n"), 400, "may not contain '/'"),
]


async def test_what_bodies_of_subresources_are_refused_for(web: Web) -> None:
    await web.ok("POST", PODS, pod("s"))
    await web.ok("POST", DEPLOYMENTS, deployment("s"))
    for method, path, body, code, text in REFUSED:
        answer = await web(method, f"{path}?dryRun=All", body, type=MERGE if method == "PATCH" else JSON)
        assert answer.status == code, (path, body, answer.message)
        assert text in answer.message, answer.message
    other = {**binding("s", "n"), "metadata": {"name": "s", "uid": "u"}}
    for body in (other, binding("s", "/n")):
        assert (await web("POST", "/api/v1/namespaces/default/bindings?dryRun=All", body)).status == 201


async def test_evictions_are_taken_in_the_old_version_too(web: Web) -> None:
    await web.ok("POST", PODS, pod("one"))
    for version, status in (("v2", 400), ("v1beta1", 201)):
        eviction = {"apiVersion": f"policy/{version}", "kind": "Eviction", "metadata": {"name": "one"}}
        assert (await web("POST", f"{PODS}/one/eviction", eviction)).status == status


async def test_budgets_hold_evictions_up(web: Web) -> None:
    for name in ("one", "two"):
        await web.ok("POST", PODS, pod(name, app="x"))
        ready = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
        await web.ok("PATCH", f"{PODS}/{name}/status", {"status": ready}, type=MERGE)
    budget = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "pdb"},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "x"}}},
    }
    made = await web.ok("POST", BUDGETS, budget)
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "one"}}
    early = await web("POST", f"{PODS}/one/eviction", eviction)
    assert early.status == 429
    assert early.message == "Cannot evict pod as it would violate the pod's disruption budget."
    status = {
        "observedGeneration": made["metadata"].get("generation", 0),
        "disruptionsAllowed": 1,
        "currentHealthy": 2,
        "desiredHealthy": 1,
        "expectedPods": 2,
    }
    await web.ok("PATCH", f"{BUDGETS}/pdb/status", {"status": status}, type=MERGE)
    now = {"deleteOptions": {"gracePeriodSeconds": 0}}
    # NodeRestriction sees the eviction, and no deletion in its consequence.
    node = await web("POST", f"{PODS}/one/eviction", eviction, **NODE)
    assert "node n can only evict pods with spec.nodeName set to itself" in node.message
    await web.ok("POST", f"{PODS}/one/binding", binding("one", "n"))
    assert (await web("POST", f"{PODS}/one/eviction", eviction | now, **NODE)).status == 201
    assert (await web("GET", f"{PODS}/one")).status == 404
    left = await web.ok("GET", f"{BUDGETS}/pdb")
    assert left["status"]["disruptionsAllowed"] == 0
    assert list(left["status"]["disruptedPods"]) == ["one"]
    eviction["metadata"]["name"] = "two"
    refused = await web("POST", f"{PODS}/two/eviction", eviction)
    assert refused.status == 429
    assert "needs 1 healthy pods and has 2" not in refused.message
    assert refused.json["details"]["causes"][0]["reason"] == "DisruptionBudget"
    assert "retryAfterSeconds" not in refused.json["details"]


async def test_tokens_are_issued_and_accepted(web: Web) -> None:
    path = "/api/v1/namespaces/default/serviceaccounts/default/token"
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    made = await web("POST", path, request)
    assert made.status == 201
    (entry,) = made.json["metadata"]["managedFields"]
    assert entry["fieldsV1"] == {"f:spec": {"f:expirationSeconds": {}}}
    token = made.json["status"]["token"]
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token}}
    answer = await web.ok("POST", "/apis/authentication.k8s.io/v1/tokenreviews", review)
    assert answer["status"]["user"]["username"] == "system:serviceaccount:default:default"
    refused = await web("GET", "/api/v1/namespaces/default/pods", Authorization=f"Bearer {token}x")
    assert refused.status in (200, 401)


FIELDS: dict[str, Any] = {f"f:{name}": {} for name in ("namespace", "resource", "verb")}


async def test_access_reviews(web: Web) -> None:
    question = {"resourceAttributes": {"verb": "get", "resource": "pods", "namespace": "default"}}
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": question}
    answer = await web("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review)
    assert (answer.status, answer.json["status"]["allowed"]) == (201, True)
    (entry,) = answer.json["metadata"]["managedFields"]
    assert entry["fieldsV1"] == {"f:spec": {"f:resourceAttributes": {".": {}, **FIELDS}}}
    review = {**review, "kind": "SubjectAccessReview", "spec": {**question, "user": "nobody"}}
    answer = await web("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review)
    assert answer.json["status"]["allowed"] is False


# --- services


def service(name: str, **spec: Any) -> dict[str, Any]:
    whole = {"selector": {"a": "b"}, "ports": [{"port": 80}], **spec}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": whole}


async def test_services_get_addresses_and_give_them_back(web: Web) -> None:
    made = await web.ok("POST", SERVICES, service("one", clusterIP="10.96.0.50"))
    assert made["spec"]["clusterIPs"] == ["10.96.0.50"]
    assert (made["spec"]["ipFamilies"], made["spec"]["ipFamilyPolicy"]) == (["IPv4"], "SingleStack")
    refused = await web("POST", SERVICES, service("two", clusterIP="10.96.0.50"))
    assert refused.status == 422
    assert "failed to allocate IP 10.96.0.50: provided IP is already allocated" in refused.message
    outside = await web("POST", SERVICES, service("two", clusterIP="172.16.0.1"))
    assert "the provided network does not match the current range" in outside.message
    await web.ok("DELETE", f"{SERVICES}/one")
    await web.ok("POST", SERVICES, service("two", clusterIP="10.96.0.50"))


async def test_no_two_services_share_an_address(web: Web) -> None:
    made = await asyncio.gather(*(web.ok("POST", SERVICES, service(f"s{n}", type="NodePort")) for n in range(40)))
    assert len({s["spec"]["clusterIP"] for s in made}) == 40
    ports = {s["spec"]["ports"][0]["nodePort"] for s in made}
    assert len(ports) == 40
    assert all(30000 <= port <= 32767 for port in ports)


async def test_failed_creates_keep_nothing(web: Web) -> None:
    wanted = service("one", clusterIP="10.96.0.60", type="NodePort", ports=[{"port": 80, "nodePort": 30500}])
    for broken in (service("UPPER", **wanted["spec"]), service("one", **{**wanted["spec"], "sessionAffinity": "x"})):
        assert (await web("POST", SERVICES, broken)).status == 422
    assert (await web("POST", f"{SERVICES}?dryRun=All", wanted)).status == 201
    assert (await web("POST", SERVICES, wanted)).status == 201


async def test_types_change_and_ports_follow(web: Web) -> None:
    made = await web.ok("POST", SERVICES, service("one", type="NodePort", ports=[{"port": 80, "nodePort": 30501}]))
    kept = await web.ok("PATCH", f"{SERVICES}/one", {"metadata": {"labels": {"x": "y"}}}, type=MERGE)
    assert kept["spec"] == made["spec"]
    inner = await web.ok("PATCH", f"{SERVICES}/one", {"spec": {"type": "ClusterIP"}}, type=MERGE)
    assert "nodePort" not in inner["spec"]["ports"][0]
    await web.ok("POST", SERVICES, service("two", type="NodePort", ports=[{"port": 80, "nodePort": 30501}]))
    changed = await web("PATCH", f"{SERVICES}/one", {"spec": {"clusterIP": "10.96.0.99"}}, type=MERGE)
    assert changed.status == 422
    headless = await web.ok("POST", SERVICES, service("three", clusterIP="None"))
    assert headless["spec"]["clusterIPs"] == ["None"]
    named = await web.ok("POST", SERVICES, service("four", type="ExternalName", externalName="example.com", ports=[]))
    assert "clusterIP" not in named["spec"]


async def test_same_port_of_two_protocols_shares_its_node_port(web: Web) -> None:
    ports = [{"name": "a", "port": 53, "protocol": "UDP"}, {"name": "b", "port": 53, "protocol": "TCP"}]
    made = await web.ok("POST", SERVICES, service("dns", type="NodePort", ports=ports))
    assert len({port["nodePort"] for port in made["spec"]["ports"]}) == 1


async def test_a_write_of_unknown_outcome_gives_nothing_back() -> None:
    hooks = ServiceHooks(MemoryStore(), "10.0.0.0/28", (30000, 30010))
    finish = await hooks.begin_create(service("one", clusterIP="10.0.0.5"), dry_run=False)
    await finish(None)
    with pytest.raises(StatusError, match="provided IP is already allocated"):
        await hooks.begin_create(service("two", clusterIP="10.0.0.5"), dry_run=False)
    await hooks.after_delete(service("one", clusterIP="10.0.0.5", clusterIPs=["10.0.0.5"]))
    await hooks.begin_create(service("two", clusterIP="10.0.0.5"), dry_run=False)


async def test_the_range_of_cluster_ips_is_an_object(web: Web) -> None:
    found = await web.ok("GET", "/apis/networking.k8s.io/v1/servicecidrs/kubernetes")
    assert found["spec"] == {"cidrs": ["10.96.0.0/12"]}
    (ready,) = found["status"]["conditions"]
    assert (ready["type"], ready["status"]) == ("Ready", "True")


async def test_every_method_of_http_goes_through_the_proxy(web: Web) -> None:
    """503: there is no pod behind the name, which only a request that was let through can find out."""
    await web.ok("POST", SERVICES, {"metadata": {"name": "empty"}, "spec": {"ports": [{"port": 80}]}})
    endpoints = {"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "empty"}}
    await web.ok("POST", "/api/v1/namespaces/default/endpoints", endpoints)
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        assert (await web(method, f"{SERVICES}/empty/proxy/")).status == 503, method
    assert (await web("OPTIONS", f"{SERVICES}/empty")).status == 405
