"""certificatesigningrequest-signing-controller: signs what was approved for the built-in signers."""

import base64
from datetime import timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding

from pynetes.apimachinery.times import format_time
from pynetes.apis.names import CERTIFICATE_SIGNING_REQUESTS
from pynetes.component import certificates, clock
from pynetes.controllers.base import BaseController
from pynetes.controllers.certificates import authority, signers
from pynetes.controllers.certificates import request as csr
from pynetes.controllers.context import ControllerContext

Object = dict[str, Any]


class SigningController(BaseController):
    """The authority is read when it is needed: a renewed one is used at once."""

    name = "certificatesigningrequest-signing-controller"
    queue_name = "certificate"
    account = "certificate-controller"

    def __init__(self, context: ControllerContext) -> None:
        super().__init__(context, workers=1)
        self.requests = self.informer(CERTIFICATE_SIGNING_REQUESTS)
        self.requests.add_handler(self.enqueue, self.enqueue_update)

    async def sync(self, key: str) -> None:
        request = self.requests.get(key)
        if request is None or not waits(request):
            return
        spec = request["spec"]
        inner, usages = csr.parsed(request), spec.get("usages") or ()
        try:
            signers.SIGNERS[spec["signerName"]](inner, usages)
        except signers.SignerError as error:
            await self.client.update_status(CERTIFICATE_SIGNING_REQUESTS, failed(request, str(error)))
            return
        config = self.context.config
        life = authority.lifetime(spec.get("expirationSeconds"), timedelta(seconds=config.cluster_signing_duration))
        pair = certificates.load(Path(config.cluster_signing_cert_file), Path(config.cluster_signing_key_file))
        made = authority.sign(pair, inner, usages, life, clock.now()).public_bytes(Encoding.PEM)
        status = {**(request.get("status") or {}), "certificate": base64.b64encode(made).decode()}
        await self.client.update_status(CERTIFICATE_SIGNING_REQUESTS, {**request, "status": status})


def waits(request: Object) -> bool:
    """Whether it is approved, ours and not done with."""
    return (
        request["spec"].get("signerName") in signers.SIGNERS
        and csr.is_approved(request)
        and not csr.certificate(request)
        and not csr.has_condition(request, "Failed")
    )


def failed(request: Object, why: str) -> Object:
    condition = {
        "type": "Failed",
        "status": "True",
        "reason": "SignerValidationFailure",
        "message": why,
        "lastUpdateTime": format_time(clock.now()),
    }
    return csr.with_condition(request, condition)
