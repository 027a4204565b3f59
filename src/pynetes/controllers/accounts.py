"""Clients that act as the controllers' own service accounts, so that each has its own rights and name in the audit log.

What kube-controller-manager does with --use-service-account-credentials: the account is created in kube-system if it
is missing, a token asked for, and asked for again when four fifths of its life are over.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from msgspec.structs import replace

from pynetes.apimachinery import times
from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import SERVICE_ACCOUNTS
from pynetes.client.rest import Client
from pynetes.client.transport import Transport, TransportRequest, TransportResponse, TransportStream
from pynetes.component import clock

NAMESPACE = "kube-system"
LIFETIME = 3600
MANAGER = "kube-controller-manager"


class AccountTransport:
    """Sends what `anonymous` (a transport without credentials) would, with the account's token."""

    def __init__(self, root: Client, anonymous: Transport, account: str) -> None:
        self._root = root
        self._inner = anonymous
        self._account = account
        self._token = ""
        self._renew_at = float("-inf")
        self._lock = asyncio.Lock()

    async def request(self, request: TransportRequest, *, timeout: float | None = None) -> TransportResponse:
        response = await self._inner.request(await self._authorized(request), timeout=timeout)
        if response.status != 401:
            return response
        self._renew_at = float("-inf")  # the account was made anew, or the keys changed
        return await self._inner.request(await self._authorized(request), timeout=timeout)

    @asynccontextmanager
    async def stream(self, request: TransportRequest) -> AsyncIterator[TransportStream]:
        async with self._inner.stream(await self._authorized(request)) as stream:
            yield stream

    async def close(self) -> None:
        """The inner transport belongs to all accounts: whoever made it closes it."""

    async def _authorized(self, request: TransportRequest) -> TransportRequest:
        async with self._lock:
            if clock.monotonic() >= self._renew_at:
                await self._renew()
        return replace(request, headers={**request.headers, "Authorization": f"Bearer {self._token}"})

    async def _renew(self) -> None:
        request: dict[str, Any] = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": LIFETIME},
        }
        try:
            granted = await self._ask(request)
        except StatusError as error:
            if error.code != 404:
                raise
            await self._create_account()
            granted = await self._ask(request)
        status = granted["status"]
        left = (times.parse_time(status["expirationTimestamp"]) - clock.now()).total_seconds()
        self._token = status["token"]
        self._renew_at = clock.monotonic() + left * 0.8

    async def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        return await self._root.create(SERVICE_ACCOUNTS, request, NAMESPACE, name=self._account, subresource="token")

    async def _create_account(self) -> None:
        metadata = {"name": self._account, "namespace": NAMESPACE}
        try:
            await self._root.create(
                SERVICE_ACCOUNTS, {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}
            )
        except StatusError as error:
            if error.reason != "AlreadyExists":
                raise


class AccountClients:
    """A `ClientFactory`: one client an account, the root client for the manager itself."""

    def __init__(self, root: Client, anonymous: Transport) -> None:
        self._root = root
        self._anonymous = anonymous
        self._clients: dict[str, Client] = {MANAGER: root}

    def __call__(self, account: str) -> Client:
        client = self._clients.get(account)
        if client is None:
            agent = f"{self._root.user_agent}/system:serviceaccount:{NAMESPACE}:{account}"
            client = Client(AccountTransport(self._root, self._anonymous, account), user_agent=agent)
            self._clients[account] = client
        return client
