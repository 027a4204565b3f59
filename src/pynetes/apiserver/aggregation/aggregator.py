"""Follows the APIServices: what has a Service is proxied, watched over, and told of in discovery and OpenAPI."""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Any

import aiohttp
from msgspec import Struct, field

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.times import format_time
from pynetes.apis.names import API_SERVICES, ENDPOINT_SLICES, SERVICES
from pynetes.apiserver.aggregation import discovery, measures, openapi
from pynetes.apiserver.aggregation.availability import (
    PASSED,
    Verdict,
    changed,
    failed_check,
    is_available,
    judge_service,
)
from pynetes.apiserver.aggregation.connection import Connections, TrustError
from pynetes.apiserver.aggregation.extension import Extension, Unresolvable
from pynetes.apiserver.aggregation.proxy import forward
from pynetes.apiserver.endpoints.discovery import Discovery, Elsewhere
from pynetes.apiserver.endpoints.openapi import Described, OpenAPI
from pynetes.apiserver.endpoints.router import Router
from pynetes.apiserver.http import Answer, Request
from pynetes.apiserver.objects import Change, ObjectReader
from pynetes.apiserver.streaming.kubelet import describe
from pynetes.client.rest import Client
from pynetes.component import clock
from pynetes.component.tasks import Tasks

log = logging.getLogger(__name__)

Object = dict[str, Any]

#: How often an extension is looked at anew, and how soon after it failed.
_PERIOD = 30.0
_FIRST_RETRY = 0.5
#: A Service may have several servers behind it, of which some may fail.
_ATTEMPTS = 5
_SERVICE_LABEL = "kubernetes.io/service-name"
_FAILURES = (aiohttp.ClientError, OSError, ValueError, TimeoutError, Unresolvable, TrustError, discovery.DiscoveryError)


class _Served(Struct):
    """One extension as it is known just now."""

    extension: Extension
    available: bool
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    resources: list[Object] = field(default_factory=list)
    current: bool = False
    documents: openapi.Documents = field(default_factory=openapi.Documents)
    task: "asyncio.Task[None] | None" = None


