"""What requests ask for, by upstream's table."""

import pytest

from pynetes.apiserver.requestinfo import request_info


@pytest.mark.parametrize(
    ("method", "path", "verb", "group", "namespace", "resource", "subresource", "name"),
    [
        ("GET", "/api/v1/namespaces", "list", "", "", "namespaces", "", ""),
        ("GET", "/api/v1/namespaces/other", "get", "", "other", "namespaces", "", "other"),
        ("GET", "/api/v1/namespaces/other/pods", "list", "", "other", "pods", "", ""),
        ("GET", "/api/v1/namespaces/other/pods/foo", "get", "", "other", "pods", "", "foo"),
        ("HEAD", "/api/v1/namespaces/other/pods/foo", "get", "", "other", "pods", "", "foo"),
        ("GET", "/api/v1/pods", "list", "", "", "pods", "", ""),
        ("GET", "/api/v1/nodes/n1", "get", "", "", "nodes", "", "n1"),
        ("PUT", "/api/v1/namespaces/other/finalize", "update", "", "other", "namespaces", "finalize", "other"),
        ("PATCH", "/api/v1/namespaces/other/status", "patch", "", "other", "namespaces", "status", "other"),
        ("GET", "/api/v1/watch/pods", "watch", "", "", "pods", "", ""),
        ("GET", "/api/v1/watch/namespaces/other/pods/foo", "watch", "", "other", "pods", "", "foo"),
        ("POST", "/apis/apps/v1/namespaces/x/deployments", "create", "apps", "x", "deployments", "", ""),
        ("DELETE", "/apis/apps/v1/namespaces/x/deployments", "deletecollection", "apps", "x", "deployments", "", ""),
        ("DELETE", "/apis/apps/v1/namespaces/x/deployments/d", "delete", "apps", "x", "deployments", "", "d"),
        ("GET", "/api/v1/namespaces/x/pods/p/log", "get", "", "x", "pods", "log", "p"),
        ("POST", "/api/v1/namespaces/x/pods/p/exec", "create", "", "x", "pods", "exec", "p"),
        ("GET", "/api/v1/nodes/n1/proxy/stats/summary", "get", "", "", "nodes", "proxy", "n1"),
    ],
)
def test_resource_requests(
    method: str, path: str, verb: str, group: str, namespace: str, resource: str, subresource: str, name: str
) -> None:
    info = request_info(method, path, {})
    assert info.is_resource
    found = (info.verb, info.group, info.namespace, info.resource, info.subresource, info.name)
    assert found == (verb, group, namespace, resource, subresource, name)


@pytest.mark.parametrize(
    "path", ["/", "/version", "/api", "/api/v1", "/apis", "/apis/apps", "/apis/apps/v1", "/healthz"]
)
def test_other_paths_are_no_resources(path: str) -> None:
    info = request_info("GET", path, {})
    assert (info.is_resource, info.verb, info.path) == (False, "get", path)


def test_queries_make_lists_watches_and_names() -> None:
    assert request_info("GET", "/api/v1/pods", {"watch": ["1"]}).verb == "watch"
    assert request_info("GET", "/api/v1/pods", {"watch": ["false"]}).verb == "list"
    named = request_info("GET", "/api/v1/namespaces/x/pods", {"fieldSelector": ["metadata.name=foo"]})
    assert (named.verb, named.name) == ("list", "foo")
