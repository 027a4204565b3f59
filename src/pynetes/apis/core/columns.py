"""Table columns of the core kinds, pods apart."""

from typing import Any

from pynetes.apimachinery.meta import get_condition
from pynetes.apimachinery.quantity import parse as parse_quantity
from pynetes.apis.cells import (
    NONE,
    UNSET,
    at,
    container_images,
    container_names,
    count,
    field,
    labels_text,
    load_balancer_addresses,
    number,
    shortened,
    template_columns,
)
from pynetes.apis.resource import AGE, NAME, Column, Object, age_since, schema_text

UNKNOWN = "<unknown>"
NODE_ROLE_PREFIX = "node-role.kubernetes.io/"
_ACCESS_MODES = {
    "ReadWriteOnce": "RWO",
    "ReadOnlyMany": "ROX",
    "ReadWriteMany": "RWX",
    "ReadWriteOncePod": "RWOP",
}
_CLASS_ANNOTATION = "volume.beta.kubernetes.io/storage-class"


# Services


def _external_ip(service: Object) -> str:
    spec = service["spec"]
    external = list(spec.get("externalIPs") or ())
    match spec.get("type"):
        case "ClusterIP" | "NodePort":
            return ",".join(external) or NONE
        case "LoadBalancer":
            addresses = load_balancer_addresses(at(service, "status", "loadBalancer"))
            return ",".join(addresses + external) or "<pending>"
        case "ExternalName":
            return str(spec.get("externalName") or "")
    return UNKNOWN


def _ports(service: Object) -> str:
    texts = []
    for port in service["spec"].get("ports") or ():
        node_port = f":{port['nodePort']}" if port.get("nodePort") else ""
        texts.append(f"{port.get('port', 0)}{node_port}/{port.get('protocol', '')}")
    return ",".join(texts) or NONE


def _cluster_ip(service: Object) -> str:
    ips = service["spec"].get("clusterIPs") or ()
    return ips[0] if ips else NONE


SERVICE = (
    NAME,
    Column("Type", field("spec", "type"), description=schema_text("core.v1.ServiceSpec.type")),
    Column("Cluster-IP", _cluster_ip, description=schema_text("core.v1.ServiceSpec.clusterIP")),
    Column("External-IP", _external_ip, description=schema_text("core.v1.ServiceSpec.externalIPs")),
    Column("Port(s)", _ports, description=schema_text("core.v1.ServiceSpec.ports")),
    AGE,
    Column(
        "Selector",
        lambda o: labels_text(o["spec"].get("selector")),
        description=schema_text("core.v1.ServiceSpec.selector"),
        priority=1,
    ),
)


# Endpoints


def _host_port(ip: str, port: int) -> str:
    return f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"


def _endpoints(endpoints: Object) -> str:
    subsets = endpoints.get("subsets") or ()
    if not subsets:
        return NONE
    texts: list[str] = []
    for subset in subsets:
        ips = [a.get("ip") or "" for a in subset.get("addresses") or ()]
        ports = subset.get("ports") or ()
        if not ports:
            texts += ips
        texts += [_host_port(ip, port.get("port", 0)) for port in ports for ip in ips]
    return shortened(texts)


ENDPOINTS = (
    NAME,
    Column("Endpoints", _endpoints, description=schema_text("core.v1.Endpoints.subsets")),
    AGE,
)


# Nodes


def _node_status(node: Object) -> str:
    ready = get_condition(at(node, "status", "conditions"), "Ready")
    words = ["Unknown" if ready is None else "Ready" if ready.get("status") == "True" else "NotReady"]
    if at(node, "spec", "unschedulable"):
        words.append("SchedulingDisabled")
    return ",".join(words)


def _node_roles(node: Object) -> str:
    roles = set()
    for key, value in (node["metadata"].get("labels") or {}).items():
        if key.startswith(NODE_ROLE_PREFIX):
            roles.add(key.removeprefix(NODE_ROLE_PREFIX))
        elif key == "kubernetes.io/role":
            roles.add(value)
    return ",".join(sorted(roles - {""})) or NONE


def _address(type: str) -> Any:
    def cell(node: Object) -> str:
        addresses = at(node, "status", "addresses") or ()
        return next((a.get("address") or "" for a in addresses if a.get("type") == type), NONE)

    return cell


def _node_info(key: str) -> Any:
    return lambda node: at(node, "status", "nodeInfo", key) or UNKNOWN


def _kernel(node: Object) -> str:
    architecture = at(node, "status", "nodeInfo", "architecture")
    kernel = str(_node_info("kernelVersion")(node))
    return f"{kernel} ({architecture})" if architecture else kernel


