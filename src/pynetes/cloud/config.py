"""The cloud controller manager's settings; names and defaults are the flags' of upstream's cloud-controller-manager."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CloudControllerManagerConfig:
    """Durations are seconds."""

    controllers: tuple[str, ...] = ("*",)
    """`*` for all that are on by default, `name` to switch one on, `-name` to switch one off."""
    cluster_name: str = "kubernetes"
    """What the cloud knows this cluster by."""
    cluster_cidr: str = ""
    """Range of pod addresses, for which routes are made."""
    configure_cloud_routes: bool = True
    """Routes to nodes' pods in the cloud, if it has routes and --cluster-cidr is set."""
    route_reconciliation_period: float = 10
    node_monitor_period: float = 5
    node_status_update_frequency: float = 300
    """How often nodes' addresses are asked from the cloud."""
    concurrent_service_syncs: int = 1
    concurrent_node_syncs: int = 1
    leader_elect: bool = True
    leader_elect_lease_duration: float = 15
    leader_elect_renew_deadline: float = 10
    leader_elect_retry_period: float = 2
    leader_elect_resource_namespace: str = "kube-system"
    leader_elect_resource_name: str = "cloud-controller-manager"