class Aggregator:
    """To be told of every change by `observe…`; `ready` tells whether this server may judge others yet."""

    def __init__(
        self,
        objects: ObjectReader,
        client: Client,
        connections: Connections,
        router: Router,
        discovered: Discovery,
        documents: OpenAPI,
        ready: Callable[[], bool],
        tasks: Tasks,
    ) -> None:
        self._objects = objects
        self._client = client
        self._connections = connections
        self._router = router
        self._discovery = discovered
        self._documents = documents
        self._ready = ready
        self._tasks = tasks
        self._served: dict[str, _Served] = {}

    # --- what is told

    def observe(self, change: Change, api_service: Object) -> None:
        """An APIService came, changed or went."""
        measures.observe(change, api_service)
        name = meta.name(api_service)
        extension = None if change == "DELETED" else Extension.of(api_service)
        served = self._served.get(name)
        if served is not None and served.extension == extension:
            if served.available != is_available(api_service):
                served.available = not served.available
                served.wake.set()
            return
        if served is not None:
            self._withdraw(name)
        if extension is not None:
            self._serve(extension, is_available(api_service))
        if served is not None or extension is not None:
            self._publish()

    def observe_service(self, change: Change, service: Object) -> None:
        self._touch(meta.namespace(service) or "", meta.name(service))

    def observe_slice(self, change: Change, found: Object) -> None:
        name = (found["metadata"].get("labels") or {}).get(_SERVICE_LABEL) or ""
        self._touch(meta.namespace(found) or "", name)

    def _touch(self, namespace: str, service: str) -> None:
        for served in self._served.values():
            if (served.extension.namespace, served.extension.service) == (namespace, service):
                served.wake.set()

    # --- one extension

    def _serve(self, extension: Extension, available: bool) -> None:
        served = self._served[extension.name] = _Served(extension, available)
        self._router.elsewhere[extension.root] = partial(self._forward, served)
        served.task = self._tasks.start(self._keep(served), name=f"extension {extension.name}", crash=False)

    def _withdraw(self, name: str) -> None:
        served = self._served.pop(name)
        self._router.elsewhere.pop(served.extension.root, None)
        if served.task is not None:
            served.task.cancel()

    async def _forward(self, served: _Served, request: Request) -> Answer:
        return await forward(self._connections, served.extension, served.available, request)

    async def _keep(self, served: _Served) -> None:
        """Looks at the extension for ever: at once when something changed, soon when it failed, else now and then."""
        retry = _FIRST_RETRY
        while True:
            served.wake.clear()
            try:
                sound = await self._look(served)
            except Exception:
                # What an extension may answer is beyond counting; that one is looked after all the same.
                log.exception("extension %s", served.extension.name)
                sound = False
            try:
                async with asyncio.timeout(_PERIOD if sound else retry):
                    await served.wake.wait()
            except TimeoutError:
                pass
            retry = _FIRST_RETRY if sound else min(retry * 2, _PERIOD)

    async def _look(self, served: _Served) -> bool:
        """Whether all is well."""
        sound = await self._judge(served)
        before = (served.resources, served.current, served.documents)
        sound = await self._discover(served) and sound
        await self._describe(served)
        if (served.resources, served.current, served.documents) != before:
            self._publish()
        return sound

    async def _judge(self, served: _Served) -> bool:
        verdict = await self._verdict(served.extension)
        if verdict[1] == "FailedDiscoveryCheck" and not self._ready():
            return False  # the network may not be there before us
        present = self._objects.cached_get(API_SERVICES, served.extension.name)
        if present is None:
            return True
        wanted = changed(present, verdict, format_time(clock.now()))
        if wanted is not None:
            measures.judged(served.extension.name, verdict)
            try:
                await self._client.update_status(API_SERVICES, wanted)
            except StatusError as error:
                log.info("status of APIService %s: %s", served.extension.name, error)
                return False
        return verdict[0] == "True"

    async def _verdict(self, extension: Extension) -> Verdict:
        service = self._objects.cached_get(SERVICES, extension.service, extension.namespace)
        slices = [
            found
            for found in self._objects.cached_list(ENDPOINT_SLICES, extension.namespace)
            if (found["metadata"].get("labels") or {}).get(_SERVICE_LABEL) == extension.service
        ]
        wrong = judge_service(extension, service, slices)
        if wrong is not None:
            return wrong
        problems = await asyncio.gather(*(self._ask(extension) for _ in range(_ATTEMPTS)))
        return failed_check(problems[-1]) if all(problems) else PASSED

    async def _ask(self, extension: Extension) -> str:
        """What is wrong with the extension's discovery; empty if it answers."""
        try:
            url = f"https://{self._connections.target(extension).host_port}{extension.root}"
        except (Unresolvable, TrustError) as error:
            return str(error)
        try:
            answer = await self._connections.fetch(extension, extension.root, "application/json")
        except TimeoutError:
            return f'failing or missing response from {url}: Get "{url}": context deadline exceeded'
        except _FAILURES as error:
            return f'failing or missing response from {url}: Get "{url}": {describe(error)}'
        if not 200 <= answer.status < 300:
            return f"failing or missing response from {url}: bad status from {url}: {answer.status}"
        return ""

    async def _discover(self, served: _Served) -> bool:
        try:
            served.resources = await discovery.fetch(self._connections, served.extension)
            served.current = True
        except _FAILURES as error:
            log.info("discovery of %s: %s", served.extension.name, describe(error))
            served.current = False
        return served.current

    async def _describe(self, served: _Served) -> None:
        """What was described stays while the extension does not answer."""
        if not served.current:
            return
        try:
            served.documents = await openapi.fetch(self._connections, served.extension, served.documents)
        except _FAILURES as error:
            log.info("OpenAPI of %s: %s", served.extension.name, describe(error))

    # --- what clients are told

    def _publish(self) -> None:
        extensions = [self._served[name] for name in sorted(self._served)]
        self._discovery.extend(
            Elsewhere(
                served.extension.group,
                served.extension.version,
                (served.extension.group_priority, served.extension.version_priority),
                served.resources,
                served.current,
            )
            for served in extensions
        )
        self._documents.extend(
            [
                Described(
                    served.documents.index,
                    partial(self._forward, served),
                    served.documents.v2,
                    served.documents.digest,
                )
                for served in extensions
            ]
        )
