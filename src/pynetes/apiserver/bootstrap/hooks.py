"""Runs the bootstrap once the server listens, and keeps the `kubernetes` Service as it must be."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Container

from pynetes.apiserver.bootstrap import flowcontrol, identity, objects, policy, servicecidr
from pynetes.apiserver.bootstrap.endpoints import EndpointReconciler
from pynetes.apiserver.config import APIServerConfig
from pynetes.apiserver.registry.registry import Registry
from pynetes.client.rest import Client
from pynetes.component import clock
from pynetes.component.health import Check, answering
from pynetes.component.tasks import Tasks

log = logging.getLogger(__name__)

_CIDR_STEP = "start-kubernetes-service-cidr-controller"
_WITHDRAW_SECONDS = 3.0
_SERVICE_CIDR_PERIOD = 10.0
_FLOW_CONTROL_STEP = "priority-and-fairness-config-producer"
_FLOW_CONTROL_PERIOD = 60.0
_RETRY, _RETRY_LATE = 0.5, 5.0
#: How long a step that is not needed may hold up the server, in seconds: as long as a webhook may be waited for. That a
#: machine stood still for some of them must not be taken for one: who finds a server ready counts on its namespaces.
_PATIENCE = 30.0
#: Without these the server cannot serve; the others are, upstream, controllers that are only started. What refuses
#: them, such as a webhook that is gone, could not be mended if the server waited for it.
_REGISTRATION = "kube-apiserver-autoregistration"
_NEEDED = frozenset(
    (
        "rbac/bootstrap-roles",
        "scheduling/bootstrap-system-priority-classes",
        _FLOW_CONTROL_STEP,
        _REGISTRATION,
    )
)

#: Whose objects a step makes, if not the core group's: without them there is nothing to do.
_GROUPS = {
    "rbac/bootstrap-roles": "rbac.authorization.k8s.io",
    "scheduling/bootstrap-system-priority-classes": "scheduling.k8s.io",
    _FLOW_CONTROL_STEP: "flowcontrol.apiserver.k8s.io",
    _CIDR_STEP: "networking.k8s.io",
    "start-kube-apiserver-identity-lease-controller": "coordination.k8s.io",
    "bootstrap-controller": "discovery.k8s.io",
    _REGISTRATION: "apiregistration.k8s.io",
}

#: The original's names of what this server has done before it listens: whoever asks sees these finished.
_BEFORE_LISTENING = (
    "start-apiserver-admission-initializer",
    "generic-apiserver-start-informers",
    "priority-and-fairness-config-consumer",
    "priority-and-fairness-filter",
    "storage-object-count-tracker-hook",
    "start-apiextensions-informers",
    "start-apiextensions-controllers",
    "crd-informer-synced",
    "storage-readiness",
    "start-service-ip-repair-controllers",
    "start-kube-aggregator-informers",
    "apiservice-status-local-available-controller",
    "apiservice-status-remote-available-controller",
    "apiservice-registration-controller",
    "apiservice-discovery-controller",
    "apiservice-openapi-controller",
    "apiservice-openapiv3-controller",
    "start-kube-apiserver-identity-lease-garbage-collector",
)


class PostStartHooks:
    """Named steps; `/readyz` shows each as `poststarthook/<name>`, unhealthy until it is done or left for later."""

    def __init__(
        self,
        client: Client,
        registry: Registry,
        config: APIServerConfig,
        address: Callable[[], tuple[str, int]],
        register: Callable[[], Awaitable[None]],
        groups: Container[str],
    ) -> None:
        """`address` gives where clients of the cluster reach this server; `register` says what it serves: `groups`."""

        async def authentication() -> None:
            await objects.authentication_config(client, config)

        self._identity = identity.identity_lease(client)
        self._renewing: asyncio.Task[None] | None = None
        self._client = client
        self._service_cidr = servicecidr.DefaultServiceCIDR(client, config.service_cluster_ip_range)
        self._endpoints = EndpointReconciler(client, registry.store, config, address)
        steps: dict[str, Callable[[], Awaitable[None]]] = {
            "start-system-namespaces-controller": lambda: objects.namespaces(client),
            "rbac/bootstrap-roles": lambda: policy.roles(client, registry),
            "scheduling/bootstrap-system-priority-classes": lambda: objects.priority_classes(client),
            _FLOW_CONTROL_STEP: lambda: flowcontrol.reconcile(client),
            "start-cluster-authentication-info-controller": authentication,
            "start-legacy-token-tracking-controller": lambda: objects.legacy_token_tracking(client),
            _CIDR_STEP: self._service_cidr.reconcile,
            "start-kube-apiserver-identity-lease-controller": self._identity.remove,
            "bootstrap-controller": self._endpoints.reconcile,
            _REGISTRATION: register,
        }
        self._steps = {name: step for name, step in steps.items() if _GROUPS.get(name, "") in groups}
        self._done: dict[str, asyncio.Event] = {name: asyncio.Event() for name in self._steps}

    def checks(self) -> list[Check]:
        before = [Check(f"poststarthook/{name}", answering) for name in _BEFORE_LISTENING]
        own = [Check(f"poststarthook/{name}", self._check(event)) for name, event in self._done.items()]
        registered = self._done.get(_REGISTRATION)
        return [*before, *own, *([Check("autoregister-completion", self._check(registered))] if registered else ())]

    @staticmethod
    def _check(event: asyncio.Event) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            if not event.is_set():
                raise RuntimeError("not finished")

        return run

    @property
    def are_done(self) -> bool:
        return all(event.is_set() for event in self._done.values())

    async def finished(self) -> None:
        for event in self._done.values():
            await event.wait()

    async def run(self) -> None:
        """All steps in order, those that are needed until they succeed; then endpoints for ever, and what is late."""
        late: dict[str, Callable[[], Awaitable[None]]] = {}
        for name, step in self._steps.items():
            if name in _NEEDED:
                while not await self._try(name, step):
                    await clock.sleep(_RETRY)
            elif not await self._try(name, step, _PATIENCE):
                late[name] = step
            self._done[name].set()
        async with Tasks("post-start hooks") as tasks:
            self._renewing = tasks.start(self._identity.run(), name="identity")
            tasks.start(identity.collect(self._client), name="identities")
            if _CIDR_STEP in self._steps:
                tasks.start(self._keep_service_cidr(), name="ServiceCIDR")
            if _FLOW_CONTROL_STEP in self._steps:
                tasks.start(self._keep_flow_control(), name="flow control objects")
            if late:
                tasks.start(self._catch_up(late), name="late")
            await self._endpoints.run()

    async def _keep_service_cidr(self) -> None:
        while True:
            await clock.sleep(_SERVICE_CIDR_PERIOD)
            await self._try("default ServiceCIDR", self._service_cidr.reconcile)

    async def _keep_flow_control(self) -> None:
        while True:
            await clock.sleep(_FLOW_CONTROL_PERIOD)
            await self._try("flow control objects", lambda: flowcontrol.reconcile(self._client))

    async def _catch_up(self, late: dict[str, Callable[[], Awaitable[None]]]) -> None:
        while late:
            await clock.sleep(_RETRY_LATE)
            late = {name: step for name, step in late.items() if not await self._try(name, step)}

    async def withdraw(self) -> bool:
        """Clients of the cluster are to use this server no more; whether there is another one."""
        try:
            async with asyncio.timeout(_WITHDRAW_SECONDS):
                others = await self._endpoints.withdraw()
                if self._renewing is not None:
                    self._renewing.cancel()
                    await self._identity.remove()
                return others
        except Exception as error:
            log.warning("this server passes for alive until its leases end: %s", error)
            return False

    async def _try(self, name: str, step: Callable[[], Awaitable[None]], seconds: float | None = None) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await step()
        except Exception:
            log.exception("post-start hook %s failed", name)
            return False
        return True
