"""What the components of this machine are told: their configurations, by its layout and settings."""

import asyncio
from ipaddress import ip_address
from pathlib import Path

from pynetes.apiserver.config import APIServerConfig
from pynetes.cli import etcd, storeurl
from pynetes.cli.layout import Layout
from pynetes.cli.preflight import find_cni_directory
from pynetes.cli.settings import Settings
from pynetes.client.servingconfig import Serving, ServingConfig
from pynetes.component import pki as pki_files
from pynetes.component.pki import PKI, Node
from pynetes.controllers.config import OFF_BY_DEFAULT, ControllerManagerConfig
from pynetes.kubelet.config import EVICTION_HARD, KubeletConfig
from pynetes.kubelet.containerd import Containerd, ContainerdConfig
from pynetes.network.config import NetworkConfig, NodeNetwork

#: How long clients have to go to another API server before this one ends.
DRAIN_SECONDS = 2.0

#: The disk of a laptop or a small server holds other things than the cluster, and is often four fifths full: with the
#: kubelet's own thresholds such a node would be under pressure from the start. The same values as K3s.
SHARED_DISK = {"nodefs.available": "5%", "imagefs.available": "5%"}


def ensure_pki(layout: Layout, settings: Settings) -> PKI:
    node = Node(settings.node_name, (settings.node_ip,))
    if settings.store == storeurl.ETCD:
        pki_files.ensure_etcd(PKI(layout.pki), node)
    more_addresses, more_names = extra_sans(settings)
    return pki_files.ensure(
        layout.pki,
        addresses=(settings.node_ip, *more_addresses),
        dns_names=(settings.node_name, *more_names),
        service_address=settings.service_ip,
        cluster_domain=settings.domain,
        nodes=(node,),
    )


def storage_url(layout: Layout, settings: Settings) -> str:
    """For the API server on this machine. It may hold a password."""
    choice = storeurl.load(layout)
    if choice.managed:
        return etcd.url(etcd.member_config(layout, settings))
    return f"sqlite://{layout.database}" if choice.url == storeurl.SQLITE else choice.url


def extra_sans(settings: Settings) -> tuple[list[str], list[str]]:
    """Addresses and names, each once, beside those that the certificate bears anyway."""
    given = dict.fromkeys(part.strip() for part in settings.extra_sans.split(","))
    wanted = [part for part in given if part not in ("", settings.node_ip, settings.node_name, "127.0.0.1", "::1")]
    addresses = [part for part in wanted if _is_address(part)]
    return addresses, [part for part in wanted if part not in (*addresses, "localhost")]


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def apiserver_config(layout: Layout, settings: Settings) -> APIServerConfig:
    pki = PKI(layout.pki)
    encryption = Path(settings.encryption_provider_config) if settings.encryption_provider_config else None
    return APIServerConfig(
        secure_port=settings.secure_port,
        advertise_address=settings.node_ip,
        tls_cert_file=pki.apiserver.certificate,
        tls_private_key_file=pki.apiserver.key,
        client_ca_file=pki.ca.certificate,
        storage=storage_url(layout, settings),
        encryption_provider_config=encryption,
        encryption_provider_config_automatic_reload=settings.encryption_provider_config_automatic_reload,
        shutdown_delay_duration=DRAIN_SECONDS,
        service_cluster_ip_range=settings.service_cidr,
        service_account_issuer=f"https://kubernetes.default.svc.{settings.domain}",
        service_account_key_files=(pki.service_account_public_key,),
        service_account_signing_key_file=pki.service_account_key,
        authorization_modes=("Node", "RBAC"),
        kubelet_client_certificate=pki.apiserver_kubelet_client.certificate,
        kubelet_client_key=pki.apiserver_kubelet_client.key,
        kubelet_certificate_authority=pki.ca.certificate,
        requestheader_client_ca_file=pki.front_proxy_ca.certificate,
        requestheader_allowed_names=("front-proxy-client",),
        proxy_client_cert_file=pki.front_proxy_client.certificate,
        proxy_client_key_file=pki.front_proxy_client.key,
    )


