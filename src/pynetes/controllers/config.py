"""The controller manager's settings; names and defaults are the flags' of kube-controller-manager."""

from pynetes.client.managerconfig import ManagerConfig

#: Controllers that `*` leaves out.
OFF_BY_DEFAULT = frozenset(
    ("bootstrap-signer-controller", "token-cleaner-controller", "kubelet-serving-certificate-approving-controller")
)


class ControllerManagerConfig(ManagerConfig, frozen=True):
    """Durations are seconds."""

    cluster_cidr: str = "10.244.0.0/16"
    allocate_node_cidrs: bool = True
    node_cidr_mask_size_ipv4: int = 24
    node_cidr_mask_size_ipv6: int = 64
    service_cluster_ip_range: str = "10.96.0.0/12"
    root_ca: str = ""
    """PEM of the CA that pods trust; empty switches its publisher off."""
    service_account_private_key_file: str = ""
    """The key that signs service account tokens in Secrets; empty switches their controller off."""
    legacy_service_account_token_clean_up_period: float = 365 * 24 * 3600.0
    """For how long a token that was made for an account must be unused before it is marked as invalid, and again before
    it is deleted."""
    cluster_signing_cert_file: str = ""
    """CA that signs CertificateSigningRequests; empty switches their signing off."""
    cluster_signing_key_file: str = ""
    cluster_signing_duration: float = 365 * 24 * 3600.0
    """The longest a signed certificate is valid."""
    leader_elect_resource_name: str = "kube-controller-manager"
    node_monitor_period: float = 5
    node_monitor_grace_period: float = 50
    node_startup_grace_period: float = 60
    node_eviction_rate: float = 0.1
    secondary_node_eviction_rate: float = 0.01
    unhealthy_zone_threshold: float = 0.55
    large_cluster_size_threshold: int = 50
    terminated_pod_gc_threshold: int = 12500
    max_endpoints_per_slice: int = 100
    mirroring_max_endpoints_per_subset: int = 1000
    concurrent_deployment_syncs: int = 5
    concurrent_replicaset_syncs: int = 5
    concurrent_rc_syncs: int = 5
    concurrent_daemonset_syncs: int = 2
    concurrent_statefulset_syncs: int = 5
    concurrent_job_syncs: int = 5
    concurrent_cron_job_syncs: int = 5
    concurrent_endpoint_syncs: int = 5
    concurrent_service_endpoint_syncs: int = 5
    mirroring_concurrent_service_endpoint_syncs: int = 5
    concurrent_gc_syncs: int = 20
    concurrent_namespace_syncs: int = 10
    concurrent_serviceaccount_token_syncs: int = 5
    concurrent_resource_quota_syncs: int = 5
    concurrent_ttl_after_finished_syncs: int = 5
    resource_quota_sync_period: float = 300
    cidr_allocator_type: str = "RangeAllocator"
