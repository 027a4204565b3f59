"""The cluster's keys and certificates on disk, in kubeadm's layout.

    <directory>/ca.{crt,key}                       signs every certificate below
    <directory>/apiserver.{crt,key}                the API server's serving certificate
    <directory>/apiserver-kubelet-client.{crt,key} the API server towards kubelets
    <directory>/front-proxy-ca.{crt,key}           signs front-proxy-client, for aggregated API servers
    <directory>/front-proxy-client.{crt,key}
    <directory>/sa.{key,pub}                       signs and verifies service account tokens (ES256)
    <directory>/<client>.{crt,key}                 admin, controller-manager, cloud-controller-manager, scheduler, …
    <directory>/nodes/<name>/{kubelet-client,kubelet}.{crt,key}   a node's client and serving certificates
    <directory>/etcd/ca.{crt,key}                  signs those of a managed etcd (`ensure_etcd`)
    <directory>/etcd/{server,peer,healthcheck-client}.{crt,key}
    <directory>/apiserver-etcd-client.{crt,key}    the API server towards that etcd

`ensure` makes what is missing, renews what is near its end or says something else than wanted, and leaves the rest
alone; authorities and `sa.key` are never replaced, because everything else rests on them.
"""

from pathlib import Path

from msgspec import Struct

from pynetes.component import certificates, clock
from pynetes.component.certificates import CertificateFileError, KeyPair, Request

PRIVILEGED_GROUP = "system:masters"
ADMIN_GROUP = "kubeadm:cluster-admins"
NODES_GROUP = "system:nodes"

#: The pod network and the cluster's DNS, which upstream leaves to others.
NETWORK_USER = "system:pynetes:network"

CLOUD_CONTROLLER_MANAGER_USER = "system:cloud-controller-manager"

_SERVICE_NAMES = ("kubernetes", "kubernetes.default", "kubernetes.default.svc")


class PairPath(Struct, frozen=True):
    """Where a certificate and its key lie."""

    certificate: Path
    key: Path


class PKI(Struct, frozen=True):
    """The files of one cluster. Making the object reads nothing."""

    directory: Path

    def pair(self, name: str) -> PairPath:
        return PairPath(self.directory / f"{name}.crt", self.directory / f"{name}.key")

    @property
    def ca(self) -> PairPath:
        return self.pair("ca")

    @property
    def apiserver(self) -> PairPath:
        return self.pair("apiserver")

    @property
    def apiserver_kubelet_client(self) -> PairPath:
        return self.pair("apiserver-kubelet-client")

    @property
    def front_proxy_ca(self) -> PairPath:
        return self.pair("front-proxy-ca")

    @property
    def front_proxy_client(self) -> PairPath:
        return self.pair("front-proxy-client")

    @property
    def admin(self) -> PairPath:
        return self.pair("admin")

    @property
    def controller_manager(self) -> PairPath:
        return self.pair("controller-manager")

    @property
    def cloud_controller_manager(self) -> PairPath:
        return self.pair("cloud-controller-manager")

    @property
    def scheduler(self) -> PairPath:
        return self.pair("scheduler")

    @property
    def kube_proxy(self) -> PairPath:
        return self.pair("kube-proxy")

    @property
    def network(self) -> PairPath:
        return self.pair("network")

    @property
    def etcd_ca(self) -> PairPath:
        return self.pair("etcd/ca")

    @property
    def etcd_server(self) -> PairPath:
        return self.pair("etcd/server")

    @property
    def etcd_peer(self) -> PairPath:
        return self.pair("etcd/peer")

    @property
    def etcd_healthcheck_client(self) -> PairPath:
        return self.pair("etcd/healthcheck-client")

    @property
    def apiserver_etcd_client(self) -> PairPath:
        return self.pair("apiserver-etcd-client")

    @property
    def service_account_key(self) -> Path:
        return self.directory / "sa.key"

    @property
    def service_account_public_key(self) -> Path:
        return self.directory / "sa.pub"

    def kubelet_client(self, node: str) -> PairPath:
        return self.pair(f"nodes/{node}/kubelet-client")

    def kubelet_server(self, node: str) -> PairPath:
        return self.pair(f"nodes/{node}/kubelet")


class Node(Struct, frozen=True):
    """A node that needs certificates."""

    name: str
    addresses: tuple[str, ...] = ()