def controller_manager_config(layout: Layout, settings: Settings) -> ControllerManagerConfig:
    pki = PKI(layout.pki)
    return ControllerManagerConfig(
        controllers=("*", *sorted(OFF_BY_DEFAULT)),
        cluster_cidr=settings.cluster_cidr,
        service_cluster_ip_range=settings.service_cidr,
        root_ca=pki.ca.certificate.read_text(),
        service_account_private_key_file=str(pki.service_account_key),
        cluster_signing_cert_file=str(pki.ca.certificate),
        cluster_signing_key_file=str(pki.ca.key),
        node_monitor_grace_period=settings.node_monitor_grace_period,
    )


def serving(layout: Layout, user: str, port: int) -> Serving | None:
    """A component's own HTTPS, on loopback as kubeadm sets it; callers are checked as `user` may ask about them."""
    from pynetes.cli.flags import values_of

    path = layout.kubeconfig(user)
    config = ServingConfig(port, "127.0.0.1", authentication_kubeconfig=path, authorization_kubeconfig=path)
    return Serving(config, values_of(config)) if port else None


def kubelet_config(layout: Layout, settings: Settings) -> KubeletConfig:
    pki = PKI(layout.pki)
    serving, joined = pki.kubelet_server(settings.node_name), not settings.runs_control_plane
    return KubeletConfig(
        node_name=settings.node_name,
        node_ip=settings.node_ip,
        port=settings.kubelet_port,
        # The control plane's own node has its certificates of the CA at hand, others ask for them.
        tls_cert_file="" if joined else str(serving.certificate),
        tls_private_key_file="" if joined else str(serving.key),
        cert_dir=str(layout.kubelet_pki),
        rotate_certificates=joined,
        server_tls_bootstrap=joined,
        client_ca_file=str(pki.ca.certificate),
        container_runtime_endpoint=f"unix://{layout.containerd_socket}",
        root_dir=str(layout.kubelet),
        pod_logs_dir=str(layout.pod_logs),
        static_pod_path=str(layout.manifests),
        cgroup_root=settings.cgroup_root,
        cluster_dns=(settings.dns_ip,),
        cluster_domain=settings.domain,
        registry_config=str(layout.kubelet / "config.json"),
        eviction_hard={**EVICTION_HARD, **SHARED_DISK},
    )


def containerd_config(layout: Layout) -> ContainerdConfig:
    cni = find_cni_directory()
    return ContainerdConfig(
        root=layout.containerd_root,
        state=layout.containerd_state,
        socket=layout.containerd_socket,
        cni_conf_dir=layout.cni_conf,
        cni_bin_dirs=(cni,) if cni else (),
        registry_config_path=layout.data / "certs.d",
    )


def network_config(layout: Layout, settings: Settings) -> NetworkConfig:
    node = NodeNetwork(settings.node_name, settings.cluster_cidr, layout.cni_conf, layout.cni_state)
    return NetworkConfig(
        node=node,
        node_ip=settings.node_ip,
        dns_ip=settings.dns_ip,
        domain=settings.domain,
        dns_port=settings.dns_port,
    )


def registry_config(layout: Layout, settings: Settings) -> str:
    """For Debian's docker-registry."""
    return (
        "version: 0.1\n"
        "log: {level: warn, accesslog: {disabled: true}}\n"
        f"storage: {{filesystem: {{rootdirectory: {layout.registry}}}, delete: {{enabled: true}}}}\n"
        f'http: {{addr: "127.0.0.1:{settings.registry_port}"}}\n'
    )


async def prepare(layout: Layout, settings: Settings) -> None:
    """Files that processes read when they start."""
    if not settings.runs_node:
        return
    containerd = Containerd(containerd_config(layout))
    await containerd.prepare()
    if settings.registry_port:
        layout.registry.mkdir(parents=True, exist_ok=True)
        registry_file(layout).write_text(registry_config(layout, settings))


def registry_file(layout: Layout) -> Path:
    return layout.run / "registry.yaml"


def prepare_blocking(layout: Layout, settings: Settings) -> None:
    """`prepare` for callers without an event loop, which leaves none behind."""
    asyncio.run(prepare(layout, settings))
