"""How Go calls the types that the schema knows only as texts, numbers and maps: `v1.DNSPolicy`, `v1.ResourceList`.

Go's decoder names them when a value does not fit. A name without a package is of the definition's own; what a list
holds stands behind `[]`, what a map holds behind `]`.
"""

import re
from functools import cache

from pynetes.apimachinery.schema.definitions import all_definitions

_BARE = re.compile(r"(?<![\w.])[A-Z]\w*(?!\w*\.)")  # a name without a package

# By field, in whatever definition.
_ANYWHERE = {
    "$schema": "JSONSchemaURL",
    "accessModes": "[]PersistentVolumeAccessMode",
    "add": "[]Capability",
    "addressType": "AddressType",
    "allocatedResourceStatuses": "map[ResourceName]ClaimResourceStatus",
    "allocatedResources": "ResourceList",
    "allocationMode": "DeviceAllocationMode",
    "attributes": "map[QualifiedName]DeviceAttribute",
    "cachingMode": "AzureDataDiskCachingMode",
    "capacityKey": "QualifiedName",
    "completionMode": "CompletionMode",
    "concurrencyPolicy": "ConcurrencyPolicy",
    "conditionType": "PodConditionType",
    "consumedCapacity": "map[QualifiedName]resource.Quantity",
    "defaultRequest": "ResourceList",
    "definitions": "JSONSchemaDefinitions",
    "dependencies": "JSONSchemaDependencies",
    "disruptionMode": "DisruptionMode",
    "distinctAttribute": "FullyQualifiedName",
    "dnsPolicy": "DNSPolicy",
    "drop": "[]Capability",
    "externalTrafficPolicy": "ServiceExternalTrafficPolicy",
    "extra": "map[string]ExtraValue",
    "failurePolicy": "FailurePolicyType",
    "fsGroupChangePolicy": "PodFSGroupChangePolicy",
    "fsGroupPolicy": "FSGroupPolicy",
    "hard": "ResourceList",
    "health": "ResourceHealthStatus",
    "imagePullPolicy": "PullPolicy",
    "internalTrafficPolicy": "ServiceInternalTrafficPolicy",
    "ipFamilies": "[]IPFamily",
    "ipFamilyPolicy": "IPFamilyPolicy",
    "ipMode": "LoadBalancerIPMode",
    "matchAttribute": "FullyQualifiedName",
    "matchPolicy": "MatchPolicyType",
    "maxLimitRequestRatio": "ResourceList",
    "medium": "StorageMedium",
    "mountPropagation": "MountPropagationMode",
    "nodeAffinityPolicy": "NodeInclusionPolicy",
    "nodeTaintsPolicy": "NodeInclusionPolicy",
    "nodeUID": "types.UID",
    "operation": "ManagedFieldsOperationType",
    "parameterNotFoundAction": "ParameterNotFoundActionType",
    "patchType": "PatchType",
    "pathType": "PathType",
    "persistentVolumeReclaimPolicy": "PersistentVolumeReclaimPolicy",
    "podFixed": "ResourceList",
    "podManagementPolicy": "PodManagementPolicyType",
    "podReplacementPolicy": "PodReplacementPolicy",
    "podUID": "types.UID",
    "policyTypes": "[]PolicyType",
    "preemptionPolicy": "PreemptionPolicy",
    "procMount": "ProcMountType",
    "propagationPolicy": "DeletionPropagation",
    "protocol": "Protocol",
    "pullPolicy": "PullPolicy",
    "qosClass": "PodQOSClass",
    "reclaimPolicy": "PersistentVolumeReclaimPolicy",
    "recursiveReadOnly": "RecursiveReadOnlyMode",
    "reinvocationPolicy": "v1.ReinvocationPolicyType",
    "resize": "PodResizeStatus",
    "resourceID": "ResourceID",
    "scheme": "URIScheme",
    "scopeName": "ResourceQuotaScope",
    "scopes": "[]ResourceQuotaScope",
    "seLinuxChangePolicy": "PodSELinuxChangePolicy",
    "selectPolicy": "ScalingPolicySelect",
    "serviceAccountUID": "types.UID",
    "sessionAffinity": "ServiceAffinity",
    "sideEffects": "SideEffectClass",
    "stopSignal": "Signal",
    "terminationMessagePolicy": "TerminationMessagePolicy",
    "unhealthyPodEvictionPolicy": "UnhealthyPodEvictionPolicyType",
    "usages": "[]KeyUsage",
    "used": "ResourceList",
    "validationActions": "[]ValidationAction",
    "volumeBindingMode": "VolumeBindingMode",
    "volumeLifecycleModes": "[]VolumeLifecycleMode",
    "volumeMode": "PersistentVolumeMode",
    "volumesInUse": "[]UniqueVolumeName",
    "whenDeleted": "PersistentVolumeClaimRetentionPolicyType",
    "whenScaled": "PersistentVolumeClaimRetentionPolicyType",
    "whenUnsatisfiable": "UnsatisfiableConstraintAction",
    "x-kubernetes-validations": "ValidationRules",
}

