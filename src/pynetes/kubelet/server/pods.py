"""`/pods` and `/runningpods`: what this node should run, and what it does."""

from collections.abc import Iterable
from typing import Any

import orjson
from aiohttp import web

from pynetes.kubelet.cri import runtime_pb2 as pb
from pynetes.kubelet.cri.runtime import RuntimeService
from pynetes.kubelet.runtime import labels
from pynetes.kubelet.server.host import Host


class PodEndpoints:
    def __init__(self, host: Host, runtime: RuntimeService) -> None:
        self._host, self._runtime = host, runtime

    def routes(self) -> Iterable[web.RouteDef]:
        for path in ("/pods", "/pods/"):
            yield web.get(path, self.pods)
        for path in ("/runningpods", "/runningpods/"):
            yield web.get(path, self.running)

    async def pods(self, request: web.Request) -> web.Response:
        return _pod_list([_bare(pod) for pod in self._host.pods()])

    async def running(self, request: web.Request) -> web.Response:
        state = pb.ContainerStateValue(state=pb.CONTAINER_RUNNING)
        found: dict[str, dict[str, Any]] = {}
        for container in await self._runtime.list_containers(pb.ContainerFilter(state=state)):
            uid = container.labels.get(labels.POD_UID, "")
            metadata = {
                "name": container.labels.get(labels.POD_NAME, ""),
                "namespace": container.labels.get(labels.POD_NAMESPACE, ""),
                "uid": uid,
            }
            pod = found.setdefault(uid, {"metadata": metadata, "spec": {"containers": []}, "status": {}})
            pod["spec"]["containers"].append(
                {"name": container.metadata.name, "image": container.image_ref, "resources": {}}
            )
        return _pod_list(list(found.values()))


def _bare(pod: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in pod.items() if key not in ("apiVersion", "kind")}


def _pod_list(items: list[dict[str, Any]]) -> web.Response:
    body = {"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": items}
    return web.Response(body=orjson.dumps(body), content_type="application/json")