_INFO = "core.v1.NodeSystemInfo."
_ADDRESSES = schema_text("core.v1.NodeStatus.addresses")
NODE = (
    NAME,
    Column("Status", _node_status, description="The status of the node"),
    Column("Roles", _node_roles, description="The roles of the node"),
    AGE,
    Column(
        "Version",
        field("status", "nodeInfo", "kubeletVersion"),
        description=schema_text(_INFO + "kubeletVersion"),
    ),
    Column("Internal-IP", _address("InternalIP"), description=_ADDRESSES, priority=1),
    Column("External-IP", _address("ExternalIP"), description=_ADDRESSES, priority=1),
    Column("OS-Image", _node_info("osImage"), description=schema_text(_INFO + "osImage"), priority=1),
    Column("Kernel-Version", _kernel, description=schema_text(_INFO + "kernelVersion"), priority=1),
    Column(
        "Container-Runtime",
        _node_info("containerRuntimeVersion"),
        description=schema_text(_INFO + "containerRuntimeVersion"),
        priority=1,
    ),
)


# Events (core/v1 and events.k8s.io/v1 print alike; the cells read core's names)


def _since(timestamp: str | None) -> str:
    return age_since(timestamp)


def _first_seen(event: Object) -> str:
    return _since(event.get("firstTimestamp") or event.get("eventTime"))


def _last_seen(event: Object) -> str:
    series = event.get("series")
    if series is not None:
        return _since(series.get("lastObservedTime"))
    return _since(event["lastTimestamp"]) if event.get("lastTimestamp") else _first_seen(event)


def _event_count(event: Object) -> int:
    series = event.get("series")
    return int((series or {}).get("count") or 0) if series is not None else int(event.get("count") or 1)


def _event_object(event: Object) -> str:
    involved = event.get("involvedObject") or {}
    kind = (involved.get("kind") or "").lower()
    return f"{kind}/{involved['name']}" if involved.get("name") else kind


def _event_source(event: Object) -> str:
    source = event.get("source") or {}
    component = source.get("component") or event.get("reportingComponent") or ""
    instance = source.get("host") or event.get("reportingInstance")
    return f"{component}, {instance}" if instance else component


EVENT = (
    Column("Last Seen", _last_seen, description=schema_text("core.v1.Event.lastTimestamp")),
    Column("Type", field("type"), description=schema_text("core.v1.Event.type")),
    Column("Reason", field("reason"), description=schema_text("core.v1.Event.reason")),
    Column("Object", _event_object, description=schema_text("core.v1.Event.involvedObject")),
    Column(
        "Subobject",
        field("involvedObject", "fieldPath"),
        description=schema_text("core.v1.ObjectReference.fieldPath"),
        priority=1,
    ),
    Column("Source", _event_source, description=schema_text("core.v1.Event.source"), priority=1),
    Column("Message", lambda e: (e.get("message") or "").strip(), description=schema_text("core.v1.Event.message")),
    Column("First Seen", _first_seen, description=schema_text("core.v1.Event.firstTimestamp"), priority=1),
    Column("Count", _event_count, description=schema_text("core.v1.Event.count"), priority=1),
    Column(
        "Name",
        NAME.cells,
        format="name",
        description=schema_text("apimachinery.pkg.apis.meta.v1.ObjectMeta.name"),
        priority=1,
    ),
)


# Volumes and claims


def access_modes_text(modes: list[str] | None) -> str:
    """`RWO,ROX`, in upstream's order, each mode once."""
    given = set(modes or ())
    return ",".join(short for mode, short in _ACCESS_MODES.items() if mode in given)


def _storage_class(obj: Object) -> str:
    annotations = obj["metadata"].get("annotations") or {}
    if _CLASS_ANNOTATION in annotations:
        return str(annotations[_CLASS_ANNOTATION])
    return str(at(obj, "spec", "storageClassName") or "")


def _phase(obj: Object) -> str:
    return "Terminating" if obj["metadata"].get("deletionTimestamp") else str(at(obj, "status", "phase") or "")


def _storage(capacity: Object | None) -> str:
    return str(parse_quantity((capacity or {}).get("storage") or "0"))


def _volume_class(kind: str) -> Column:
    return Column(
        "VolumeAttributesClass",
        field("spec", "volumeAttributesClassName", default=UNSET),
        description=f"VolumeAttributesClass of the {kind}",
    )


def _claim(volume: Object) -> str:
    claim = at(volume, "spec", "claimRef")
    return f"{claim.get('namespace') or ''}/{claim.get('name') or ''}" if claim else ""


_PV = "core.v1.PersistentVolumeSpec."
PERSISTENT_VOLUME = (
    NAME,
    Column("Capacity", lambda o: _storage(at(o, "spec", "capacity")), description=schema_text(_PV + "capacity")),
    Column(
        "Access Modes",
        lambda o: access_modes_text(at(o, "spec", "accessModes")),
        description=schema_text(_PV + "accessModes"),
    ),
    Column(
        "Reclaim Policy",
        field("spec", "persistentVolumeReclaimPolicy"),
        description=schema_text(_PV + "persistentVolumeReclaimPolicy"),
    ),
    Column("Status", _phase, description=schema_text("core.v1.PersistentVolumeStatus.phase")),
    Column("Claim", _claim, description=schema_text(_PV + "claimRef")),
    Column("StorageClass", _storage_class, description="StorageClass of the pv"),
    _volume_class("pv"),
    Column("Reason", field("status", "reason"), description=schema_text("core.v1.PersistentVolumeStatus.reason")),
    AGE,
    Column(
        "VolumeMode",
        field("spec", "volumeMode", default=UNSET),
        description=schema_text(_PV + "volumeMode"),
        priority=1,
    ),
)