# By definition (`Name@group` where groups differ) and field.
_WITHIN = {
    "APIResource": {"verbs": "Verbs"},
    "AppArmorProfile": {"type": "AppArmorProfileType"},
    "AttachedVolume": {"name": "UniqueVolumeName"},
    "AzureDiskVolumeSource": {"kind": "AzureDataDiskKind"},
    "BasicDevice": {
        "capacity": "map[QualifiedName]DeviceCapacity",
        "nodeAllocatableResourceMappings": "map[v1.ResourceName]NodeAllocatableResourceMapping",
    },
    "BoundObjectReference": {"uid": "types.UID"},
    "CapacityRequirements": {"requests": "map[QualifiedName]resource.Quantity"},
    "CertificateSigningRequestCondition": {"type": "RequestConditionType"},
    "ConfigMapNodeConfigSource": {"uid": "types.UID"},
    "Container": {"restartPolicy": "ContainerRestartPolicy"},
    "ContainerResizePolicy": {"resourceName": "ResourceName", "restartPolicy": "ResourceResizeRestartPolicy"},
    "ContainerResourceMetricSource": {"name": "v1.ResourceName"},
    "ContainerResourceMetricStatus": {"name": "v1.ResourceName"},
    "ContainerRestartRule": {"action": "ContainerRestartRuleAction"},
    "ContainerRestartRuleOnExitCodes": {"operator": "ContainerRestartRuleOnExitCodesOperator"},
    "CustomResourceConversion": {"strategy": "ConversionStrategyType"},
    "CustomResourceDefinitionSpec": {"scope": "ResourceScope"},
    "DaemonSetUpdateStrategy": {"type": "DaemonSetUpdateStrategyType"},
    "DeploymentStrategy": {"type": "DeploymentStrategyType"},
    "Device": {
        "capacity": "map[QualifiedName]DeviceCapacity",
        "nodeAllocatableResourceMappings": "map[ResourceName]NodeAllocatableResourceMapping",
    },
    "DeviceAllocationConfiguration": {"source": "AllocationConfigSource"},
    "DeviceRequestAllocationResult": {"shareID": "types.UID"},
    "DeviceTaint": {"effect": "DeviceTaintEffect"},
    "DeviceToleration": {"effect": "DeviceTaintEffect", "operator": "DeviceTolerationOperator"},
    "EphemeralContainer": {"restartPolicy": "ContainerRestartPolicy"},
    "FieldSelectorRequirement": {"operator": "FieldSelectorOperator"},
    "FlowDistinguisherMethod": {"type": "FlowDistinguisherMethodType"},
    "HPAScalingPolicy": {"type": "HPAScalingPolicyType"},
    "HostPathVolumeSource": {"type": "HostPathType"},
    "LabelSelectorRequirement": {"operator": "LabelSelectorOperator"},
    "LeaseCandidateSpec": {"strategy": "v1.CoordinatedLeaseStrategy"},
    "LeaseSpec": {"strategy": "CoordinatedLeaseStrategy"},
    "LimitRangeItem": {"default": "ResourceList", "max": "ResourceList", "min": "ResourceList", "type": "LimitType"},
    "LimitResponse": {"type": "LimitResponseType"},
    "MetricSpec": {"type": "MetricSourceType"},
    "MetricStatus": {"type": "MetricSourceType"},
    "MetricTarget": {"type": "MetricTargetType"},
    "ModifyVolumeStatus": {"status": "PersistentVolumeClaimModifyVolumeStatus"},
    "NamedRuleWithOperations": {"operations": "[]OperationType", "scope": "ScopeType"},
    "NamespaceSpec": {"finalizers": "[]FinalizerName"},
    "NamespaceStatus": {"phase": "NamespacePhase"},
    "NodeAddress": {"type": "NodeAddressType"},
    "NodeAllocatableResourceClaimStatus": {"resources": "map[ResourceName]resource.Quantity"},
    "NodeSelectorRequirement": {"operator": "NodeSelectorOperator"},
    "NodeStatus": {"allocatable": "ResourceList", "capacity": "ResourceList", "phase": "NodePhase"},
    "ObjectMeta": {"uid": "types.UID"},
    "ObjectReference": {"uid": "types.UID"},
    "OwnerReference": {"uid": "types.UID"},
    "PersistentVolumeClaimStatus": {"capacity": "ResourceList", "phase": "PersistentVolumeClaimPhase"},
    "PersistentVolumeSpec": {"capacity": "ResourceList"},
    "PersistentVolumeStatus": {"phase": "PersistentVolumePhase"},
    "PodCertificateRequestSpec": {"nodeName": "types.NodeName"},
    "PodFailurePolicyOnExitCodesRequirement": {"operator": "PodFailurePolicyOnExitCodesOperator"},
    "PodFailurePolicyOnPodConditionsPattern": {"status": "ConditionStatus", "type": "PodConditionType"},
    "PodFailurePolicyRule": {"action": "PodFailurePolicyAction"},
    "PodOS": {"name": "OSName"},
    "PodSecurityContext": {"supplementalGroupsPolicy": "SupplementalGroupsPolicy"},
    "PodSpec": {"overhead": "ResourceList", "restartPolicy": "RestartPolicy"},
    "PodStatus": {"phase": "PodPhase"},
    "Preconditions": {"uid": "types.UID"},
    "PriorityLevelConfigurationSpec": {"type": "PriorityLevelEnablement"},
    "ResourceClaimConsumerReference": {"uid": "types.UID"},
    "ResourceMetricSource": {"name": "v1.ResourceName"},
    "ResourceMetricStatus": {"name": "v1.ResourceName"},
    "ResourceRequirements": {"limits": "ResourceList", "requests": "ResourceList"},
    "ResourceStatus": {"name": "ResourceName"},
    "RuleWithOperations": {"operations": "[]OperationType", "scope": "ScopeType"},
    "ScopedResourceSelectorRequirement": {"operator": "ScopeSelectorOperator"},
    "SeccompProfile": {"type": "SeccompProfileType"},
    "Secret": {"type": "SecretType"},
    "ServiceSpec": {"type": "ServiceType"},
    "StatefulSetUpdateStrategy": {"type": "StatefulSetUpdateStrategyType"},
    "Status": {"reason": "StatusReason"},
    "StatusCause": {"reason": "CauseType"},
    "StatusDetails": {"uid": "types.UID"},
    "Subject@flowcontrol": {"kind": "SubjectKind"},
    "Taint": {"effect": "TaintEffect"},
    "Toleration": {"effect": "TaintEffect", "operator": "TolerationOperator"},
    "UncountedTerminatedPods": {"failed": "[]types.UID", "succeeded": "[]types.UID"},
    "Validation": {"reason": "StatusReason"},
    "ValidationRule": {"reason": "FieldValueErrorReason"},
    "VolumeResourceRequirements": {"limits": "ResourceList", "requests": "ResourceList"},
}

