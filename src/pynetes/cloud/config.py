"""The cloud controller manager's settings; names and defaults are the flags' of upstream's cloud-controller-manager."""

from pynetes.client.managerconfig import ManagerConfig


class CloudControllerManagerConfig(ManagerConfig, frozen=True):
    """Durations are seconds."""

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
    leader_elect_resource_name: str = "cloud-controller-manager"
