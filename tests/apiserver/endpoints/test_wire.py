"""Small print of the protocol, as the original has it: one server, many requests."""

import pytest

from tests.apiserver.endpoints.conftest import Web, config_map, pod

pytestmark = pytest.mark.parametrize("server", ["memory"], indirect=True)

MAPS = "/api/v1/namespaces/default/configmaps"
UID = "11111111-1111-1111-1111-111111111111"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"


async def test_items_of_typed_lists_leave_their_type_out(web: Web) -> None:
    await web.ok("POST", MAPS, config_map("one"))
    plain = await web.ok("GET", MAPS)
    pretty = await web.ok("GET", f"{MAPS}?pretty=1")
    assert plain["items"] == pretty["items"]
    assert [sorted(item) for item in plain["items"]] == [["metadata"]]
    assert (await web.ok("GET", f"{MAPS}/one"))["kind"] == "ConfigMap"
    table = "application/json;as=Table;v=v1;g=meta.k8s.io"
    assert (await web("GET", f"{MAPS}?labelSelector=a", accept=table)).json["rows"] == []
    roles = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles"
    assert (await web("GET", roles, accept=table)).json["rows"] is None


PATHS = [
    ("POST", "/healthz", 200, "ok"),
    ("GET", "/healthz/", 404, "404 page not found\n"),
    ("GET", "/livez/log", 200, "ok"),
    ("GET", "/readyz/etcd-readiness", 200, "ok"),
    ("GET", "/livez/poststarthook/crd-informer-synced", 200, "ok"),
    ("GET", "/readyz/autoregister-completion", 200, "ok"),
    ("GET", "/livez/nothing", 404, "404 page not found\n"),
    ("DELETE", "/apis", 200, '{"kind":"APIGroupList"'),
    ("GET", "/apis/", 200, '{"kind":"APIGroupList"'),
    ("GET", "/apis//", 404, ""),
    ("POST", "/apis/apps/v1", 405, '{"kind":"Status"'),
    ("GET", "/api/v1/", 200, '{"kind":"APIResourceList","groupVersion":"v1"'),
    ("GET", "/version/x", 404, '{"kind":"Status"'),
    ("GET", "/index.html", 200, '{\n  "paths"'),
    ("GET", "/openapi/v3/nothing", 404, ""),
    ("GET", "/api/v1/watch", 500, 'Internal Server Error: "/api/v1/watch": failed to create RequestInfo'),
    ("GET", "/api/v1/watch/nothing", 404, '{"kind":"Status"'),
    ("POST", "/api/v1/watch/pods", 405, '{"kind":"Status"'),
    ("GET", "/api/v1/bindings", 404, '{"kind":"Status"'),
    ("GET", "/api/v1/namespaces/default/bindings", 405, '{"kind":"Status"'),
    ("GET", "/api/v1/namespaces/default/bindings/a", 404, '{"kind":"Status"'),
    ("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews/a", 404, '{"kind":"Status"'),
    ("GET", "/api/v1/namespaces/default/namespaces/default", 404, '{"kind":"Status"'),
]


async def test_paths_and_methods(web: Web) -> None:
    for method, path, status, start in PATHS:
        answer = await web(method, path)
        assert (answer.status, answer.body.decode()[: len(start)]) == (status, start), path
        assert "X-Kubernetes-Pf-Flowschema-Uid" in answer.headers or status == 500, path
    listed = (await web.ok("GET", "/"))["paths"]
    assert {"/livez/etcd", "/readyz/shutdown", "/apis/", "/openapi/v3/"} <= set(listed)
    assert not {"/", "/index.html"} & set(listed)


