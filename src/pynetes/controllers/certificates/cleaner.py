"""certificatesigningrequest-cleaner-controller: deletes requests that nobody needs any more. `is_over` decides."""

import base64
import logging
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509

from pynetes.apimachinery import meta, times
from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import CERTIFICATE_SIGNING_REQUESTS
from pynetes.client.transport import TransportError
from pynetes.component import clock
from pynetes.controllers.base import BaseController
from pynetes.controllers.certificates import request as csr
from pynetes.controllers.context import ControllerContext

log = logging.getLogger(__name__)

Object = dict[str, Any]

PERIOD = 3600.0
DECIDED, PENDING = timedelta(hours=1), timedelta(hours=24)


class CleanerController(BaseController):
    name = "certificatesigningrequest-cleaner-controller"
    account = "certificate-controller"

    def __init__(self, context: ControllerContext) -> None:
        super().__init__(context)
        self.requests = self.informer(CERTIFICATE_SIGNING_REQUESTS)

    async def run(self) -> None:
        await self.wait_for_sync()
        while True:
            for request in self.requests.list():
                await self.sync(meta.name(request))
            await clock.sleep(PERIOD)

    async def sync(self, key: str) -> None:
        request = self.requests.get(key)
        if request is None or not is_over(request, clock.now()):
            return
        try:
            await self.client.delete(CERTIFICATE_SIGNING_REQUESTS, key)
        except (StatusError, TransportError) as error:
            log.warning('unable to delete CSR "%s": %s', key, error)


def is_over(request: Object, now: datetime) -> bool:
    """An hour after the decision, a day without one or without a signer, or when the certificate has expired."""
    found = csr.conditions(request)
    if not found:
        return _older(meta.creation_time(request), PENDING, now)
    issued = csr.certificate(request)
    limits = {"Denied": DECIDED, "Failed": DECIDED, "Approved": DECIDED if issued else PENDING}
    for condition in found:
        limit = limits.get(condition.get("type") or "")
        if limit is not None and _older(condition.get("lastUpdateTime"), limit, now):
            return True
    return bool(issued) and csr.has_condition(request, "Approved") and _expired(issued, now)


def _older(timestamp: str | None, age: timedelta, now: datetime) -> bool:
    return bool(timestamp) and now - times.parse_time(timestamp or "") > age


def _expired(encoded: str, now: datetime) -> bool:
    try:
        certificate = x509.load_pem_x509_certificates(base64.b64decode(encoded))[0]
    except ValueError:
        return False
    return now > certificate.not_valid_after_utc
