"""certificatesigningrequest-approving-controller: approves kubelets' client certificates.

Whether the requestor may have one is asked of the API server, as the right to create `nodeclient` or, for a node that
renews its own certificate, `selfnodeclient`.
"""

from collections.abc import Iterator
from typing import Any

from cryptography import x509

from pynetes.apis.names import CERTIFICATE_SIGNING_REQUESTS, SUBJECT_ACCESS_REVIEWS
from pynetes.client.controller import TryAgain
from pynetes.controllers.base import BaseController
from pynetes.controllers.certificates import request as csr
from pynetes.controllers.certificates import signers
from pynetes.controllers.context import ControllerContext

Object = dict[str, Any]

_MESSAGES = {
    "selfnodeclient": "Auto approving self kubelet client certificate after SubjectAccessReview.",
    "nodeclient": "Auto approving kubelet client certificate after SubjectAccessReview.",
}


class ApprovingController(BaseController):
    name = "certificatesigningrequest-approving-controller"
    queue_name = "certificate"
    account = "certificate-controller"

    def __init__(self, context: ControllerContext) -> None:
        super().__init__(context, workers=1)
        self.requests = self.informer(CERTIFICATE_SIGNING_REQUESTS)
        self.requests.add_handler(self.enqueue, self.enqueue_update)

    async def sync(self, key: str) -> None:
        request = self.requests.get(key)
        if request is None or csr.certificate(request) or csr.has_condition(request, "Approved", "Denied"):
            return
        tried = list(permissions(request, csr.parsed(request)))
        for permission in tried:
            if await self._allowed(request, permission):
                condition = {
                    "type": "Approved",
                    "status": "True",
                    "reason": "AutoApproved",
                    "message": _MESSAGES[permission],
                }
                approved = csr.with_condition(request, condition)
                await self.client.update(CERTIFICATE_SIGNING_REQUESTS, approved, subresource="approval")
                return
        if tried:
            # The right may be given later.
            raise TryAgain(f'recognized csr "{key}" as {tried} but subject access review was not approved')

    async def _allowed(self, request: Object, permission: str) -> bool:
        answer = await self.client.create(SUBJECT_ACCESS_REVIEWS, access_review(request["spec"], permission))
        return bool((answer.get("status") or {}).get("allowed"))


def permissions(request: Object, inner: x509.CertificateSigningRequest) -> Iterator[str]:
    """The rights of which one is enough; none if this is no kubelet's client certificate."""
    spec = request["spec"]
    if spec.get("signerName") != signers.KUBELET_CLIENT:
        return
    try:
        signers.check_kubelet_client(inner, spec.get("usages") or ())
    except signers.SignerError:
        return
    if spec.get("username") == signers.common_name(inner):
        yield "selfnodeclient"
    yield "nodeclient"


def access_review(spec: Object, permission: str) -> Object:
    """The question whether the requestor has a right."""
    requestor = {"user": spec.get("username"), **{f: spec[f] for f in ("uid", "groups", "extra") if spec.get(f)}}
    asked = {
        "group": "certificates.k8s.io",
        "resource": "certificatesigningrequests",
        "verb": "create",
        "subresource": permission,
        "version": "*",
    }
    return {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "metadata": {},
        "spec": {**requestor, "resourceAttributes": asked},
    }
