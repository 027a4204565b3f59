"""kubelet-serving-certificate-approving-controller: approves kubelets' serving certificates. Ours, not upstream's.

Upstream leaves them to an administrator. Here a node vouches for its own name and the addresses of its Node object. As
the kubelet itself writes those, addresses of others are left out: of other nodes, of API servers, of Services. Whatever
is not approved waits for an administrator, as it would upstream.
"""

import ipaddress
from typing import Any

from cryptography import x509

from pynetes.apis.names import CERTIFICATE_SIGNING_REQUESTS, ENDPOINT_SLICES, NODES
from pynetes.client.controller import TryAgain
from pynetes.controllers.base import BaseController
from pynetes.controllers.certificates import request as csr
from pynetes.controllers.certificates import signers
from pynetes.controllers.context import ControllerContext

Object = dict[str, Any]

_CONDITION = {
    "type": "Approved",
    "status": "True",
    "reason": "AutoApproved",
    "message": "Auto approving kubelet serving certificate for the names and addresses of its own node.",
}


class ServingApprover(BaseController):
    name = "kubelet-serving-certificate-approving-controller"
    account = "kubelet-serving-approver"

    def __init__(self, context: ControllerContext) -> None:
        super().__init__(context, workers=1)
        self.requests = self.informer(CERTIFICATE_SIGNING_REQUESTS)
        self.requests.add_handler(self.enqueue, self.enqueue_update)
        self.nodes = self.informer(NODES)
        self.slices = self.informer(ENDPOINT_SLICES)

    async def sync(self, key: str) -> None:
        request = self.requests.get(key)
        if request is None or csr.certificate(request) or csr.has_condition(request, "Approved", "Denied"):
            return
        inner = csr.parsed(request)
        if not is_own(request, inner):
            return
        name = signers.common_name(inner).removeprefix(signers.NODE_PREFIX)
        own = known(name, self.nodes.get(name))
        if not vouched(inner) <= own - self._others(name) or self._of_services(own & vouched(inner)):
            raise TryAgain(f'csr "{key}": node {name} does not have all of the names and addresses in it')
        approved = csr.with_condition(request, _CONDITION)
        await self.client.update(CERTIFICATE_SIGNING_REQUESTS, approved, subresource="approval")

    def _others(self, name: str) -> set[str]:
        """Addresses of other nodes and of API servers."""
        found = {a for node in self.nodes.list() if node["metadata"]["name"] != name for a in addresses(node)}
        servers = self.slices.get("default/kubernetes") or {}
        for endpoint in servers.get("endpoints") or ():
            found |= {_canonical(address) for address in endpoint.get("addresses") or ()}
        return found

    def _of_services(self, names: set[str]) -> bool:
        ranges = [ipaddress.ip_network(r) for r in self.context.config.service_cluster_ip_range.split(",")]
        return any(address in r for address in map(_address, names) if address for r in ranges)


def is_own(request: Object, inner: x509.CertificateSigningRequest) -> bool:
    """Whether a node asks for a serving certificate of its own."""
    spec = request["spec"]
    if spec.get("signerName") != signers.KUBELET_SERVING or spec.get("username") != signers.common_name(inner):
        return False
    try:
        signers.check_kubelet_serving(inner, spec.get("usages") or ())
    except signers.SignerError:
        return False
    return signers.NODES_GROUP in (spec.get("groups") or ())


def vouched(inner: x509.CertificateSigningRequest) -> set[str]:
    """The names and addresses that the certificate would stand for."""
    names = inner.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return set(names.get_values_for_type(x509.DNSName)) | {
        str(address) for address in names.get_values_for_type(x509.IPAddress)
    }


def known(name: str, node: Object | None) -> set[str]:
    """What a node may call itself: nothing, before it is registered."""
    if node is None:
        return set()
    return {name} | addresses(node)


def addresses(node: Object) -> set[str]:
    """IP addresses: names other than its own are nobody's to give."""
    found = (node.get("status") or {}).get("addresses") or ()
    return {_canonical(entry["address"]) for entry in found if _address(entry["address"])}


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _canonical(text: str) -> str:
    return str(_address(text) or text)