READS = [
    (f"{MAPS}?continue=xx!&resourceVersion=abc", 400, "illegal base64 data at input byte 2"),
    (
        f"{MAPS}?continue=TOKEN&resourceVersion=abc",
        400,
        "resource version is not allowed when using continue",
    ),
    (f"{MAPS}?resourceVersion=99999999999999999999", 400, "value out of range"),
    (f"{MAPS}/one?resourceVersion=abc", 500, 'resourceVersion: Invalid value: "abc"'),
    (f"{MAPS}?watch=1&resourceVersion=abc", 500, 'resourceVersion: Invalid value: "abc"'),
    (f"{MAPS}?watch=1&continue=x", 422, "resourceVersionMatch is forbidden when continue is provided"),
    ("/apis/batch/v1/jobs?fieldSelector=type%3Dx", 400, 'field label "type" not supported for Job'),
    ("/api/v1/namespaces?fieldSelector=name%3Dx", 400, "field label not supported: name"),
    (
        "/apis/certificates.k8s.io/v1/certificatesigningrequests?fieldSelector=metadata.namespace%3Dx",
        400,
        "field label not supported: metadata.namespace",
    ),
    ("/api/v1/componentstatuses?watch=1", 405, 'watch is not supported on resources of kind "componentstatuses"'),
    ("/api/v1/persistentvolumes?fieldSelector=name%3Dx", 400, '"name" is not a known field selector'),
    ("/api/v1/componentstatuses?fieldSelector=type%3Dx", 400, '"type" is not a known field selector'),
    ("/apis/apps/v1/replicasets?fieldSelector=status.replicas%3D1", 400, "is not a known field selector"),
]


async def test_reads_that_are_refused(web: Web) -> None:
    for name in ("one", "two"):
        await web.ok("POST", MAPS, config_map(name))
    first = await web.ok("GET", f"{MAPS}?limit=1")
    token, revision = first["metadata"]["continue"], first["metadata"]["resourceVersion"]
    for path, status, text in READS:
        refused = await web("GET", path.replace("TOKEN", token))
        assert refused.status == status, refused.body
        assert text in refused.message
    await web.ok("DELETE", f"{MAPS}/two")
    now = await web.ok("GET", f"{MAPS}?limit=5&resourceVersion={revision}&resourceVersionMatch=NotOlderThan")
    assert [item["metadata"]["name"] for item in now["items"]] == ["one"]
    assert len((await web.ok("GET", f"{MAPS}?limit=-1"))["items"]) == 1


OWNER = {"apiVersion": "v1", "kind": "Pod", "name": "a", "uid": "1"}
CREATES = [
    ({"resourceVersion": "5"}, 500, "resourceVersion should not be set on objects to be created"),
    ({"ownerReferences": [{**OWNER, "apiVersion": "a/b/c"}]}, 422, "version must not be empty"),
    ({"ownerReferences": [OWNER, OWNER]}, 201, ""),
]
PATCHES = [
    (MERGE, {"kind": "Secret"}, 422, "converting (v1.Secret) to (core.ConfigMap): unknown conversion"),
    (MERGE, {"apiVersion": "v2"}, 422, 'no kind "ConfigMap" is registered for version "v2" in scheme'),
    (MERGE, {"kind": 3}, 422, "json: cannot unmarshal number into Go struct field .kind of type string"),
    (MERGE, {"kind": None}, 200, ""),
    (STRATEGIC, {"kind": "Secret", "apiVersion": "v2"}, 200, ""),
    (MERGE, {"metadata": {"uid": UID}}, 422, f'metadata.uid: Invalid value: "{UID}": field is immutable'),
    (MERGE, {"metadata": {"resourceVersion": "abc"}}, 500, 'strconv.ParseUint: parsing "abc": invalid syntax'),
    (MERGE, {"metadata": {"finalizers": ["bad"]}}, 422, "name is neither a standard finalizer name nor is it fully"),
    (MERGE, {"metadata": {"zz": 1}, "foo": 1}, 200, ""),
]
DELETES = [
    (b"[]", 400, "json: cannot unmarshal array into Go value of type struct { APIVersion string"),
    (b'{"kind":"ConfigMap","apiVersion":"v1"}', 400, 'no kind "ConfigMap" is registered for version "v1" in scheme'),
    (b'{"gracePeriodSeconds":1.5}', 400, "cannot unmarshal number 1.5 into Go struct field DeleteOptions.gracePeriod"),
    (b'{"propagationPolicy":3}', 400, "DeleteOptions.propagationPolicy of type v1.DeletionPropagation"),
    (b"null", 404, 'configmaps "none" not found'),
]