def _bound(cell: Any) -> Any:
    """Capacity and access modes of a claim show once it names its volume."""
    return lambda claim: cell(claim) if at(claim, "spec", "volumeName") else ""


_PVC_SPEC = "core.v1.PersistentVolumeClaimSpec."
_PVC_STATUS = "core.v1.PersistentVolumeClaimStatus."
PERSISTENT_VOLUME_CLAIM = (
    NAME,
    Column("Status", _phase, description=schema_text(_PVC_STATUS + "phase")),
    Column("Volume", field("spec", "volumeName"), description=schema_text(_PVC_SPEC + "volumeName")),
    Column(
        "Capacity",
        _bound(lambda o: _storage(at(o, "status", "capacity"))),
        description=schema_text(_PVC_STATUS + "capacity"),
    ),
    Column(
        "Access Modes",
        _bound(lambda o: access_modes_text(at(o, "status", "accessModes"))),
        description=schema_text(_PVC_STATUS + "accessModes"),
    ),
    Column("StorageClass", _storage_class, description="StorageClass of the pvc"),
    _volume_class("pvc"),
    AGE,
    Column(
        "VolumeMode",
        field("spec", "volumeMode", default=UNSET),
        description=schema_text(_PVC_SPEC + "volumeMode"),
        priority=1,
    ),
)


# The small ones

CONFIG_MAP = (
    NAME,
    Column(
        "Data",
        lambda o: len(o.get("data") or ()) + len(o.get("binaryData") or ()),
        description=schema_text("core.v1.ConfigMap.data"),
    ),
    AGE,
)
SECRET = (
    NAME,
    Column("Type", field("type"), description=schema_text("core.v1.Secret.type")),
    Column("Data", count("data"), description=schema_text("core.v1.Secret.data")),
    AGE,
)
NAMESPACE = (NAME, Column("Status", field("status", "phase"), description="The status of the namespace"), AGE)
SERVICE_ACCOUNT = (NAME, AGE)
POD_TEMPLATE = (
    NAME,
    Column(
        "Containers",
        lambda o: container_names(at(o, "template", "spec", "containers")),
        description="Names of each container in the template.",
    ),
    Column(
        "Images",
        lambda o: container_images(at(o, "template", "spec", "containers")),
        description="Images referenced by each container in the template.",
    ),
    Column(
        "Pod Labels",
        lambda o: labels_text(at(o, "template", "metadata", "labels")),
        description="The labels for the pod template.",
    ),
)
_RC = "core.v1.ReplicationController"
REPLICATION_CONTROLLER = (
    NAME,
    Column("Desired", number("spec", "replicas"), "integer", description=schema_text(_RC + "Spec.replicas")),
    Column("Current", number("status", "replicas"), "integer", description=schema_text(_RC + "Status.replicas")),
    Column(
        "Ready", number("status", "readyReplicas"), "integer", description=schema_text(_RC + "Status.readyReplicas")
    ),
    AGE,
    *template_columns("spec", "template"),
    Column(
        "Selector",
        lambda o: labels_text(at(o, "spec", "selector")),
        description=schema_text(_RC + "Spec.selector"),
        priority=1,
    ),
)


def _healthy(component: Object) -> Object:
    return get_condition(component.get("conditions"), "Healthy") or {}


def _health(component: Object) -> str:
    status = _healthy(component).get("status")
    return "Unknown" if status is None else "Healthy" if status == "True" else "Unhealthy"


COMPONENT_STATUS = (
    NAME,
    Column("Status", _health, description="Status of the component conditions"),
    Column("Message", lambda o: _healthy(o).get("message", ""), description="Message of the component conditions"),
    Column("Error", lambda o: _healthy(o).get("error", ""), description="Error of the component conditions"),
)


def _quota(limits: bool) -> Any:
    def cell(obj: Object) -> str:
        hard, used = at(obj, "status", "hard") or {}, at(obj, "status", "used") or {}
        names = [n for n in sorted(hard) if (n.startswith("limits.")) == limits]
        return ", ".join(f"{n}: {_amount(used.get(n))}/{_amount(hard[n])}" for n in names)

    return cell


def _amount(value: Any) -> str:
    return str(parse_quantity(value if value is not None else "0"))


RESOURCE_QUOTA = (
    NAME,
    Column(
        "Request",
        _quota(limits=False),
        description="Request represents a minimum amount of cpu/memory that a container may consume.",
    ),
    Column(
        "Limit",
        _quota(limits=True),
        description="Limits control the maximum amount of cpu/memory that a container may use independent of "
        "contention on the node.",
    ),
    AGE,
)
