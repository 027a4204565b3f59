"""Which texts a field may hold: the published schema leaves it out, `kubectl explain` and generators show it.

A field is written `<definition>.<field>`; `[]` behind it stands for the items of a list, `{}` for the values of a map.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from pynetes.apis.certificates.signing_request_validation import USAGES
from pynetes.apis.core.probe_validation import STOP_SIGNALS

Schema = dict[str, Any]

_EMPTY = "-"
_ACCESS_MODES = "ReadOnlyMany ReadWriteMany ReadWriteOnce ReadWriteOncePod"

# By the definitions' package: fields, and their values in one text (`-` is the empty one).
_TABLE: dict[str, dict[str, str | tuple[str, ...]]] = {
    "io.k8s.api.admissionregistration.v1": {
        "MatchResources.matchPolicy MutatingWebhook.matchPolicy ValidatingWebhook.matchPolicy": "Equivalent Exact",
        "MutatingAdmissionPolicySpec.failurePolicy MutatingWebhook.failurePolicy": "Fail Ignore",
        "ValidatingAdmissionPolicySpec.failurePolicy ValidatingWebhook.failurePolicy": "Fail Ignore",
        "MutatingAdmissionPolicySpec.reinvocationPolicy MutatingWebhook.reinvocationPolicy": "IfNeeded Never",
        "MutatingWebhook.sideEffects ValidatingWebhook.sideEffects": "None NoneOnDryRun Some Unknown",
        "Mutation.patchType": "ApplyConfiguration JSONPatch",
        "NamedRuleWithOperations.operations[] RuleWithOperations.operations[]": "* CONNECT CREATE DELETE UPDATE",
        "NamedRuleWithOperations.scope RuleWithOperations.scope": "* Cluster Namespaced",
        "ValidatingAdmissionPolicyBindingSpec.validationActions[]": "Audit Deny Warn",
    },
    "io.k8s.api.apps.v1": {
        "DaemonSetUpdateStrategy.type StatefulSetUpdateStrategy.type": "OnDelete RollingUpdate",
        "DeploymentStrategy.type": "Recreate RollingUpdate",
        "StatefulSetSpec.podManagementPolicy": "OrderedReady Parallel",
    },
    "io.k8s.api.batch.v1": {
        "CronJobSpec.concurrencyPolicy": "Allow Forbid Replace",
        "JobSpec.completionMode": "Indexed NonIndexed",
        "JobSpec.podReplacementPolicy": "Failed TerminatingOrFailed",
        "PodFailurePolicyOnExitCodesRequirement.operator": "In NotIn",
        "PodFailurePolicyRule.action": "Count FailIndex FailJob Ignore",
    },
    "io.k8s.api.certificates.v1": {
        "CertificateSigningRequestSpec.usages[]": USAGES,
    },
    "io.k8s.api.core.v1": {
        "AppArmorProfile.type SeccompProfile.type": "Localhost RuntimeDefault Unconfined",
        "AzureDiskVolumeSource.cachingMode": "None ReadOnly ReadWrite",
        "AzureDiskVolumeSource.kind": "Dedicated Managed Shared",
        "Container.imagePullPolicy EphemeralContainer.imagePullPolicy ImageVolumeSource.pullPolicy": (
            "Always IfNotPresent Never"
        ),
        "Container.terminationMessagePolicy EphemeralContainer.terminationMessagePolicy": "FallbackToLogsOnError File",
        "ContainerPort.protocol EndpointPort.protocol PortStatus.protocol ServicePort.protocol": "SCTP TCP UDP",
        "ContainerStatus.stopSignal Lifecycle.stopSignal": STOP_SIGNALS,
        "HTTPGetAction.scheme": "HTTP HTTPS",
        "HostPathVolumeSource.type": "- BlockDevice CharDevice Directory DirectoryOrCreate File FileOrCreate Socket",
        "ModifyVolumeStatus.status": "InProgress Infeasible Pending",
        "NamespaceStatus.phase": "Active Terminating",
        "NodeSelectorRequirement.operator": "DoesNotExist Exists Gt In Lt NotIn",
        "NodeStatus.phase": "Pending Running Terminated",
        "PersistentVolumeClaimSpec.accessModes[] PersistentVolumeClaimStatus.accessModes[]": _ACCESS_MODES,
        "PersistentVolumeSpec.accessModes[]": _ACCESS_MODES,
        "PersistentVolumeClaimSpec.volumeMode PersistentVolumeSpec.volumeMode": "Block Filesystem",
        "PersistentVolumeClaimStatus.allocatedResourceStatuses{}": (
            "ControllerResizeInProgress ControllerResizeInfeasible NodeResizeInProgress NodeResizeInfeasible "
            "NodeResizePending"
        ),
        "PersistentVolumeClaimStatus.phase": "Bound Lost Pending",
        "PersistentVolumeSpec.persistentVolumeReclaimPolicy": "Delete Recycle Retain",
        "PersistentVolumeStatus.phase": "Available Bound Failed Pending Released",
        "PodSecurityContext.fsGroupChangePolicy": "Always OnRootMismatch",
        "PodSecurityContext.supplementalGroupsPolicy": "Merge Strict",
        "PodSpec.dnsPolicy": "ClusterFirst ClusterFirstWithHostNet Default None",
        "PodSpec.preemptionPolicy": "Never PreemptLowerPriority",
        "PodSpec.restartPolicy": "Always Never OnFailure",
        "PodStatus.phase": "Failed Pending Running Succeeded Unknown",
        "PodStatus.qosClass": "BestEffort Burstable Guaranteed",
        "ResourceQuotaSpec.scopes[] ScopedResourceSelectorRequirement.scopeName": (
            "BestEffort CrossNamespacePodAffinity NotBestEffort NotTerminating PriorityClass Terminating "
            "VolumeAttributesClass"
        ),
        "ScopedResourceSelectorRequirement.operator": "DoesNotExist Exists In NotIn",
        "SecurityContext.procMount": "Default Unmasked",
        "ServiceSpec.externalTrafficPolicy ServiceSpec.internalTrafficPolicy": "Cluster Local",
        "ServiceSpec.ipFamilies[]": "- IPv4 IPv6",
        "ServiceSpec.ipFamilyPolicy": "PreferDualStack RequireDualStack SingleStack",
        "ServiceSpec.sessionAffinity": "ClientIP None",
        "ServiceSpec.type": "ClusterIP ExternalName LoadBalancer NodePort",
        "Taint.effect Toleration.effect": "NoExecute NoSchedule PreferNoSchedule",
        "Toleration.operator": "Equal Exists Gt Lt",
        "TopologySpreadConstraint.nodeAffinityPolicy TopologySpreadConstraint.nodeTaintsPolicy": "Honor Ignore",
        "TopologySpreadConstraint.whenUnsatisfiable": "DoNotSchedule ScheduleAnyway",
        "VolumeMount.mountPropagation": "Bidirectional HostToContainer None",
    },
    "io.k8s.api.discovery.v1": {
        "EndpointPort.protocol": "SCTP TCP UDP",
        "EndpointSlice.addressType": "FQDN IPv4 IPv6",
    },
    "io.k8s.api.networking.v1": {
        "HTTPIngressPath.pathType": "Exact ImplementationSpecific Prefix",
        "IngressPortStatus.protocol NetworkPolicyPort.protocol": "SCTP TCP UDP",
        "NetworkPolicySpec.policyTypes[]": "Egress Ingress",
    },
    "io.k8s.api.policy.v1": {
        "PodDisruptionBudgetSpec.unhealthyPodEvictionPolicy": "AlwaysAllow IfHealthyBudget",
    },
    "io.k8s.api.resource.v1": {
        "DeviceAllocationConfiguration.source": "FromClaim FromClass",
        "DeviceSubRequest.allocationMode ExactDeviceRequest.allocationMode": "All ExactCount",
        "DeviceTaint.effect DeviceToleration.effect": "NoExecute NoSchedule None",
        "DeviceToleration.operator": "Equal Exists",
    },
    "io.k8s.api.scheduling.v1": {
        "PriorityClass.preemptionPolicy": "Never PreemptLowerPriority",
    },
    "io.k8s.api.storage.v1": {
        "StorageClass.reclaimPolicy": "Delete Recycle Retain",
        "StorageClass.volumeBindingMode": "Immediate WaitForFirstConsumer",
    },
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1": {
        "ValidationRule.reason": "FieldValueDuplicate FieldValueForbidden FieldValueInvalid FieldValueRequired",
    },
}


@cache
def _values(package: str) -> Mapping[tuple[str, str], tuple[str, ...]]:
    """From a definition's short name and a field to the values."""
    out = {}
    for names, values in _TABLE.get(package, {}).items():
        if isinstance(values, str):
            values = tuple("" if value == _EMPTY else value for value in values.split())
        for name in names.split():
            definition, _, field = name.partition(".")
            out[definition, field] = values
    return out


def described(name: str, schema: Schema) -> Schema:
    """The definition with its fields' values; the one that was given is not changed."""
    package, _, short = name.rpartition(".")
    own = {field: values for (definition, field), values in _values(package).items() if definition == short}
    if not own:
        return schema
    fields = dict(schema["properties"])
    for path, values in own.items():
        field = path.rstrip("[]{}")
        fields[field] = _field(fields[field], path.removeprefix(field), list(values))
    return {**schema, "properties": fields}


def _field(schema: Schema, where: str, values: list[str]) -> Schema:
    if where:
        inner = "items" if where == "[]" else "additionalProperties"
        return {**schema, inner: {**schema[inner], "enum": values}}
    listed = "".join(f'\n - `"{value}"`' for value in values)
    text = f"{schema.get('description', '')}\n\nPossible enum values:{listed}"
    return {**schema, "description": text.lstrip(), "enum": values}