async def test_writes(web: Web) -> None:
    for number, (metadata, status, text) in enumerate(CREATES):
        made = await web("POST", MAPS, {"metadata": {"name": f"c{number}", **metadata}})
        assert made.status == status, made.body
        assert text in made.json.get("message", "")
    assert "duplicate UID(s) observed: 1" in made.headers["Warning"]
    assert made.json["metadata"]["ownerReferences"] == [OWNER]

    await web.ok("POST", MAPS, config_map("one"))
    for kind, patch, status, text in PATCHES:
        answer = await web("PATCH", f"{MAPS}/one", patch, type=kind)
        assert answer.status == status, answer.body
        assert text in answer.json.get("message", "")
    assert (answer.json["kind"], answer.json["apiVersion"]) == ("ConfigMap", "v1")
    assert answer.headers.getall("Warning") == [
        '299 - "unknown field \\"foo\\""',
        '299 - "unknown field \\"metadata.zz\\""',
    ]

    for body, status, text in DELETES:
        refused = await web("DELETE", f"{MAPS}/none", body)
        assert (refused.status, text in refused.message) == (status, True), refused.body

    meant = {"metadata": {"name": "lease", "uid": UID}, "spec": {}}
    lease = await web("PUT", "/apis/coordination.k8s.io/v1/namespaces/default/leases/lease", meant)
    assert lease.status == 409
    assert f"Precondition failed: UID in precondition: {UID}, UID in object meta: " in lease.message


async def test_what_yaml_says_twice_is_told_line_by_line(web: Web) -> None:
    text = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, foo: 1}\ndata: {a: b}\nbar: {}\ndata: {c: d}\n"
    made = await web("POST", f"{MAPS}?dryRun=All", text, type="application/yaml")
    assert made.headers.getall("Warning") == [
        '299 - "line 6: key \\"data\\" already set in map"',
        '299 - "unknown field \\"bar\\""',
        '299 - "unknown field \\"metadata.foo\\""',
    ]


MERGED = b'{"foo":1,"data":{"a":"1","a":"3"},"metadata":{"zz":1}}'
OPERATION = b'[{"op":"add","path":"/foo","value":1,"x":2},{"op":"add","path":"/metadata/zz","value":1}]'
UNKNOWN = 'unknown field "foo", unknown field "metadata.zz"'
STRICT = [
    (MERGE, MERGED, f'duplicate field "data.a", {UNKNOWN}', '"foo\\":1'),
    (STRATEGIC, MERGED, f'duplicate field "data.a", {UNKNOWN}', '"map[data:map[a:3] foo:1 metadata:map[zz:1]]"'),
    ("application/json-patch+json", OPERATION, f'json patch unknown field "[0].x", {UNKNOWN}', '"foo\\":1'),
]


async def test_what_patches_say_twice_or_of_unknown_fields_is_told_together(web: Web) -> None:
    await web.ok("POST", MAPS, config_map("one"))
    for patch_type, body, told, shown in STRICT:
        refused = await web("PATCH", f"{MAPS}/one?fieldValidation=Strict", body, type=patch_type)
        assert refused.status == 422, refused.body
        assert f"strict decoding error: {told}" in refused.message
        assert shown in refused.message
        warned = await web("PATCH", f"{MAPS}/one?dryRun=All", body, type=patch_type)
        assert warned.status == 200
        texts = [value.removeprefix('299 - "')[:-1] for value in warned.headers.getall("Warning")]
        assert ", ".join(texts).replace('\\"', '"') == told
        twice = body.replace(b'"foo":1,', b"").replace(b',"metadata":{"zz":1}', b"")
        if patch_type == MERGE:
            refused = await web("PATCH", f"{MAPS}/one?fieldValidation=Strict", twice, type=patch_type)
            assert refused.message.endswith('strict decoding error: duplicate field "data.a"')


async def test_pods_may_not_choose_another_preemption_policy_than_their_classs(web: Web) -> None:
    made = pod("one")
    made["spec"]["preemptionPolicy"] = "Never"
    refused = await web("POST", "/api/v1/namespaces/default/pods", made)
    assert refused.status == 403
    assert "the string value of PreemptionPolicy (Never) must not be provided in pod spec" in refused.message
