"""log, exec, attach, portforward and proxy: answered by kubelets, pods and services behind this server."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from pynetes.apimachinery.errors import bad_request, method_not_allowed
from pynetes.apimachinery.gvk import GroupVersionKind, GroupVersionResource
from pynetes.apis.names import NODES, PODS, SERVICES
from pynetes.apiserver.authentication.user import ANONYMOUS_USER
from pynetes.apiserver.authorization.attributes import require_verb
from pynetes.apiserver.endpoints.scope import Backend, context_of
from pynetes.apiserver.http import Answer, Handler, Request
from pynetes.apiserver.streaming.exec import Exec
from pynetes.apiserver.streaming.kubelet import KubeletClient
from pynetes.apiserver.streaming.log import Log
from pynetes.apiserver.streaming.portforward import PortForward
from pynetes.apiserver.streaming.proxy import Proxy

#: Serves one (request, namespace, name).
Serve = Callable[[Request, str, str], Awaitable[Answer]]
_STREAMS = ("PodExecOptions", "PodAttachOptions")
#: A method that is no verb of the API (OPTIONS) has the verb "".
_PROXY_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
_PROXY_VERBS = ("", "create", "delete", "get", "patch", "update")


def handlers(backend: Backend, kubelets: KubeletClient) -> dict[tuple[str, str, str], Mapping[str, Handler]]:
    """By group, resource and subresource: verb → handler."""
    objects = backend.registry
    log = Log(objects, kubelets, streams=backend.config.feature_gates.get("PodLogsQuerySplitStreams", False))
    execs, forwards, proxies = Exec(objects, kubelets), PortForward(objects, kubelets), Proxy(objects, kubelets)

    async def node_proxy(request: Request, namespace: str, name: str) -> Answer:
        return await proxies.node(request, name)

    def connect(gvr: GroupVersionResource, kind: str, subresource: str, serve: Serve) -> Handler:
        return _admitted(backend, gvr, GroupVersionKind("", "v1", kind), subresource, serve)

    def both(subresource: str, kind: str, serve: Serve) -> Mapping[str, Handler]:
        return dict.fromkeys(("get", "create"), connect(PODS, kind, subresource, _creating(backend, serve)))

    def proxy(gvr: GroupVersionResource, kind: str, serve: Serve) -> Mapping[str, Handler]:
        connected = connect(gvr, kind, "proxy", serve)

        async def handle(request: Request) -> Answer:
            if request.method not in _PROXY_METHODS:
                raise method_not_allowed()
            return await connected(request)

        return dict.fromkeys(_PROXY_VERBS, handle)

    return {
        ("", "pods", "log"): {"get": _plain(log.get)},
        ("", "pods", "exec"): both("exec", "PodExecOptions", execs.exec),
        ("", "pods", "attach"): both("attach", "PodAttachOptions", execs.attach),
        ("", "pods", "portforward"): both("portforward", "PodPortForwardOptions", forwards.connect),
        ("", "pods", "proxy"): proxy(PODS, "PodProxyOptions", proxies.pod),
        ("", "services", "proxy"): proxy(SERVICES, "ServiceProxyOptions", proxies.service),
        ("", "nodes", "proxy"): proxy(NODES, "NodeProxyOptions", node_proxy),
    }


def _plain(serve: Serve) -> Handler:
    async def handle(request: Request) -> Answer:
        info = request.info
        assert info is not None
        return await serve(request, info.namespace, info.name)

    return handle


def _creating(backend: Backend, serve: Serve) -> Serve:
    """WebSocket clients come with GET; upstream wants them to be allowed to create nevertheless."""

    async def handle(request: Request, namespace: str, name: str) -> Answer:
        assert request.info is not None
        await require_verb(backend.authorizer, request.user or ANONYMOUS_USER, request.info, request.query, "create")
        return await serve(request, namespace, name)

    return handle


def options(request: Request, kind: str) -> dict[str, Any]:
    """What admission sees of a request: the fields of its options, without those that are empty."""
    made: dict[str, Any] = {}
    if kind in _STREAMS:
        made = {name: True for name in ("stdin", "stdout", "stderr", "tty") if request.flag(name)}
        if request.param("container"):
            made["container"] = request.param("container")
        if kind == "PodExecOptions" and request.query.get("command"):
            made["command"] = list(request.query["command"])
    elif kind == "PodPortForwardOptions":
        ports = [_port(text) for texts in request.query.get("ports", ()) for text in texts.split(",")]
        made = {"ports": ports} if ports else {}
    elif _path(request):
        made = {"path": _path(request)}
    return made


def _path(request: Request) -> str:
    """What follows `…/proxy` in the path."""
    info = request.info
    assert info is not None
    path = "/".join(info.parts[3:])
    path = f"/{path}" if path else ""
    return f"{path}/" if info.path.endswith("/") else path


def _port(text: str) -> int:
    is_number = text.isascii() and text.isdigit()
    if not is_number or int(text) >= 1 << 16:
        why = "value out of range" if is_number else "invalid syntax"
        raise bad_request(f'cannot convert to []int32: strconv.ParseUint: parsing "{text}": {why}')
    return int(text)


def _admitted(
    backend: Backend, gvr: GroupVersionResource, kind: GroupVersionKind, subresource: str, serve: Serve
) -> Handler:
    async def handle(request: Request) -> Answer:
        info = request.info
        assert info is not None
        if "dryRun" in request.query:
            raise bad_request("dryRun is not supported")
        ctx = context_of(backend, request, gvr, kind, subresource)
        asked = {"kind": kind.kind, "apiVersion": kind.api_version, **options(request, kind.kind)}
        await ctx.admit("CONNECT", info.namespace, info.name, asked, None)
        await ctx.validate("CONNECT", info.namespace, info.name, asked, None)
        return await serve(request, info.namespace, info.name)

    return handle
