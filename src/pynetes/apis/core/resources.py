"""The resources of the group, for discovery and the registry."""

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apis.core import columns
from pynetes.apis.core.binding import BindingStrategy
from pynetes.apis.core.config_map import ConfigMapStrategy
from pynetes.apis.core.endpoints import EndpointsStrategy
from pynetes.apis.core.event import EventStrategy
from pynetes.apis.core.limit_range import LimitRangeStrategy
from pynetes.apis.core.namespace import FinalizeStrategy, NamespaceStrategy
from pynetes.apis.core.node import NodeStrategy
from pynetes.apis.core.persistent_volume import PersistentVolumeStrategy
from pynetes.apis.core.persistent_volume_claim import PersistentVolumeClaimStrategy
from pynetes.apis.core.pod import EphemeralContainersStrategy, PodStrategy, ResizeStrategy
from pynetes.apis.core.pod_columns import COLUMNS as POD_COLUMNS
from pynetes.apis.core.pod_columns import row_conditions
from pynetes.apis.core.pod_template_object import PodTemplateStrategy
from pynetes.apis.core.replication_controller import ReplicationControllerStrategy
from pynetes.apis.core.resource_quota import ResourceQuotaStrategy
from pynetes.apis.core.secret import SecretStrategy
from pynetes.apis.core.service import ServiceStrategy
from pynetes.apis.core.service_account import ServiceAccountStrategy
from pynetes.apis.resource import CREATE_ONLY, SCALE, STATUS, Resource, Strategy, Subresource


def _kind(kind: str) -> GroupVersionKind:
    return GroupVersionKind("", "v1", kind)


RESOURCES: tuple[Resource, ...] = (
    Resource(_kind("Binding"), "bindings", namespaced=True, strategy=BindingStrategy(), verbs=CREATE_ONLY),
    Resource(
        _kind("ComponentStatus"),
        "componentstatuses",
        columns=columns.COMPONENT_STATUS,
        deprecation="v1 ComponentStatus is deprecated in v1.19+",
        namespaced=False,
        strategy=Strategy(),
        short_names=("cs",),
        verbs=("get", "list"),
    ),
    Resource(
        _kind("ConfigMap"),
        "configmaps",
        columns=columns.CONFIG_MAP,
        namespaced=True,
        strategy=ConfigMapStrategy(),
        short_names=("cm",),
    ),
    Resource(
        _kind("Endpoints"),
        "endpoints",
        columns=columns.ENDPOINTS,
        deprecation="v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
        namespaced=True,
        strategy=EndpointsStrategy(),
        short_names=("ep",),
    ),
    Resource(
        _kind("Event"),
        "events",
        columns=columns.EVENT,
        namespaced=True,
        strategy=EventStrategy(),
        short_names=("ev",),
        expires=True,
    ),
    Resource(
        _kind("LimitRange"), "limitranges", namespaced=True, strategy=LimitRangeStrategy(), short_names=("limits",)
    ),
    Resource(
        _kind("Namespace"),
        "namespaces",
        columns=columns.NAMESPACE,
        namespaced=False,
        strategy=NamespaceStrategy(),
        short_names=("ns",),
        verbs=("create", "delete", "get", "list", "patch", "update", "watch"),
        subresources=(
            Subresource("finalize", verbs=("update",), strategy=FinalizeStrategy()),
            STATUS,
        ),
    ),
    Resource(
        _kind("Node"),
        "nodes",
        columns=columns.NODE,
        namespaced=False,
        strategy=NodeStrategy(),
        short_names=("no",),
        subresources=(
            Subresource(
                "proxy",
                GroupVersionKind("", "v1", "NodeProxyOptions"),
                verbs=("create", "delete", "get", "patch", "update"),
            ),
            STATUS,
        ),
    ),
    Resource(
        _kind("PersistentVolumeClaim"),
        "persistentvolumeclaims",
        columns=columns.PERSISTENT_VOLUME_CLAIM,
        namespaced=True,
        strategy=PersistentVolumeClaimStrategy(),
        short_names=("pvc",),
        subresources=(STATUS,),
    ),
    Resource(
        _kind("PersistentVolume"),
        "persistentvolumes",
        columns=columns.PERSISTENT_VOLUME,
        namespaced=False,
        strategy=PersistentVolumeStrategy(),
        short_names=("pv",),
        subresources=(STATUS,),
    ),
    Resource(
        _kind("Pod"),
        "pods",
        columns=POD_COLUMNS,
        row_conditions=row_conditions,
        namespaced=True,
        strategy=PodStrategy(),
        indexed_field="spec.nodeName",
        short_names=("po",),
        categories=("all",),
        subresources=(
            Subresource("attach", GroupVersionKind("", "v1", "PodAttachOptions"), verbs=("create", "get")),
            Subresource("binding", GroupVersionKind("", "v1", "Binding"), verbs=("create",)),
            Subresource("ephemeralcontainers", strategy=EphemeralContainersStrategy()),
            Subresource("eviction", GroupVersionKind("policy", "v1", "Eviction"), verbs=("create",)),
            Subresource("exec", GroupVersionKind("", "v1", "PodExecOptions"), verbs=("create", "get")),
            Subresource("log", verbs=("get",)),
            Subresource("portforward", GroupVersionKind("", "v1", "PodPortForwardOptions"), verbs=("create", "get")),
            Subresource(
                "proxy",
                GroupVersionKind("", "v1", "PodProxyOptions"),
                verbs=("create", "delete", "get", "patch", "update"),
            ),
            Subresource("resize", strategy=ResizeStrategy()),
            STATUS,
        ),
    ),
    Resource(
        _kind("PodTemplate"),
        "podtemplates",
        columns=columns.POD_TEMPLATE,
        namespaced=True,
        strategy=PodTemplateStrategy(),
    ),
    Resource(
        _kind("ReplicationController"),
        "replicationcontrollers",
        columns=columns.REPLICATION_CONTROLLER,
        namespaced=True,
        strategy=ReplicationControllerStrategy(),
        short_names=("rc",),
        categories=("all",),
        subresources=(
            SCALE,
            STATUS,
        ),
    ),
    Resource(
        _kind("ResourceQuota"),
        "resourcequotas",
        columns=columns.RESOURCE_QUOTA,
        namespaced=True,
        strategy=ResourceQuotaStrategy(),
        short_names=("quota",),
        subresources=(STATUS,),
    ),
    Resource(_kind("Secret"), "secrets", columns=columns.SECRET, namespaced=True, strategy=SecretStrategy()),
    Resource(
        _kind("ServiceAccount"),
        "serviceaccounts",
        columns=columns.SERVICE_ACCOUNT,
        namespaced=True,
        strategy=ServiceAccountStrategy(),
        short_names=("sa",),
        subresources=(
            Subresource("token", GroupVersionKind("authentication.k8s.io", "v1", "TokenRequest"), verbs=("create",)),
        ),
    ),
    Resource(
        _kind("Service"),
        "services",
        columns=columns.SERVICE,
        namespaced=True,
        strategy=ServiceStrategy(),
        short_names=("svc",),
        categories=("all",),
        subresources=(
            Subresource(
                "proxy",
                GroupVersionKind("", "v1", "ServiceProxyOptions"),
                verbs=("create", "delete", "get", "patch", "update"),
            ),
            STATUS,
        ),
    ),
)
