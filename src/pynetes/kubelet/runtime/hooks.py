"""Lifecycle handlers: what postStart and preStop do."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import aiohttp

from pynetes.component import clock
from pynetes.kubelet import pod as pods
from pynetes.kubelet.cri.channel import CRIError
from pynetes.kubelet.cri.runtime import RuntimeService
from pynetes.kubelet.events import PodEvents
from pynetes.kubelet.probes.http import HTTPProber, Request, build_request, explain
from pynetes.kubelet.probes.outcome import ProbeError


class HookError(Exception):
    """The handler failed. The text may show output of the container: for its status, never for an event."""


class HookRunner:
    """`pod_ips(uid)` asks the runtime for the pod's addresses."""

    def __init__(
        self,
        runtime: RuntimeService,
        http: HTTPProber,
        events: PodEvents,
        pod_ips: Callable[[str], Awaitable[list[str]]],
    ) -> None:
        self._runtime, self._http, self._events, self._pod_ips = runtime, http, events, pod_ips

    async def run(
        self, pod: Mapping[str, Any], container: Mapping[str, Any], container_id: str, handler: Mapping[str, Any]
    ) -> None:
        """Raises HookError."""
        where = f'for Container "{container["name"]}" in Pod "{pods.describe(pod)}" failed - error:'
        if action := handler.get("exec"):
            await self._exec(container_id, action.get("command") or [], where)
        elif action := handler.get("httpGet"):
            try:
                await self._http_get(pod, container, action)
            except (ProbeError, OSError, TimeoutError, aiohttp.ClientError, CRIError) as error:
                path = action.get("path") or "/"
                raise HookError(f"HTTP lifecycle hook ({path}) {where} {error}") from None
        elif action := handler.get("sleep"):
            await clock.sleep(float(action["seconds"]))
        else:
            # tcpSocket is in the API and has never been a hook.
            raise HookError(f"Cannot run handler: invalid handler: {dict(handler)}")

    async def _exec(self, container_id: str, command: list[str], where: str) -> None:
        shown = f"Exec lifecycle hook ([{' '.join(command)}])"
        try:
            answer = await self._runtime.exec_sync(container_id, command)
        except CRIError as error:
            raise HookError(f'{shown} {where} {error}, message: ""') from None
        if answer.exit_code:
            output = (answer.stdout + answer.stderr).decode(errors="replace").replace("\n", "\\n")
            why = f"command '{' '.join(command)}' exited with {answer.exit_code}: {output}"
            raise HookError(f'{shown} {where} {why}, message: "{output}"')

    async def _http_get(self, pod: Mapping[str, Any], container: Mapping[str, Any], action: Mapping[str, Any]) -> None:
        """Any answer is good, whatever its status."""
        ip = ""
        if not action.get("host"):
            ips = await self._pod_ips(pods.uid(pod))
            if not ips:
                raise ProbeError("failed to find networking container")
            ip = ips[0]
        request = build_request(action, container, ip, "lifecycle")
        try:
            await self._http.get(request, None)
        except aiohttp.ClientConnectorSSLError:
            await self._plain_instead(pod, request)
        except (OSError, aiohttp.ClientError) as error:
            authority = request.url.split("/")[2]
            raise ProbeError(f'Get "{request.url}": {explain(error, authority)}') from None

    async def _plain_instead(self, pod: Mapping[str, Any], request: Request) -> None:
        """An HTTPS hook whose server speaks HTTP: tried without TLS and without credentials, as upstream does."""
        headers = tuple(h for h in request.headers if h[0].lower() != "authorization")
        await self._http.get(Request(request.url.replace("https://", "http://", 1), headers), None)
        host = request.url.split("/")[2]
        message = f"request to HTTPS lifecycle hook {host} got HTTP response, retry with HTTP succeeded"
        self._events.pod(pod, "Warning", "LifecycleHTTPFallback", message)


async def run_within(seconds: float, work: Awaitable[None]) -> bool:
    """Runs `work`; False when it did not end in time."""
    try:
        async with asyncio.timeout(seconds):
            await work
    except TimeoutError:
        return False
    return True
