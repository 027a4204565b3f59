"""What a kubelet can be told: upstream's KubeletConfiguration (and the flags beside it), names in snake_case.

Durations are seconds; paths are strings. Defaults are upstream's where Pynetes has no reason to differ.
"""

from collections.abc import Mapping

from msgspec import Struct, field

DEFAULT_ROOT = "/var/lib/pynetes/kubelet"

EVICTION_HARD: Mapping[str, str] = {
    "memory.available": "100Mi",
    "nodefs.available": "10%",
    "nodefs.inodesFree": "5%",
    "imagefs.available": "15%",
    "imagefs.inodesFree": "5%",
}


class KubeletConfig(Struct, frozen=True):
    # -- identity
    node_name: str
    """Lower-case host name unless the user names it (`--hostname-override`)."""
    node_ip: str = ""
    """Empty: the address of the default route's interface."""
    provider_id: str = ""
    node_labels: Mapping[str, str] = field(default_factory=dict)
    register_node: bool = True
    register_with_taints: tuple[Mapping[str, str], ...] = ()
    register_schedulable: bool = True

    # -- the kubelet's own server
    address: str = "0.0.0.0"
    port: int = 10250
    tls_cert_file: str = ""
    tls_private_key_file: str = ""
    cert_dir: str = ""
    """Where certificates are kept that the kubelet asks for. Empty: `pki` in the root directory."""
    bootstrap_kubeconfig: str = ""
    """Whose credentials get the first client certificate, if the node has none yet."""
    rotate_certificates: bool = False
    """Renew the client certificate in `cert_dir` before it expires."""
    server_tls_bootstrap: bool = False
    """Ask the API server for a serving certificate, where `tls_cert_file` names none."""
    client_ca_file: str = ""
    """Clients with a certificate of this CA (the API server) may use every endpoint."""
    healthz_bind_address: str = "127.0.0.1"
    healthz_port: int = 10248

    # -- the runtime
    container_runtime_endpoint: str = "unix:///run/containerd/containerd.sock"
    image_service_endpoint: str = ""
    """Empty: the runtime's."""
    runtime_request_timeout: float = 120.0
    root_dir: str = DEFAULT_ROOT
    pod_logs_dir: str = "/var/log/pods"
    container_logs_dir: str = "/var/log/containers"
    seccomp_default: bool = False
    cgroup_root: str = "/"
    cgroup_driver: str = "cgroupfs"
    """`cgroupfs` or `systemd`; where the runtime can say (containerd 2), it decides."""
    cgroups_per_qos: bool = True
    cpu_cfs_quota: bool = True
    cpu_cfs_quota_period: float = 0.1
    pod_pids_limit: int = -1

    # -- network
    cluster_dns: tuple[str, ...] = ("10.96.0.10",)
    cluster_domain: str = "cluster.local"
    resolv_conf: str = "/etc/resolv.conf"
    pod_cidr: str = ""

    # -- pods
    max_pods: int = 110
    pods_per_core: int = 0
    static_pod_path: str = ""
    sync_frequency: float = 60.0
    allowed_unsafe_sysctls: tuple[str, ...] = ()
    max_container_restart_period: float = 300.0
    max_concurrent_exec_probes: int = 5
    """Not upstream's: exec through CRI costs a process tree each (see the node notes), so parallelism is bounded."""
    pleg_relist_period: float = 1.0
    """Generic relist; with the runtime's event stream at hand `pleg_relist_with_events` holds instead."""
    pleg_relist_with_events: float = 20.0

    # -- node status
    node_status_update_frequency: float = 10.0
    node_status_report_frequency: float = 300.0
    node_lease_duration_seconds: int = 40
    kube_reserved: Mapping[str, str] = field(default_factory=dict)
    system_reserved: Mapping[str, str] = field(default_factory=dict)
    enforce_node_allocatable: tuple[str, ...] = ("pods",)

    # -- images
    serialize_image_pulls: bool = False
    """Upstream's default is True for old disks' sake; parallel pulls are its advice today."""
    max_parallel_image_pulls: int = 4
    registry_pull_qps: float = 5.0
    registry_burst: int = 10
    image_minimum_gc_age: float = 120.0
    image_maximum_gc_age: float = 0.0
    image_gc_high_threshold_percent: int = 85
    image_gc_low_threshold_percent: int = 80
    image_gc_period: float = 300.0
    registry_config: str = "/var/lib/pynetes/kubelet/config.json"
    """docker's config.json with the node's own registry credentials, if it exists."""

    # -- containers left behind, logs
    container_gc_period: float = 60.0
    minimum_container_ttl_duration: float = 0.0
    maximum_dead_containers_per_container: int = 1
    maximum_dead_containers: int = -1
    container_log_max_size: str = "10Mi"
    container_log_max_files: int = 5
    container_log_max_workers: int = 1
    container_log_monitor_interval: float = 10.0

    # -- eviction
    eviction_hard: Mapping[str, str] = field(default_factory=lambda: dict(EVICTION_HARD))
    eviction_soft: Mapping[str, str] = field(default_factory=dict)
    eviction_soft_grace_period: Mapping[str, float] = field(default_factory=dict)
    eviction_pressure_transition_period: float = 300.0
    eviction_max_pod_grace_period: int = 0
    eviction_minimum_reclaim: Mapping[str, str] = field(default_factory=dict)
    eviction_monitoring_interval: float = 10.0

    @property
    def cert_directory(self) -> str:
        return self.cert_dir or f"{self.root_dir}/pki"

    @property
    def pods_dir(self) -> str:
        """`<root>/pods/<uid>`: volumes, etc-hosts and container files of each pod."""
        return f"{self.root_dir}/pods"
