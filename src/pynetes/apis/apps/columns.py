"""Table columns of the group."""

from pynetes.apimachinery.gvk import split_api_version
from pynetes.apimachinery.meta import controller_of
from pynetes.apis.cells import NONE, at, field, labels_text, number, template_columns
from pynetes.apis.resource import AGE, NAME, Column, Object, schema_text

_TEMPLATE = ("spec", "template")


def _ready(obj: Object) -> str:
    return f"{at(obj, 'status', 'readyReplicas') or 0}/{at(obj, 'spec', 'replicas') or 0}"


def _counts(definition: str, *entries: tuple[str, str, str]) -> tuple[Column, ...]:
    return tuple(
        Column(name, number(part, key), "integer", description=schema_text(f"apps.v1.{definition}{part.title()}.{key}"))
        for name, part, key in entries
    )


DEPLOYMENT = (
    NAME,
    Column("Ready", _ready, description="Number of the pod with ready state"),
    Column(
        "Up-to-date",
        number("status", "updatedReplicas"),
        description=schema_text("apps.v1.DeploymentStatus.updatedReplicas"),
    ),
    Column(
        "Available",
        number("status", "availableReplicas"),
        description=schema_text("apps.v1.DeploymentStatus.availableReplicas"),
    ),
    AGE,
    *template_columns(*_TEMPLATE, selector=("spec.selector", "apps.v1.DeploymentSpec.selector")),
)
REPLICA_SET = (
    NAME,
    *_counts(
        "ReplicaSet",
        ("Desired", "spec", "replicas"),
        ("Current", "status", "replicas"),
        ("Ready", "status", "readyReplicas"),
    ),
    AGE,
    *template_columns(*_TEMPLATE, selector=("spec.selector", "apps.v1.ReplicaSetSpec.selector")),
)
DAEMON_SET = (
    NAME,
    *_counts(
        "DaemonSet",
        ("Desired", "status", "desiredNumberScheduled"),
        ("Current", "status", "currentNumberScheduled"),
        ("Ready", "status", "numberReady"),
        ("Up-to-date", "status", "updatedNumberScheduled"),
        ("Available", "status", "numberAvailable"),
    ),
    Column(
        "Node Selector",
        lambda o: labels_text(at(o, "spec", "template", "spec", "nodeSelector")),
        description=schema_text("core.v1.PodSpec.nodeSelector"),
    ),
    AGE,
    *template_columns(*_TEMPLATE, selector=("spec.selector", "apps.v1.DaemonSetSpec.selector")),
)
STATEFUL_SET = (
    NAME,
    Column("Ready", _ready, description="Number of the pod with ready state"),
    AGE,
    *template_columns(*_TEMPLATE),
)


def _controller(revision: Object) -> str:
    owner = controller_of(revision)
    if owner is None:
        return NONE
    group, _ = split_api_version(owner.get("apiVersion") or "")
    kind = f"{owner['kind']}.{group}" if group else owner["kind"]
    return f"{kind.lower()}/{owner['name']}"


CONTROLLER_REVISION = (
    NAME,
    Column("Controller", _controller, description="Controller of the object"),
    Column("Revision", field("revision", default=0), description=schema_text("apps.v1.ControllerRevision.revision")),
    AGE,
)
