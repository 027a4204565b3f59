"""What becomes of zero values when an object is decoded and written again.

OpenAPI does not say it, but clients see it: the original keeps `replicas: 0` and drops `hostNetwork: false`, shows
`resources: {}` on every container and `lastProbeTime: null` on every pod condition. The rule is general; these tables
name the fields where it is not:

- empty lists and maps, empty texts and nulls are dropped unless the field is required (those of `JUDGED` later, by
  `empties`);
- `0` and `false` are kept: most optional numbers and switches are pointers; `DROPPED` names the ones that are not;
- absent objects stay absent; `ALWAYS` names the ones that are values, not pointers;
- required texts, numbers and switches are always written, the absent ones as the zero value.

A table maps a field to the definitions (last name parts) it holds for; `_ANY` means all, `_but(…)` all but some.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any


class Policy(Enum):
    KEEP = "keep"  # absent if absent; otherwise as given
    DROP = "drop"  # the zero value counts as absent
    JUDGED = "judged"  # an empty list or map is told from an absent one until it is stored, which drops it
    ALWAYS = "always"  # the zero value (an empty object, an empty text, 0, false) stands for an absent one
    NULL = "null"  # shown as null if absent


class _Except(frozenset[str]):
    """All definitions but these."""


def _but(*names: str) -> _Except:
    return _Except(names)


def _only(*names: str) -> frozenset[str]:
    return frozenset(names)


_ANY = _but()
_Table = Mapping[str, frozenset[str]]


def _everywhere(names: str) -> dict[str, frozenset[str]]:
    """For fields of this name in any definition."""
    return dict.fromkeys(names.split(), _ANY)


DROPPED: _Table = {
    **_everywhere(
        "active authenticated availableReplicas chapAuthDiscovery chapAuthSession clusterScope code "
        "currentReplicas denied deprecated deprecatedCount exclusiveMaximum exclusiveMinimum failed "
        "failureThreshold fullyLabeledReplicas generation globalDefault healthCheckNodePort hostIPC hostNetwork "
        "hostPID hostPort initialDelaySeconds insecureSkipTLSVerify minReadySeconds nodePort nullable "
        "numberAvailable numberUnavailable paused periodSeconds preserveUnknownFields publishNotReadyAddresses "
        "readyReplicas retryAfterSeconds signal sizeBytes sslEnabled stdin stdinOnce succeeded successThreshold "
        "tty unavailableReplicas uniqueItems unschedulable updatedNumberScheduled updatedReplicas "
        "x-kubernetes-embedded-resource x-kubernetes-int-or-string"
    ),
    "count": _but("VolumeNodeResources"),
    "number": _only("ServiceBackendPort"),
    "observedGeneration": _but("HorizontalPodAutoscalerStatus"),
    "partition": _only("GCEPersistentDiskVolumeSource", "AWSElasticBlockStoreVolumeSource"),
    "priority": _only("CustomResourceColumnDefinition"),
    "readOnly": _but("AzureDiskVolumeSource", "CSIVolumeSource"),
    "replicas": _only("ScaleSpec", "DeploymentStatus"),
    "timeoutSeconds": _only("Probe"),
}

# Texts that are pointers: the empty one says something (or is a wrong choice that validation must see).
EMPTY_TEXT_KEPT: _Table = {
    **_everywhere(
        "$ref appProtocol cachingMode completionMode deprecationWarning endpointsNamespace "
        "extendedResourceName failedIndexes failurePolicy fsGroupChangePolicy fsGroupPolicy gmsaCredentialSpec "
        "gmsaCredentialSpecName holderIdentity hostnameOverride ingressClassName initiatorName "
        "internalTrafficPolicy ipFamilyPolicy ipMode loadBalancerClass localhostProfile managedBy matchPolicy "
        "mountPropagation nodeAffinityPolicy nodeTaintsPolicy parameterNotFoundAction persistentVolumeName "
        "podReplacementPolicy preemptionPolicy preferredHolder procMount propagationPolicy reclaimPolicy "
        "recursiveReadOnly resourceClaimName resourceClaimTemplateName runAsUserName runtimeClassName "
        "seLinuxChangePolicy scope selectPolicy service shareID stopSignal succeededIndexes "
        "supplementalGroupsPolicy timeZone trafficDistribution unhealthyPodEvictionPolicy "
        "volumeAttributesClassName volumeBindingMode volumeMode capacityKey currentVolumeAttributesClassName "
        "distinctAttribute labelSelectorPath matchAttribute podGroupName x-kubernetes-list-type "
        "x-kubernetes-map-type zone"
    ),
    "apiGroup": _only("IngressClassParametersReference", "TypedObjectReference", "TypedLocalObjectReference"),
    "containerName": _only("PodFailurePolicyOnExitCodesRequirement"),
    "error": _only("PortStatus", "IngressPortStatus"),
    "fsType": _only("AzureDiskVolumeSource", "CSIVolumeSource", "LocalVolumeSource"),
    "hostname": _only("Endpoint"),
    "kind": _only("AzureDiskVolumeSource"),
    "message": _only("ResourceHealth"),
    "name": _only("EndpointPort@discovery", "ClusterTrustBundleProjection"),
    "namespace": _only("IngressClassParametersReference", "TypedObjectReference"),
    "nodeName": _only("EndpointAddress", "Endpoint", "Device", "ResourceSliceSpec"),
    "path": _only("ServiceReference"),
    "protocol": _only("NetworkPolicyPort", "EndpointPort@discovery"),
    "reason": _only("Validation", "ValidationRule"),
    "reinvocationPolicy": _only("MutatingWebhook"),
    "resourceVersion": _only("Preconditions"),
    "restartPolicy": _only("Container", "EphemeralContainer"),
    "signerName": _only("ClusterTrustBundleProjection"),
    "storageClassName": _only("PersistentVolumeClaimSpec"),
    "strategy": _only("LeaseSpec"),
    "string": _only("DeviceAttribute"),
    "type": _only("HostPathVolumeSource"),
    "uid": _only("Preconditions"),
    "url": _only("WebhookClientConfig"),
    "value": _only("PodDNSConfigOption"),
    "version": _only("DeviceAttribute"),
}

EMPTY_LIST_KEPT: _Table = {
    "audiences": _only("TokenRequestSpec"),
    "conditions": _only("CustomResourceDefinitionStatus"),
    "policies": _only("HPAScalingRules"),
    "storedVersions": _only("CustomResourceDefinitionStatus"),
}

# What Go tells from nothing as long as it is in memory, and validation or admission asks for or shows.
JUDGED: _Table = {
    **_everywhere("bindingConditions bindingFailureConditions sharedCounters"),
    "capacity": _only("PersistentVolumeSpec"),
    "cidrs": _only("ServiceCIDRSpec"),
    "claims": _only("ResourceRequirements"),
    "devices": _only("ResourceSliceSpec"),
    "finalizers": _only("ObjectMeta"),
    "labels": _only("ObjectMeta"),
    "managedFields": _only("ObjectMeta"),
    "overhead": _only("PodSpec"),
    "ownerReferences": _only("ObjectMeta"),
    "parameters": _only("StorageClass"),
    "ports": _only("EphemeralContainer"),
    "resizePolicy": _only("EphemeralContainer"),
    "restartPolicyRules": _only("EphemeralContainer"),
    "supplementalGroups": _only("PodSecurityContext"),
}

ALWAYS: _Table = {
    **_everywhere(
        "spec metadata backend roleRef scaleTargetRef describedObject target metric current jobTemplate "
        "podAffinityTerm preference involvedObject regarding deprecatedSource loadBalancer devices userInfo "
        "updateStrategy state lastState daemonEndpoints kubeletEndpoint nodeInfo acceptedNames limitResponse "
        "priorityLevelConfiguration preferredVersion"
    ),
    "clientConfig": _but("WebhookConversion"),
    "conditions": _only("Endpoint"),
    "names": _only("CustomResourceDefinitionSpec"),
    "podSelector": _only("NetworkPolicySpec"),
    "pool": _only("ResourceSliceSpec"),
    "port": _only("IngressServiceBackend"),
    "resources": _only("Container", "EphemeralContainer", "PersistentVolumeClaimSpec"),
    "source": _only("VolumeAttachmentSpec", "Event@core"),
    "status": _but("ResourcePoolStatusRequest", "CustomResourceSubresources"),
    "strategy": _only("DeploymentSpec"),
    "template": _but("ReplicationControllerSpec"),
    "user": _only("TokenReviewStatus"),
}

# Optional, and written as if they were required.
ALWAYS_SCALAR: _Table = {
    **_everywhere(
        "currentHealthy desiredHealthy disruptionsAllowed divisor expectedPods handSize matchingPrecedence "
        "queueLengthLimit queues targetPort"
    ),
    "apiGroup": _only("RoleRef"),
    "availableReplicas": _only("StatefulSetStatus"),
    "name": _only("NodeRuntimeHandler"),
    "reportingComponent": _only("Event@core"),
    "reportingInstance": _only("Event@core"),
    "serviceName": _only("StatefulSetSpec"),
    "start": _only("StatefulSetOrdinals"),
    "status": _only("PodFailurePolicyOnPodConditionsPattern"),
    "token": _only("TokenRequestStatus"),
    "value": _only("PriorityClass"),
}

# Required, and left out if empty all the same.
OMITTED: _Table = {
    "action": _only("ContainerRestartRule"),
    "imageRef": _only("ImageVolumeStatus"),
    "keyType": _only("PodCertificateProjection"),
    "min": _only("CapacityRequestPolicyRange"),
    "name": _only("ParentReference"),
    "operator": _only("ContainerRestartRuleOnExitCodes"),
    "policyName": _only("ValidatingAdmissionPolicyBindingSpec"),
    "resource": _only("ParentReference"),
    "signerName": _only("PodCertificateProjection"),
    "token": _only("TokenReviewSpec"),
}

NULL_SHOWN: _Table = {
    **_everywhere(
        "deprecatedFirstTimestamp deprecatedLastTimestamp eventTime expirationTimestamp finishedAt firstTimestamp "
        "lastHeartbeatTime lastObservedTime lastProbeTime lastTimestamp lastTransitionTime lastUpdateTime startedAt"
    ),
    "apiGroup": _only("TypedObjectReference", "TypedLocalObjectReference"),
    "conditions": _only("AllocatedDeviceStatus"),
    "currentMetrics": _only("HorizontalPodAutoscalerStatus"),
    "data": _only("ControllerRevision"),
    "default": _only("CapacityRequestPolicy"),
    "drivers": _only("CSINodeSpec"),
    "endpoints": _only("EndpointSlice"),
    "limits": _only("LimitRangeSpec"),
    "names": _only("ContainerImage"),
    "namespaces": _only("ResourcePolicyRule"),
    "pathType": _only("HTTPIngressPath"),
    "ports": _only("EndpointSlice"),
    "requests": _only("DeviceClaim"),
    "rules": _only("Role", "ClusterRole", "PodFailurePolicy", "SuccessPolicy"),
    "secretNamespace": _only("AzureFilePersistentVolumeSource"),
    "sideEffects": _only("MutatingWebhook", "ValidatingWebhook"),
    "sources": _only("ProjectedVolumeSource"),
    "time": _only("VolumeError"),
    "topologyKeys": _only("CSINodeDriver"),
}

_ZERO: dict[str, Any] = {
    "string": "",
    "boolean": False,
    "int32": 0,
    "int64": 0,
    "number": 0,
    "quantity": "0",
    "int_or_string": 0,
}


def zero_of(kind: str) -> Any:
    """What a scalar of the kind is if nobody says; None for other kinds."""
    return _ZERO.get(kind)


def _holds(table: _Table, field: str, definition: str) -> bool:
    found = table.get(field)
    if found is None:
        return False
    parts = definition.split(".")
    short = parts[-1]
    listed = short in found or (len(parts) > 2 and f"{short}@{parts[-3]}" in found)
    return not listed if isinstance(found, _Except) else listed


def is_text_pointer(field: str) -> bool:
    """Whether a text of this name is a pointer in every definition."""
    return EMPTY_TEXT_KEPT.get(field) is _ANY


def policy(definition: str, field: str, kind: str, required: bool) -> Policy:
    """What holds for one field of a definition; `kind` as in `types.Type`."""
    if kind == "object" and _holds(ALWAYS, field, definition):
        return Policy.ALWAYS
    if _holds(NULL_SHOWN, field, definition):
        return Policy.NULL
    if kind in ("time", "micro_time"):
        return Policy.DROP
    if required and _holds(OMITTED, field, definition):
        return Policy.DROP
    if kind in _ZERO and (required or _holds(ALWAYS_SCALAR, field, definition)):
        return Policy.ALWAYS
    if required or kind in ("object", "any", "raw", "int_or_string", "quantity", "schema_or"):
        return Policy.KEEP
    if kind in ("boolean", "int32", "int64", "number"):
        return Policy.DROP if _holds(DROPPED, field, definition) else Policy.KEEP
    if kind == "list" and _holds(EMPTY_LIST_KEPT, field, definition):
        return Policy.KEEP
    if kind in ("list", "map") and _holds(JUDGED, field, definition):
        return Policy.JUDGED
    if kind == "string" and _holds(EMPTY_TEXT_KEPT, field, definition):
        return Policy.KEEP
    return Policy.DROP
