"""Deletes: at once, gracefully, by finalizers, by collection, of namespaces."""

from tests.apiserver.endpoints.conftest import Web, config_map, pod

MAPS = "/api/v1/namespaces/default/configmaps"
PODS = "/api/v1/namespaces/default/pods"
MERGE = "application/merge-patch+json"


async def test_delete_answers_with_a_status_and_the_object_is_gone(web: Web) -> None:
    made = await web.ok("POST", MAPS, config_map("one"))
    answer = await web.ok("DELETE", f"{MAPS}/one")
    assert (answer["kind"], answer["status"]) == ("Status", "Success")
    assert answer["details"] == {"name": "one", "kind": "configmaps", "uid": made["metadata"]["uid"]}
    assert (await web("GET", f"{MAPS}/one")).status == 404
    assert (await web("DELETE", f"{MAPS}/one")).status == 404


async def test_preconditions(web: Web) -> None:
    made = await web.ok("POST", MAPS, config_map("one"))
    wrong = {"preconditions": {"uid": "11111111-1111-1111-1111-111111111111"}}
    refused = await web("DELETE", f"{MAPS}/one", wrong)
    assert refused.status == 409
    assert "the UID in the precondition (11111111-" in refused.message
    stale = {"preconditions": {"resourceVersion": "1"}}
    assert (await web("DELETE", f"{MAPS}/one", stale)).status == 409
    for query in ("uid=11111111-1111-1111-1111-111111111111", "resourceVersion=1"):
        assert (await web("DELETE", f"{MAPS}/one?{query}")).status == 409
    right = {"preconditions": {"uid": made["metadata"]["uid"]}}
    assert (await web("DELETE", f"{MAPS}/one", right)).status == 200


async def test_finalizers_hold_an_object_until_they_are_removed(web: Web) -> None:
    obj = config_map("one")
    obj["metadata"]["finalizers"] = ["example.com/hold"]
    await web.ok("POST", MAPS, obj)
    answer = await web.ok("DELETE", f"{MAPS}/one")
    assert answer["kind"] == "ConfigMap"
    assert answer["metadata"]["deletionTimestamp"]
    assert answer["metadata"]["deletionGracePeriodSeconds"] == 0
    again = await web("POST", MAPS, config_map("one"))
    assert again.message == 'object is being deleted: configmaps "one" already exists'
    assert (await web("DELETE", f"{MAPS}/one")).status == 200
    emptied = await web.ok("PATCH", f"{MAPS}/one", {"metadata": {"finalizers": None}}, type=MERGE)
    assert "finalizers" not in emptied["metadata"]
    assert (await web("GET", f"{MAPS}/one")).status == 404


async def test_propagation_policies_set_the_collectors_finalizers(web: Web) -> None:
    for policy, finalizer in (("Orphan", "orphan"), ("Foreground", "foregroundDeletion")):
        await web.ok("POST", MAPS, config_map(policy.lower()))
        answer = await web.ok("DELETE", f"{MAPS}/{policy.lower()}", {"propagationPolicy": policy})
        assert answer["metadata"]["finalizers"] == [finalizer]
    await web.ok("POST", MAPS, config_map("background"))
    answer = await web.ok("DELETE", f"{MAPS}/background", {"propagationPolicy": "Background"})
    assert answer["kind"] == "Status"
    refused = await web("DELETE", f"{MAPS}/orphan", {"propagationPolicy": "Sometimes"})
    assert refused.status == 422
    assert "propagationPolicy: Unsupported value" in refused.message


async def test_pods_on_a_node_are_given_grace_and_the_kubelet_ends_it(web: Web) -> None:
    obj = pod("one")
    obj["spec"]["nodeName"] = "n1"
    await web.ok("POST", PODS, obj)
    answer = await web.ok("DELETE", f"{PODS}/one", {"gracePeriodSeconds": 60})
    assert answer["metadata"]["deletionGracePeriodSeconds"] == 60
    shorter = await web.ok("DELETE", f"{PODS}/one", {"gracePeriodSeconds": 5})
    assert shorter["metadata"]["deletionGracePeriodSeconds"] == 5
    longer = await web.ok("DELETE", f"{PODS}/one", {"gracePeriodSeconds": 50})
    assert longer["metadata"]["deletionGracePeriodSeconds"] == 5
    gone = await web.ok("DELETE", f"{PODS}/one?gracePeriodSeconds=0")
    assert gone["kind"] == "Pod"
    assert (await web("GET", f"{PODS}/one")).status == 404


async def test_who_deletes_jobs_is_warned_that_their_pods_stay(web: Web) -> None:
    jobs = "/apis/batch/v1/namespaces/default/jobs"
    for path, policy, warned in (
        (jobs, None, True),
        (f"{jobs}/none", None, True),
        (jobs, "Orphan", False),
        (MAPS, None, False),
    ):
        query = f"{path}?dryRun=All" + (f"&propagationPolicy={policy}" if policy else "")
        warning = (await web("DELETE", query)).headers.get("Warning", "")
        assert ("child pods are preserved by default" in warning) == warned, path


async def test_collection_is_deleted_by_selector(web: Web) -> None:
    for number in range(4):
        obj = config_map(f"c{number}")
        obj["metadata"]["labels"] = {"parity": "even" if number % 2 == 0 else "odd"}
        await web.ok("POST", MAPS, obj)
    revision = (await web.ok("GET", MAPS))["metadata"]["resourceVersion"]
    added = config_map("later")
    added["metadata"]["labels"] = {"parity": "even"}
    await web.ok("POST", MAPS, added)
    # With options in the body: a version in the query would else be a precondition, too.
    options = {"kind": "DeleteOptions", "apiVersion": "v1", "dryRun": ["All"]}
    exact = await web.ok("DELETE", f"{MAPS}?labelSelector=parity%3Deven&resourceVersion={revision}", options)
    assert [item["metadata"]["name"] for item in exact["items"]] == ["c0", "c2"]
    await web.ok("DELETE", f"{MAPS}/later")
    deleted = await web.ok("DELETE", f"{MAPS}?labelSelector=parity%3Deven")
    assert [item["metadata"]["name"] for item in deleted["items"]] == ["c0", "c2"]
    left = await web.ok("GET", f"{MAPS}?labelSelector=parity")
    assert [item["metadata"]["name"] for item in left["items"]] == ["c1", "c3"]


async def test_namespaces_end_in_two_steps(web: Web) -> None:
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "short"}}
    made = await web.ok("POST", "/api/v1/namespaces", namespace)
    assert made["spec"]["finalizers"] == ["kubernetes"]
    assert made["status"]["phase"] == "Active"
    assert made["metadata"]["labels"] == {"kubernetes.io/metadata.name": "short"}
    ending = await web.ok("DELETE", "/api/v1/namespaces/short")
    assert ending["status"]["phase"] == "Terminating"
    refused = await web("POST", "/api/v1/namespaces/short/configmaps", config_map("one"))
    assert refused.status == 403
    assert "unable to create new content in namespace short because it is being terminated" in refused.message
    assert refused.json["details"]["causes"][0]["reason"] == "NamespaceTerminating"
    ending["spec"]["finalizers"] = []
    await web.ok("PUT", "/api/v1/namespaces/short/finalize", ending)
    assert (await web("GET", "/api/v1/namespaces/short")).status == 404


async def test_system_namespaces_stay(web: Web) -> None:
    refused = await web("DELETE", "/api/v1/namespaces/kube-system")
    assert refused.status == 403
    assert refused.message == 'namespaces "kube-system" is forbidden: this namespace may not be deleted'
