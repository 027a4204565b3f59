"""legacy-serviceaccount-token-cleaner-controller: ends tokens that were made for accounts and that nobody uses.

Once a day: what was not used for a year (--legacy-service-account-token-clean-up-period) is marked as invalid; what was
marked a year ago is deleted. `decide` is pure. Tokens that people made themselves are left alone, and so are those that
a pod mounts.
"""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Literal

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.times import parse_time
from pynetes.apis.core import service_account_token as legacy
from pynetes.apis.core.pod_references import referenced_names
from pynetes.apis.names import CONFIG_MAPS, PODS, SECRETS, SERVICE_ACCOUNTS
from pynetes.client.transport import TransportError
from pynetes.component import clock
from pynetes.controllers.base import BaseController
from pynetes.controllers.context import ControllerContext

log = logging.getLogger(__name__)

Object = dict[str, Any]

PERIOD = 24 * 3600.0


class LegacyTokenCleaner(BaseController):
    name = "legacy-serviceaccount-token-cleaner-controller"
    account = "legacy-service-account-token-cleaner"

    def __init__(self, context: ControllerContext) -> None:
        super().__init__(context)
        self.accounts = self.informer(SERVICE_ACCOUNTS)
        self.secrets = self.informer(SECRETS, field_selector=f"type={legacy.TYPE}")
        self.pods = self.informer(PODS)

    async def run(self) -> None:
        await self.wait_for_sync()
        while True:
            try:
                await self._clean()
            except (StatusError, TransportError) as error:
                log.warning("legacy service account tokens are not cleaned up: %s", error)
            await clock.sleep(PERIOD)

    async def _clean(self) -> None:
        now, unused = clock.now(), timedelta(seconds=self.context.config.legacy_service_account_token_clean_up_period)
        tracking = await self.client.get(CONFIG_MAPS, legacy.TRACKING, "kube-system")
        since = legacy.day_of((tracking.get("data") or {}).get("since"))
        if since is None or now.date() < since + timedelta(days=1) + unused:
            return
        for secret in self.secrets.list():
            await self.sync(meta.key(secret))

    async def sync(self, key: str) -> None:
        secret = self.secrets.get(key)
        if secret is None:
            return
        namespace, name = meta.namespace(secret), meta.name(secret)
        now, unused = clock.now(), timedelta(seconds=self.context.config.legacy_service_account_token_clean_up_period)
        account = self.accounts.get(f"{namespace}/{meta.annotations(secret).get(legacy.ACCOUNT_NAME, '')}")
        action = decide(secret, account, self.pods.list(namespace), now, unused)
        try:
            if action == "invalidate":
                labels = {legacy.INVALID_SINCE: now.date().isoformat()}
                patch = {"metadata": {"uid": meta.uid(secret), "labels": labels}}
                await self.client.patch(SECRETS, name, patch, namespace)
            elif action == "delete":
                version = meta.resource_version(secret)
                await self.client.delete(SECRETS, name, namespace, resource_version=version)
        except (StatusError, TransportError) as error:
            log.warning("legacy service account token %s is not cleaned up: %s", key, error)


def decide(
    secret: Object, account: Object | None, pods: Iterable[Object], now: datetime, unused: timedelta
) -> Literal["", "invalidate", "delete"]:
    """What becomes of a token, given the account that it names and the pods of its namespace."""
    limit = now - unused
    if meta.is_deleting(secret) or parse_time(meta.creation_time(secret)) >= limit:
        return ""
    used = meta.labels(secret).get(legacy.LAST_USED)
    if used is not None:
        day = legacy.day_of(used)
        if day is None or day >= limit.date():
            return ""
    if account is None or not legacy.belongs_to(secret, meta.name(account), meta.uid(account)):
        return ""
    if not legacy.is_listed(account, meta.name(secret)) or any(_mounts(pod, meta.name(secret)) for pod in pods):
        return ""
    invalid = legacy.day_of(meta.labels(secret).get(legacy.INVALID_SINCE))
    if invalid is None:
        return "invalidate"
    return "delete" if invalid < limit.date() else ""


def _mounts(pod: Object, secret: str) -> bool:
    found = referenced_names(meta.name(pod), pod.get("spec") or {}, pod.get("status") or {})
    return ("Secret", secret) in found