_MAPS = ("ResourceList", "JSONSchemaDefinitions", "JSONSchemaDependencies")
_SLICES = ("ExtraValue", "ValidationRules", "Verbs")


@cache
def form_of(name: str) -> str:
    """What values of a type are to Go: map, slice, struct, or a scalar by its own name."""
    short = name.rpartition(".")[2]
    if name.startswith("map[") or short in _MAPS:
        return "map"
    if name.startswith("[]") or short in _SLICES:
        return "slice"
    if "." not in name:
        return name
    return "struct" if short in _structs() else "string"


@cache
def _structs() -> frozenset[str]:
    return frozenset(name.rpartition(".")[2] for name in all_definitions())


@cache
def type_name(definition: str, field: str) -> str | None:
    """None if the schema's own word is Go's."""
    *_, group, version, short = definition.split(".")
    within = _WITHIN.get(short) or _WITHIN.get(f"{short}@{group}") or {}
    name = within.get(field) or _ANYWHERE.get(field)
    if name is None and short.endswith("Condition"):
        name = _of_condition(short, field)
    return _BARE.sub(rf"{version}.\g<0>", name) if name else None


def _of_condition(short: str, field: str) -> str | None:
    if field == "status":
        return "v1.ConditionStatus"
    return f"{short}Type" if field == "type" and short != "Condition" else None
