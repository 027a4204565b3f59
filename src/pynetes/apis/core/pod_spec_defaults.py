"""Defaults of pod specs: `default_pod_spec` for every kind with a pod template, `default_own_spec` for pods themselves.

Some defaults are for pods only, so that templates stay as their authors wrote them (a change of defaults must not look
like a new revision of every Deployment).
"""

from pynetes.apimachinery.meta import copy
from pynetes.apis.core import pod_resources
from pynetes.apis.core.container_defaults import default_container, default_if_empty, default_resource_list
from pynetes.apis.core.container_defaults import default_resources as default_quantities
from pynetes.apis.core.volume_defaults import default_volume
from pynetes.apis.strategy import Object

TERMINATION_GRACE_SECONDS = 30
_INIT_CONTAINER_ANNOTATIONS = frozenset(
    f"pod.{stage}.kubernetes.io/init-container{end}" for stage in ("alpha", "beta") for end in ("s", "-statuses")
)


def default_pod_spec(spec: Object) -> None:
    default_if_empty(spec, dnsPolicy="ClusterFirst", restartPolicy="Always", schedulerName="default-scheduler")
    if spec.get("securityContext") is None:
        spec["securityContext"] = {}
    if spec.get("terminationGracePeriodSeconds") is None:
        spec["terminationGracePeriodSeconds"] = TERMINATION_GRACE_SECONDS
    _alias_service_account(spec)
    for volume in spec.get("volumes") or ():
        default_volume(volume)
    for container in containers(spec):
        default_container(container)
    default_resource_list(spec.get("overhead"))
    default_quantities(spec.get("resources"))


def default_pod_template(template: Object | None) -> None:
    if template is None:
        return
    template.setdefault("metadata", {})
    drop_init_container_annotations(template)
    default_pod_spec(template.setdefault("spec", {}))


def default_own_spec(spec: Object) -> None:
    for field in ("containers", "initContainers"):
        for container in spec.get(field) or ():
            _requests_from_limits(container)
    if spec.get("enableServiceLinks") is None:
        spec["enableServiceLinks"] = True
    if spec.get("hostNetwork"):
        for field in ("containers", "initContainers"):
            for container in spec.get(field) or ():
                _host_ports(container)
    default_pod_spec(spec)
    if spec["terminationGracePeriodSeconds"] < 0:
        spec["terminationGracePeriodSeconds"] = 1
    if spec.get("resources"):
        pod_resources.default_pod_level(spec)


def containers(spec: Object) -> list[Object]:
    """All containers of a pod spec: init, ordinary, ephemeral."""
    return [c for field in ("initContainers", "containers", "ephemeralContainers") for c in spec.get(field) or ()]


def drop_init_container_annotations(obj: Object) -> None:
    """Where init containers stood before they were a field; kubelets of that time must not run them twice."""
    metadata = obj.get("metadata") or {}
    annotations = metadata.get("annotations") or {}
    for name in _INIT_CONTAINER_ANNOTATIONS & annotations.keys():
        del annotations[name]
        if not annotations:
            del metadata["annotations"]


def _alias_service_account(spec: Object) -> None:
    """`serviceAccount` is the old name of `serviceAccountName`, and always shows the same value."""
    name = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if name:
        spec["serviceAccountName"] = spec["serviceAccount"] = name


def _requests_from_limits(container: Object) -> None:
    resources = container.get("resources") or {}
    limits = resources.get("limits")
    if limits:
        requests = resources.setdefault("requests", None) or {}
        resources["requests"] = {**copy(limits), **requests}


def _host_ports(container: Object) -> None:
    for port in container.get("ports") or ():
        if not port.get("hostPort") and port.get("containerPort"):
            port["hostPort"] = port["containerPort"]
