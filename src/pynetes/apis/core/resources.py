"""The resources of the group, for discovery and the registry."""

from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apis.resource import CREATE_ONLY, SCALE, STATUS, Resource, Strategy, Subresource


def _kind(kind: str) -> GroupVersionKind:
    return GroupVersionKind("", "v1", kind)


class _WithStatus(Strategy):
    has_status = True


RESOURCES: tuple[Resource, ...] = (
    Resource(_kind("Binding"), "bindings", namespaced=True, strategy=Strategy(), verbs=CREATE_ONLY),
    Resource(
        _kind("ComponentStatus"),
        "componentstatuses",
        namespaced=False,
        strategy=Strategy(),
        short_names=("cs",),
        verbs=("get", "list"),
    ),
    Resource(_kind("ConfigMap"), "configmaps", namespaced=True, strategy=Strategy(), short_names=("cm",)),
    Resource(_kind("Endpoints"), "endpoints", namespaced=True, strategy=Strategy(), short_names=("ep",)),
    Resource(_kind("Event"), "events", namespaced=True, strategy=Strategy(), short_names=("ev",)),
    Resource(_kind("LimitRange"), "limitranges", namespaced=True, strategy=Strategy(), short_names=("limits",)),
    Resource(
        _kind("Namespace"),
        "namespaces",
        namespaced=False,
        strategy=_WithStatus(),
        short_names=("ns",),
        verbs=("create", "delete", "get", "list", "patch", "update", "watch"),
        subresources=(
            Subresource("finalize", verbs=("update",)),
            STATUS,
        ),
    ),
    Resource(
        _kind("Node"),
        "nodes",
        namespaced=False,
        strategy=_WithStatus(),
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
        namespaced=True,
        strategy=_WithStatus(),
        short_names=("pvc",),
        subresources=(STATUS,),
    ),
    Resource(
        _kind("PersistentVolume"),
        "persistentvolumes",
        namespaced=False,
        strategy=_WithStatus(),
        short_names=("pv",),
        subresources=(STATUS,),
    ),
    Resource(
        _kind("Pod"),
        "pods",
        namespaced=True,
        strategy=_WithStatus(),
        short_names=("po",),
        categories=("all",),
        subresources=(
            Subresource("attach", GroupVersionKind("", "v1", "PodAttachOptions"), verbs=("create", "get")),
            Subresource("binding", GroupVersionKind("", "v1", "Binding"), verbs=("create",)),
            Subresource("ephemeralcontainers"),
            Subresource("eviction", GroupVersionKind("policy", "v1", "Eviction"), verbs=("create",)),
            Subresource("exec", GroupVersionKind("", "v1", "PodExecOptions"), verbs=("create", "get")),
            Subresource("log", verbs=("get",)),
            Subresource("portforward", GroupVersionKind("", "v1", "PodPortForwardOptions"), verbs=("create", "get")),
            Subresource(
                "proxy",
                GroupVersionKind("", "v1", "PodProxyOptions"),
                verbs=("create", "delete", "get", "patch", "update"),
            ),
            Subresource("resize"),
            STATUS,
        ),
    ),
    Resource(_kind("PodTemplate"), "podtemplates", namespaced=True, strategy=Strategy()),
    Resource(
        _kind("ReplicationController"),
        "replicationcontrollers",
        namespaced=True,
        strategy=_WithStatus(),
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
        namespaced=True,
        strategy=_WithStatus(),
        short_names=("quota",),
        subresources=(STATUS,),
    ),
    Resource(_kind("Secret"), "secrets", namespaced=True, strategy=Strategy()),
    Resource(
        _kind("ServiceAccount"),
        "serviceaccounts",
        namespaced=True,
        strategy=Strategy(),
        short_names=("sa",),
        subresources=(
            Subresource("token", GroupVersionKind("authentication.k8s.io", "v1", "TokenRequest"), verbs=("create",)),
        ),
    ),
    Resource(
        _kind("Service"),
        "services",
        namespaced=True,
        strategy=_WithStatus(),
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
