"""The table of controllers: upstream's names → constructors. A new controller is one line here."""

from collections.abc import Callable

from pynetes.controllers.admissionpolicystatus import AdmissionPolicyStatusController
from pynetes.controllers.base import BaseController
from pynetes.controllers.bootstrap.cleaner import TokenCleaner
from pynetes.controllers.bootstrap.signer import BootstrapSigner
from pynetes.controllers.certificates.approving import ApprovingController
from pynetes.controllers.certificates.cleaner import CleanerController
from pynetes.controllers.certificates.serving import ServingApprover
from pynetes.controllers.certificates.signing import SigningController
from pynetes.controllers.clusterroleaggregation import ClusterRoleAggregationController
from pynetes.controllers.config import OFF_BY_DEFAULT, ControllerManagerConfig
from pynetes.controllers.context import ControllerContext
from pynetes.controllers.cronjob.controller import CronJobController
from pynetes.controllers.daemonset.controller import DaemonSetController
from pynetes.controllers.deployment.controller import DeploymentController
from pynetes.controllers.disruption.controller import DisruptionController
from pynetes.controllers.endpoints.endpoints_controller import EndpointsController
from pynetes.controllers.endpoints.endpointslice_controller import EndpointSliceController
from pynetes.controllers.endpoints.mirroring_controller import EndpointSliceMirroringController
from pynetes.controllers.garbagecollector.controller import GarbageCollector
from pynetes.controllers.job.controller import JobController
from pynetes.controllers.namespace.controller import NamespaceController
from pynetes.controllers.nodeipam import NodeIPAMController
from pynetes.controllers.nodelifecycle.controller import NodeLifecycleController
from pynetes.controllers.nodelifecycle.tainteviction import TaintEvictionController
from pynetes.controllers.podgc import PodGarbageCollector
from pynetes.controllers.replicaset.controller import ReplicaSetController, ReplicationControllerController
from pynetes.controllers.resourcequota.controller import ResourceQuotaController
from pynetes.controllers.rootcapublisher import RootCACertificatePublisher
from pynetes.controllers.serviceaccount.cleaner import LegacyTokenCleaner
from pynetes.controllers.serviceaccount.default import ServiceAccountController
from pynetes.controllers.serviceaccount.tokens import ServiceAccountTokenController
from pynetes.controllers.servicecidr import ServiceCIDRController
from pynetes.controllers.statefulset.controller import StatefulSetController
from pynetes.controllers.storageprotection import (
    PersistentVolumeClaimProtection,
    PersistentVolumeProtection,
    VolumeAttributesClassProtection,
)
from pynetes.controllers.ttlafterfinished import TTLAfterFinishedController

Constructor = Callable[[ControllerContext], BaseController]

CONTROLLERS: dict[str, Constructor] = {
    "serviceaccount-token-controller": ServiceAccountTokenController,
    "serviceaccount-controller": ServiceAccountController,
    "legacy-serviceaccount-token-cleaner-controller": LegacyTokenCleaner,
    "root-ca-certificate-publisher-controller": RootCACertificatePublisher,
    "namespace-controller": NamespaceController,
    "node-ipam-controller": NodeIPAMController,
    "node-lifecycle-controller": NodeLifecycleController,
    "taint-eviction-controller": TaintEvictionController,
    "endpoints-controller": EndpointsController,
    "endpointslice-controller": EndpointSliceController,
    "endpointslice-mirroring-controller": EndpointSliceMirroringController,
    "deployment-controller": DeploymentController,
    "replicaset-controller": ReplicaSetController,
    "replicationcontroller-controller": ReplicationControllerController,
    "daemonset-controller": DaemonSetController,
    "statefulset-controller": StatefulSetController,
    "disruption-controller": DisruptionController,
    "job-controller": JobController,
    "cronjob-controller": CronJobController,
    "ttl-after-finished-controller": TTLAfterFinishedController,
    "pod-garbage-collector-controller": PodGarbageCollector,
    "garbage-collector-controller": GarbageCollector,
    "resourcequota-controller": ResourceQuotaController,
    "persistentvolumeclaim-protection-controller": PersistentVolumeClaimProtection,
    "persistentvolume-protection-controller": PersistentVolumeProtection,
    "volumeattributesclass-protection-controller": VolumeAttributesClassProtection,
    "clusterrole-aggregation-controller": ClusterRoleAggregationController,
    "certificatesigningrequest-signing-controller": SigningController,
    "certificatesigningrequest-approving-controller": ApprovingController,
    "certificatesigningrequest-cleaner-controller": CleanerController,
    "kubelet-serving-certificate-approving-controller": ServingApprover,
    "bootstrap-signer-controller": BootstrapSigner,
    "token-cleaner-controller": TokenCleaner,
    "service-cidr-controller": ServiceCIDRController,
    "validatingadmissionpolicy-status-controller": AdmissionPolicyStatusController,
}


def enabled(config: ControllerManagerConfig) -> list[str]:
    """The controllers that `config.controllers` asks for; ValueError for a name that is none."""
    wanted = set(config.controllers)
    unknown = {name.removeprefix("-") for name in wanted} - CONTROLLERS.keys() - {"*"}
    if unknown:
        raise ValueError(f'"{sorted(unknown)[0]}" is not in the list of known controllers')
    out = []
    for name in CONTROLLERS:
        by_star = "*" in wanted and name not in OFF_BY_DEFAULT
        if f"-{name}" in wanted or not (name in wanted or by_star):
            continue
        if name == "root-ca-certificate-publisher-controller" and not config.root_ca:
            continue
        if name == "serviceaccount-token-controller" and not config.service_account_private_key_file:
            continue
        if name == "node-ipam-controller" and not config.allocate_node_cidrs:
            continue
        if name == "certificatesigningrequest-signing-controller" and not config.cluster_signing_cert_file:
            continue
        out.append(name)
    return out