def ensure(
    directory: Path,
    *,
    addresses: tuple[str, ...] = (),
    dns_names: tuple[str, ...] = (),
    service_address: str = "10.96.0.1",
    cluster_domain: str = "cluster.local",
    nodes: tuple[Node, ...] = (),
) -> PKI:
    """Brings the directory to the layout above. `addresses` and `dns_names` are further names of the API server.

    Raises `CertificateFileError` for an authority that exists and cannot be read.
    """
    directory.mkdir(parents=True, exist_ok=True, mode=0o755)
    pki = PKI(directory)
    authority = _ensure_authority(pki.ca, "kubernetes")
    for path, request in _wanted(pki, addresses, dns_names, service_address, cluster_domain):
        _ensure_leaf(path, request, authority)
    front_proxy = _ensure_authority(pki.front_proxy_ca, "front-proxy-ca")
    _ensure_leaf(pki.front_proxy_client, Request("front-proxy-client", client=True), front_proxy)
    _ensure_service_account_key(pki)
    for node in nodes:
        ensure_node(pki, node, authority)
    return pki


def ensure_node(pki: PKI, node: Node, authority: KeyPair | None = None) -> None:
    """A node's client certificate (system:node:NAME) and serving certificate."""
    authority = authority or certificates.load(pki.ca.certificate, pki.ca.key)
    user = f"system:node:{node.name}"
    _ensure_leaf(pki.kubelet_client(node.name), Request(user, (NODES_GROUP,), client=True), authority)
    serving = Request(
        user,
        (NODES_GROUP,),
        dns_names=(node.name, "localhost"),
        ip_addresses=(*node.addresses, "127.0.0.1"),
        server=True,
    )
    _ensure_leaf(pki.kubelet_server(node.name), serving, authority)


def ensure_etcd(pki: PKI, member: Node) -> None:
    """The authority of a managed etcd and the certificates of the member on this machine and of its clients."""
    authority = _ensure_authority(pki.etcd_ca, "etcd-ca")
    names, addresses = (member.name, "localhost"), (*member.addresses, "127.0.0.1", "::1")
    for path in (pki.etcd_server, pki.etcd_peer):
        request = Request(member.name, dns_names=names, ip_addresses=addresses, server=True, client=True)
        _ensure_leaf(path, request, authority)
    _ensure_leaf(pki.etcd_healthcheck_client, Request("kube-etcd-healthcheck-client", client=True), authority)
    _ensure_leaf(pki.apiserver_etcd_client, Request("kube-apiserver-etcd-client", client=True), authority)


def _wanted(
    pki: PKI, addresses: tuple[str, ...], dns_names: tuple[str, ...], service_address: str, cluster_domain: str
) -> list[tuple[PairPath, Request]]:
    service_names = (*_SERVICE_NAMES, f"kubernetes.default.svc.{cluster_domain}", "localhost")
    serving = Request(
        "kube-apiserver",
        dns_names=(*service_names, *dns_names),
        ip_addresses=(service_address, "127.0.0.1", "::1", *addresses),
        server=True,
    )
    return [
        (pki.apiserver, serving),
        (
            pki.apiserver_kubelet_client,
            Request("kube-apiserver-kubelet-client", (PRIVILEGED_GROUP,), client=True),
        ),
        (pki.admin, Request("kubernetes-admin", (ADMIN_GROUP, PRIVILEGED_GROUP), client=True)),
        (pki.controller_manager, Request("system:kube-controller-manager", client=True)),
        (pki.cloud_controller_manager, Request(CLOUD_CONTROLLER_MANAGER_USER, client=True)),
        (pki.scheduler, Request("system:kube-scheduler", client=True)),
        (pki.kube_proxy, Request("system:kube-proxy", client=True)),
        (pki.network, Request(NETWORK_USER, client=True)),
    ]


def _ensure_authority(path: PairPath, common_name: str) -> KeyPair:
    if path.certificate.exists() or path.key.exists():
        return certificates.load(path.certificate, path.key)
    pair = certificates.new_authority(common_name)
    certificates.store(pair, path.certificate, path.key)
    return pair


def _ensure_leaf(path: PairPath, request: Request, authority: KeyPair) -> None:
    try:
        existing = certificates.load(path.certificate, path.key)
    except CertificateFileError:
        existing = None
    if existing is None or not certificates.satisfies(existing, request, authority, clock.now()):
        certificates.store(certificates.issue(authority, request), path.certificate, path.key)


def _ensure_service_account_key(pki: PKI) -> None:
    if not pki.service_account_key.exists():
        key = certificates.new_key()
        certificates.write_file(pki.service_account_key, certificates.private_key_pem(key), mode=0o600)
    public = certificates.load_private_key(pki.service_account_key).public_key()
    pem = certificates.public_key_pem(public)
    if not pki.service_account_public_key.exists() or pki.service_account_public_key.read_bytes() != pem:
        certificates.write_file(pki.service_account_public_key, pem, mode=0o644)
