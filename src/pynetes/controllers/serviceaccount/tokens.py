"""serviceaccount-token-controller: fills Secrets of type kubernetes.io/service-account-token, deletes what is orphaned.

Keys of the queue are `token NAMESPACE/NAME` (a Secret to fill), `account NAMESPACE/NAME UID` (an account that is gone),
`reference NAMESPACE/NAME UID SECRET` (an account that lists a Secret that is gone).
"""

import base64
import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apis.core import service_account_token as legacy
from pynetes.apis.names import SECRETS, SERVICE_ACCOUNTS
from pynetes.component.signing import SigningKey
from pynetes.controllers.accounts import MANAGER
from pynetes.controllers.base import BaseController
from pynetes.controllers.context import ControllerContext

log = logging.getLogger(__name__)

Object = dict[str, Any]

_ATTEMPTS = 10


class ServiceAccountTokenController(BaseController):
    name = "serviceaccount-token-controller"
    queue_name = "serviceaccount_tokens_service"
    account = MANAGER

    def __init__(self, context: ControllerContext) -> None:
        config = context.config
        super().__init__(context, workers=config.concurrent_serviceaccount_token_syncs)
        self._key = SigningKey.load(Path(config.service_account_private_key_file), legacy.ISSUER)
        self.accounts = self.informer(SERVICE_ACCOUNTS)
        self.accounts.add_handler(on_update=self._account_changed, on_delete=self._account_gone)
        self.secrets = self.informer(SECRETS, field_selector=f"type={legacy.TYPE}")
        self.secrets.add_handler(self._secret, lambda old, new: self._secret(new), self._secret_gone)

    def _secret(self, secret: Object) -> None:
        self.queue.add(f"token {meta.key(secret)}")

    def _secret_gone(self, secret: Object) -> None:
        notes = meta.annotations(secret)
        account = f"{meta.namespace(secret)}/{notes.get(legacy.ACCOUNT_NAME, '')}"
        self.queue.add(f"reference {account} {notes.get(legacy.ACCOUNT_UID, '')} {meta.name(secret)}")

    def _account_changed(self, old: Object, new: Object) -> None:
        if meta.uid(old) != meta.uid(new):
            self._account_gone(old)

    def _account_gone(self, account: Object) -> None:
        self.queue.add(f"account {meta.key(account)} {meta.uid(account)}")

    async def sync(self, key: str) -> None:
        kind, place, *rest = key.split(" ")
        if kind == "token":
            await self._fill_or_delete(place)
        elif kind == "account":
            await self._delete_tokens(place, *rest)
        else:
            await self._drop_reference(place, *rest)

    async def _fill_or_delete(self, place: str) -> None:
        secret = self.secrets.get(place)
        if secret is None:
            return
        account = await self._account_of(secret)
        if account is None:
            await self._delete(secret)
            return
        changed = filled(secret, account, self.context.config.root_ca, partial(self._token, account))
        if changed is None:
            return
        try:
            await self.client.update(SECRETS, changed)
        except StatusError as error:
            if error.code not in (404, 409):  # else it is gone, or its new state comes as the next event
                raise

    def _token(self, account: Object, secret: Object) -> str:
        return self._key.sign(legacy.claims(account, secret))

    async def _account_of(self, secret: Object) -> Object | None:
        """The account that the Secret names: from the server, if memory does not have it (yet)."""
        notes, namespace = meta.annotations(secret), meta.namespace(secret)
        name, uid = notes.get(legacy.ACCOUNT_NAME, ""), notes.get(legacy.ACCOUNT_UID, "")
        known = self.accounts.get(f"{namespace}/{name}")
        if known is not None and uid in ("", meta.uid(known)):
            return known
        try:
            live = await self.client.get(SERVICE_ACCOUNTS, name, namespace)
        except StatusError as error:
            if error.code != 404:
                raise
            return None
        return live if uid in ("", meta.uid(live)) else None

    async def _delete_tokens(self, place: str, uid: str) -> None:
        known = self.accounts.get(place)
        if known is not None and meta.uid(known) == uid:
            return
        namespace, name = meta.split_key(place)
        for secret in self.secrets.list(namespace):
            if legacy.belongs_to(secret, name, uid):
                await self._delete(secret)

    async def _delete(self, secret: Object) -> None:
        log.info("service account of token %s is gone", meta.key(secret))
        try:
            await self.client.delete(SECRETS, meta.name(secret), meta.namespace(secret), uid=meta.uid(secret))
        except StatusError as error:
            if error.code not in (404, 409):
                raise

    async def _drop_reference(self, place: str, uid: str, secret: str) -> None:
        if self.secrets.get(f"{meta.split_key(place)[0]}/{secret}") is not None or self.accounts.get(place) is None:
            return
        namespace, name = meta.split_key(place)
        for attempt in range(_ATTEMPTS):
            try:
                account = await self.client.get(SERVICE_ACCOUNTS, name, namespace)
                if uid not in ("", meta.uid(account)) or not legacy.is_listed(account, secret):
                    return
                left = [each for each in account["secrets"] if each.get("name") != secret]
                await self.client.update(SERVICE_ACCOUNTS, {**account, "secrets": left})
            except StatusError as error:
                if error.code == 409 and attempt < _ATTEMPTS - 1:
                    continue
                if error.code != 404:
                    raise
            return


def filled(secret: Object, account: Object, root_ca: str, token: Callable[[Object], str]) -> Object | None:
    """The Secret with authority, namespace, token and the account's name and UID; None if it lacks nothing."""
    data = secret.get("data") or {}
    added = {}
    if root_ca and data.get("ca.crt") != _encoded(root_ca):
        added["ca.crt"] = _encoded(root_ca)
    if not data.get("namespace"):
        added["namespace"] = _encoded(meta.namespace(secret))
    if not data.get("token"):
        added["token"] = _encoded(token(secret))
    if not added:
        return None
    names = {legacy.ACCOUNT_NAME: meta.name(account), legacy.ACCOUNT_UID: meta.uid(account)}
    metadata = {**secret["metadata"], "annotations": {**meta.annotations(secret), **names}}
    return {**secret, "metadata": metadata, "data": {**data, **added}}


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
