"""exec, attach and port-forward: the runtime gives a one-time URL, the caller's connection is joined to it."""

from collections.abc import Awaitable, Iterable

from aiohttp import web
from multidict import MultiMapping

from pynetes.kubelet.cri import runtime_pb2 as pb
from pynetes.kubelet.cri.channel import CRIError
from pynetes.kubelet.cri.runtime import RuntimeService
from pynetes.kubelet.runtime import labels
from pynetes.kubelet.server.host import Host
from pynetes.kubelet.server.relay import RelayError, relay


class _Options:
    """Which streams the caller wants."""

    def __init__(self, query: MultiMapping[str]) -> None:
        self.stdin = query.get("input") == "1"
        self.stdout = query.get("output") == "1"
        self.tty = query.get("tty") == "1"
        # A terminal has one output: standard error is in it.
        self.stderr = query.get("error") == "1" and not self.tty
        if not (self.stdin or self.stdout or self.stderr):
            raise web.HTTPBadRequest(text="you must specify at least 1 of stdin, stdout, stderr")


class StreamEndpoints:
    def __init__(self, host: Host, runtime: RuntimeService) -> None:
        self._host, self._runtime = host, runtime

    def routes(self) -> Iterable[web.RouteDef]:
        container = ("/{namespace}/{pod}/{container}", "/{namespace}/{pod}/{uid}/{container}")
        for path in container:
            yield web.route("*", f"/exec{path}", self.exec)
            yield web.route("*", f"/attach{path}", self.attach)
            yield web.post(f"/run{path}", self.run)
        for path in ("/{namespace}/{pod}", "/{namespace}/{pod}/{uid}"):
            yield web.route("*", f"/portForward{path}", self.port_forward)

    async def exec(self, request: web.Request) -> web.StreamResponse:
        options, container_id = _Options(request.query), await self._container(request)
        url = await _ask(
            self._runtime.exec(
                container_id,
                request.query.getall("command", []),
                tty=options.tty,
                stdin=options.stdin,
                stdout=options.stdout,
                stderr=options.stderr,
            )
        )
        return await _relay(request, url)

    async def attach(self, request: web.Request) -> web.StreamResponse:
        options, container_id = _Options(request.query), await self._container(request)
        url = await _ask(
            self._runtime.attach(
                container_id, tty=options.tty, stdin=options.stdin, stdout=options.stdout, stderr=options.stderr
            )
        )
        return await _relay(request, url)

    async def port_forward(self, request: web.Request) -> web.StreamResponse:
        uid = self._pod_uid(request)
        ready = pb.PodSandboxStateValue(state=pb.SANDBOX_READY)
        found = await self._runtime.list_pod_sandboxes(
            pb.PodSandboxFilter(label_selector={labels.POD_UID: uid}, state=ready)
        )
        if not found:
            name = f"{request.match_info['pod']}_{request.match_info['namespace']}"
            raise web.HTTPInternalServerError(text=f'pod not found ("{name}")')
        newest = max(found, key=lambda sandbox: sandbox.created_at)
        ports = [int(port) for port in request.query.getall("port", []) if port.isdigit()]
        return await _relay(request, await _ask(self._runtime.port_forward(newest.id, ports)))

    async def run(self, request: web.Request) -> web.StreamResponse:
        """A command to its end; standard output and error in one answer."""
        container_id = await self._container(request)
        try:
            done = await self._runtime.exec_sync(container_id, request.query.get("cmd", "").split(" "))
        except CRIError as error:
            raise web.HTTPInternalServerError(text=str(error)) from None
        output = done.stdout + done.stderr
        if done.exit_code:
            raise web.HTTPInternalServerError(
                text=f"command '{request.query.get('cmd', '')}' exited with {done.exit_code}: "
                + output.decode(errors="replace")
            )
        return web.Response(body=output, content_type="application/json")

    def _pod_uid(self, request: web.Request) -> str:
        pod = self._host.pod(request.match_info["namespace"], request.match_info["pod"])
        if pod is None:
            raise web.HTTPNotFound(text="pod does not exist")
        uid, wanted = str(pod["metadata"]["uid"]), request.match_info.get("uid", "")
        if wanted and wanted != uid:
            raise web.HTTPNotFound(text="pod not found")
        return uid

    async def _container(self, request: web.Request) -> str:
        """The running container's id."""
        name = request.match_info["container"]
        selector = {labels.POD_UID: self._pod_uid(request), labels.CONTAINER_NAME: name}
        running = pb.ContainerStateValue(state=pb.CONTAINER_RUNNING)
        found = await self._runtime.list_containers(pb.ContainerFilter(label_selector=selector, state=running))
        if not found:
            raise web.HTTPInternalServerError(text=f'container not found ("{name}")')
        return max(found, key=lambda container: container.created_at).id


async def _ask(call: Awaitable[str]) -> str:
    try:
        return await call
    except CRIError as error:
        raise web.HTTPInternalServerError(text=str(error)) from None


async def _relay(request: web.Request, url: str) -> web.StreamResponse:
    if "upgrade" not in request.headers.get("Connection", "").lower():
        raise web.HTTPBadRequest(text="Upgrade request required")
    try:
        return await relay(request, url)
    except RelayError as error:
        raise web.HTTPInternalServerError(text=str(error)) from None
