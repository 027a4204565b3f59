"""The HTTPS ports of controller managers and scheduler: which paths, and the configurations that `/configz` shows.

Paths are the originals': the managers have `/healthz` alone, the scheduler `/livez` and `/readyz` beside it.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from pynetes import KUBERNETES_VERSION
from pynetes.apimachinery.times import format_duration
from pynetes.client.managerconfig import ManagerConfig
from pynetes.client.servingconfig import ServingConfig
from pynetes.cloud.config import CloudControllerManagerConfig
from pynetes.component.endpoints import Endpoints
from pynetes.component.health import Check, HealthGroup
from pynetes.component.zpages import this_process
from pynetes.controllers.config import ControllerManagerConfig

Object = dict[str, Any]


def manager_endpoints(name: str, health: HealthGroup, configz: Object, flags: Mapping[str, str] | None) -> Endpoints:
    """`flags` None: without flagz and statusz, which the original cloud controller manager has not."""
    process = this_process(name, KUBERNETES_VERSION) if flags is not None else None
    endpoints = Endpoints(configz=configz, flags=flags, process=process)
    endpoints.add_health(health, single_checks=False)
    return endpoints


def scheduler_endpoints(
    health: HealthGroup, ready_checks: Iterable[Check], configz: Object, flags: Mapping[str, str]
) -> Endpoints:
    process = this_process("kube-scheduler", KUBERNETES_VERSION)
    ready = HealthGroup("readyz", ready_checks)
    return Endpoints(health, HealthGroup("livez"), ready, configz=configz, flags=flags, process=process)


def controller_manager_configz(config: ControllerManagerConfig, serving: ServingConfig) -> Object:
    """The settings there are, in the form of upstream's KubeControllerManagerConfiguration."""
    lifecycle = {
        "NodeEvictionRate": config.node_eviction_rate,
        "SecondaryNodeEvictionRate": config.secondary_node_eviction_rate,
        "NodeStartupGracePeriod": format_duration(config.node_startup_grace_period),
        "NodeMonitorGracePeriod": format_duration(config.node_monitor_grace_period),
        "LargeClusterSizeThreshold": config.large_cluster_size_threshold,
        "UnhealthyZoneThreshold": config.unhealthy_zone_threshold,
    }
    document = {
        "kind": "KubeControllerManagerConfiguration",
        "apiVersion": "kubecontrollermanager.config.k8s.io/v1alpha1",
        "Generic": _generic(config, serving),
        "KubeCloudShared": {
            "NodeMonitorPeriod": format_duration(config.node_monitor_period),
            "ClusterCIDR": config.cluster_cidr,
            "AllocateNodeCIDRs": config.allocate_node_cidrs,
            "CIDRAllocatorType": config.cidr_allocator_type,
        },
        "CSRSigningController": {
            "ClusterSigningCertFile": config.cluster_signing_cert_file,
            "ClusterSigningKeyFile": config.cluster_signing_key_file,
            "ClusterSigningDuration": format_duration(config.cluster_signing_duration),
        },
        "DaemonSetController": {"ConcurrentDaemonSetSyncs": config.concurrent_daemonset_syncs},
        "DeploymentController": {"ConcurrentDeploymentSyncs": config.concurrent_deployment_syncs},
        "StatefulSetController": {"ConcurrentStatefulSetSyncs": config.concurrent_statefulset_syncs},
        "EndpointController": {"ConcurrentEndpointSyncs": config.concurrent_endpoint_syncs},
        "EndpointSliceController": {
            "ConcurrentServiceEndpointSyncs": config.concurrent_service_endpoint_syncs,
            "MaxEndpointsPerSlice": config.max_endpoints_per_slice,
        },
        "GarbageCollectorController": {"ConcurrentGCSyncs": config.concurrent_gc_syncs},
        "JobController": {"ConcurrentJobSyncs": config.concurrent_job_syncs},
        "CronJobController": {"ConcurrentCronJobSyncs": config.concurrent_cron_job_syncs},
        "NamespaceController": {"ConcurrentNamespaceSyncs": config.concurrent_namespace_syncs},
        "NodeIPAMController": {
            "ServiceCIDR": config.service_cluster_ip_range,
            "NodeCIDRMaskSize": config.node_cidr_mask_size_ipv4,
        },
        "NodeLifecycleController": lifecycle,
        "PodGCController": {"TerminatedPodGCThreshold": config.terminated_pod_gc_threshold},
        "ReplicaSetController": {"ConcurrentRSSyncs": config.concurrent_replicaset_syncs},
        "ReplicationController": {"ConcurrentRCSyncs": config.concurrent_rc_syncs},
        "SAController": {
            "ServiceAccountKeyFile": config.service_account_private_key_file,
            "ConcurrentSATokenSyncs": config.concurrent_serviceaccount_token_syncs,
        },
        "LegacySATokenCleaner": {"CleanUpPeriod": format_duration(config.legacy_service_account_token_clean_up_period)},
        "TTLAfterFinishedController": {"ConcurrentTTLSyncs": config.concurrent_ttl_after_finished_syncs},
    }
    return {"kubecontrollermanager.config.k8s.io": document}


def cloud_controller_manager_configz(
    config: CloudControllerManagerConfig, serving: ServingConfig, provider: str
) -> Object:
    document = {
        "kind": "CloudControllerManagerConfiguration",
        "apiVersion": "cloudcontrollermanager.config.k8s.io/v1alpha1",
        "Generic": _generic(config, serving),
        "KubeCloudShared": {
            "CloudProvider": {"Name": provider},
            "ClusterName": config.cluster_name,
            "ClusterCIDR": config.cluster_cidr,
            "ConfigureCloudRoutes": config.configure_cloud_routes,
            "RouteReconciliationPeriod": format_duration(config.route_reconciliation_period),
            "NodeMonitorPeriod": format_duration(config.node_monitor_period),
        },
        "NodeController": {"ConcurrentNodeSyncs": config.concurrent_node_syncs},
        "ServiceController": {"ConcurrentServiceSyncs": config.concurrent_service_syncs},
        "NodeStatusUpdateFrequency": format_duration(config.node_status_update_frequency),
    }
    return {"cloudcontrollermanager.config.k8s.io": document}


def scheduler_configz(profiles: Iterable[str], *, leader_elect: bool) -> Object:
    election = {
        "leaderElect": leader_elect,
        "leaseDuration": "15s",
        "renewDeadline": "10s",
        "retryPeriod": "2s",
        "resourceLock": "leases",
        "resourceName": "kube-scheduler",
        "resourceNamespace": "kube-system",
    }
    document = {
        "kind": "KubeSchedulerConfiguration",
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "leaderElection": election,
        "percentageOfNodesToScore": 100,
        "podInitialBackoffSeconds": 1,
        "podMaxBackoffSeconds": 10,
        "profiles": [{"schedulerName": name} for name in profiles],
    }
    return {"componentconfig": document}


def _generic(config: ManagerConfig, serving: ServingConfig) -> Object:
    election = {
        "leaderElect": config.leader_elect,
        "leaseDuration": format_duration(config.leader_elect_lease_duration),
        "renewDeadline": format_duration(config.leader_elect_renew_deadline),
        "retryPeriod": format_duration(config.leader_elect_retry_period),
        "resourceLock": "leases",
        "resourceName": config.leader_elect_resource_name,
        "resourceNamespace": config.leader_elect_resource_namespace,
    }
    return {
        "Port": serving.secure_port,
        "Address": serving.bind_address,
        "LeaderElection": election,
        "Controllers": list(config.controllers),
    }
