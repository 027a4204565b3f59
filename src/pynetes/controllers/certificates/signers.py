"""What the built-in signers accept. Pure: `SIGNERS` maps a signer's name to the check that its requests must pass."""

from collections.abc import Callable, Collection

from cryptography import x509
from cryptography.x509.oid import NameOID

API_CLIENT = "kubernetes.io/kube-apiserver-client"
KUBELET_CLIENT = "kubernetes.io/kube-apiserver-client-kubelet"
KUBELET_SERVING = "kubernetes.io/kubelet-serving"
LEGACY_UNKNOWN = "kubernetes.io/legacy-unknown"

NODES_GROUP = "system:nodes"
NODE_PREFIX = "system:node:"

_SIGNING, _ENCIPHERMENT = "digital signature", "key encipherment"


class SignerError(ValueError):
    """The request is not one this signer may sign; the message goes into its condition."""


Check = Callable[[x509.CertificateSigningRequest, Collection[str]], None]


def common_name(request: x509.CertificateSigningRequest) -> str:
    found = request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[-1].value) if found else ""


def check_kubelet_client(request: x509.CertificateSigningRequest, usages: Collection[str]) -> None:
    _check_organization(request)
    names = _alternative_names(request)
    _refuse(names, x509.DNSName, "DNS")
    _refuse(names, x509.RFC822Name, "Email")
    _refuse(names, x509.IPAddress, "IP")
    _refuse(names, x509.UniformResourceIdentifier, "URI")
    _check_node(request)
    _check_usages(usages, "client auth")


def check_kubelet_serving(request: x509.CertificateSigningRequest, usages: Collection[str]) -> None:
    _check_organization(request)
    names = _alternative_names(request)
    if not any(isinstance(name, x509.DNSName | x509.IPAddress) for name in names):
        raise SignerError("DNS or IP subjectAltName is required")
    _refuse(names, x509.RFC822Name, "Email")
    _refuse(names, x509.UniformResourceIdentifier, "URI")
    _check_usages(usages, "server auth")
    _check_node(request)


def check_api_client(request: x509.CertificateSigningRequest, usages: Collection[str]) -> None:
    for usage in usages:
        if usage not in (_SIGNING, _ENCIPHERMENT, "client auth"):
            raise SignerError(f"invalid usage for client certificate: {usage}")
    if "client auth" not in usages:
        raise SignerError("missing required usage for client certificate: client auth")


def check_nothing(request: x509.CertificateSigningRequest, usages: Collection[str]) -> None:
    """The legacy signer signs whatever was approved."""


SIGNERS: dict[str, Check] = {
    API_CLIENT: check_api_client,
    KUBELET_CLIENT: check_kubelet_client,
    KUBELET_SERVING: check_kubelet_serving,
    LEGACY_UNKNOWN: check_nothing,
}


def _check_organization(request: x509.CertificateSigningRequest) -> None:
    found = [a.value for a in request.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)]
    if found != [NODES_GROUP]:
        raise SignerError(f"subject organization is not {NODES_GROUP}")


def _check_node(request: x509.CertificateSigningRequest) -> None:
    if not common_name(request).startswith(NODE_PREFIX):
        raise SignerError(f"subject common name does not begin with {NODE_PREFIX}")


def _check_usages(usages: Collection[str], purpose: str) -> None:
    """Key encipherment is for RSA keys only, others may leave it out."""
    wanted = {_SIGNING, _ENCIPHERMENT, purpose}
    if set(usages) not in (wanted, wanted - {_ENCIPHERMENT}):
        raise SignerError(f"usages did not match [{' '.join(sorted(wanted))}]")


def _refuse(names: Collection[x509.GeneralName], kind: type[x509.GeneralName], title: str) -> None:
    if any(isinstance(name, kind) for name in names):
        raise SignerError(f"{title} subjectAltNames are not allowed")


def _alternative_names(request: x509.CertificateSigningRequest) -> list[x509.GeneralName]:
    try:
        return list(request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        return []
