"""Flags of the originals that mean nothing here, by command, and why: who starts the original by its flags starts ours.

An `idle` flag is read and has no effect, for what it tunes is not there and nobody would see the difference. A
`refused` one may only say its default: any other value asks for what is not done. To add one: a line in `FLAGS`.
"""

from collections.abc import Callable
from typing import Any, Literal

import click
from msgspec import Struct

from pynetes import KUBERNETES_VERSION
from pynetes.cli import flagvalues
from pynetes.component import features
from pynetes.component.features import FeatureGates
from pynetes.component.kubefeatures import GATES

Kind = Literal["switch", "integer", "duration", "number", "text"]
_TYPES: dict[str, click.ParamType[Any]] = {
    "integer": flagvalues.INTEGER,
    "duration": flagvalues.SECONDS,
    "number": flagvalues.Value("number", flagvalues.number),
    "text": flagvalues.TEXT,
}
_MINOR = KUBERNETES_VERSION.removeprefix("v").rpartition(".")[0]
_OLDER = f"{_MINOR.partition('.')[0]}.{int(_MINOR.partition('.')[2]) - 1}"


class Foreign(Struct, frozen=True):
    """`allowed` gives the complaint, in upstream's words, about a value; empty if there is none."""

    flag: str
    kind: Kind
    why: str
    default: Any = None
    refused: bool = False
    allowed: Callable[[Any], str] | None = None


def idle(flag: str, kind: Kind, why: str, allowed: Callable[[Any], str] | None = None) -> Foreign:
    return Foreign(flag, kind, why, allowed=allowed)


def refused(flag: str, kind: Kind, default: Any, why: str) -> Foreign:
    return Foreign(flag, kind, why, default, refused=True)


def _one_of(*values: str, told: str) -> Callable[[Any], str]:
    return lambda value: "" if value in ("", *values) else told.format(value)


def _audited(backend: str) -> Callable[[Any], str]:
    return _one_of("audit.k8s.io/v1", told=f"invalid group version for audit {backend} version {{}}")


def _goaway(chance: float) -> str:
    return "" if 0 <= chance <= 0.02 else "--goaway-chance can not be less than 0 or greater than 0.02"


def _pattern(text: str) -> str:
    wrong = next((part for part in text.split(",") if part and not part.partition("=")[2].isdigit()), "")
    told = f'"{wrong}" does not have the pattern=N format'
    return f'invalid argument "{text}" for "--vmodule" flag: {told}' if wrong else ""


def _emulated(text: str) -> str:
    version = text.rpartition("=")[2]
    return "" if version in ("", _MINOR) else f"emulation version {version} is not between [{_MINOR}, {_MINOR}.0]"


def _hidden(text: str) -> str:
    told = f"must be omitted or have the value '{_OLDER}'; only the previous minor version is allowed"
    return "" if text in ("", _OLDER) else f'metrics.showHiddenMetricsForVersion: Invalid value: "{text}": {told}'


def _gates(text: str) -> str:
    try:
        FeatureGates(GATES).set(features.parse(text))
    except ValueError as error:
        return str(error)
    return ""


_FRONT = "No front proxy is believed: who asks shows a certificate or a token."
_UNLIMITED = "Requests are not held back."
_LOCK = 'leaderElection.resourceLock: Invalid value: "{}": resourceLock value must be leases'
_CLOUD = "--cloud-provider: {} is not built in; `external` has a manager of its own"
_SIGNER = "one authority signs for all signers: --cluster-signing-cert-file and --cluster-signing-key-file"
_HTTP1 = "HTTP/1.1 alone is spoken."
_LINES = "Each line of the log is written as it comes."
_PEERS = "All API servers of a cluster serve the same APIs."
_ELECTION = "Leaders elect themselves by their leases."
_PYTHON = "There are no profiles in Go's form."
_AUDIT = "Events are written as fast as they come."
_FORWARD = f"{_MINOR} alone is emulated."
_ONE = "There is one."
_SPLIT = "options.{}.splitStream: Forbidden: Feature LoggingAlphaOptions is disabled"
_LABELS = "labels cannot be limited to given values"
_BACKENDS = "--storage-backend invalid, allowed values: etcd3. If not specified, it will default to 'etcd3'"
_MEDIA = ("application/json", "application/vnd.kubernetes.protobuf", "application/yaml")
_MEDIA_TOLD = f'--storage-media-type "{{}}" invalid, allowed values: {", ".join(_MEDIA)}'

_LOGS = (
    idle("log-flush-frequency", "duration", _LINES),
    idle("log-json-info-buffer-size", "text", _LINES),
    idle("log-text-info-buffer-size", "text", _LINES),
    refused("log-json-split-stream", "switch", False, _SPLIT.format("json")),
    refused("log-text-split-stream", "switch", False, _SPLIT.format("text")),
    idle("vmodule", "text", "Sources are others here: -v sets the verbosity of all.", _pattern),
)
_DEBUG = (
    idle("profiling", "switch", _PYTHON),
    idle("contention-profiling", "switch", _PYTHON),
)
_METRICS = (
    idle("show-hidden-metrics-for-version", "text", "No metric is hidden.", _hidden),
    refused("allow-metric-labels", "text", "", _LABELS),
    refused("allow-metric-labels-manifest", "text", "", _LABELS),
)
_VERSIONS = (
    idle("emulated-version", "text", f"{_MINOR} is what there is to emulate.", _emulated),
    idle("emulation-forward-compatible", "switch", _FORWARD),
)
_SERVING = (
    idle("disable-http2-serving", "switch", _HTTP1),
    idle("http2-max-streams-per-connection", "integer", _HTTP1),
    idle("permit-address-sharing", "switch", "Addresses are always shared (SO_REUSEADDR)."),
)
_APISERVER = (
    *_SERVING,
    *_LOGS,
    *_DEBUG,
    *_METRICS,
    *_VERSIONS,
    refused("admission-control", "text", "", "use --enable-admission-plugins and --disable-admission-plugins"),
    refused("aggregator-reject-forwarding-redirect", "switch", True, "redirects are never handed on"),
    idle("audit-log-batch-throttle-burst", "integer", _AUDIT),
    idle("audit-log-batch-throttle-enable", "switch", _AUDIT),
    idle("audit-log-batch-throttle-qps", "number", _AUDIT),
    idle("audit-log-version", "text", _ONE, _audited("log")),
    idle("audit-webhook-batch-throttle-burst", "integer", _AUDIT),
    idle("audit-webhook-batch-throttle-enable", "switch", _AUDIT),
    idle("audit-webhook-batch-throttle-qps", "number", _AUDIT),
    idle("audit-webhook-version", "text", _ONE, _audited("webhook")),
    idle("coordinated-leadership-lease-duration", "duration", _ELECTION),
    idle("coordinated-leadership-renew-deadline", "duration", _ELECTION),
    idle("coordinated-leadership-retry-period", "duration", _ELECTION),
    idle("debug-socket-path", "text", _PYTHON),
    idle("delete-collection-workers", "integer", "Objects of a collection are deleted side by side as they are."),
    refused("egress-selector-config-file", "text", "", "connections to nodes, webhooks and etcd are always direct"),
    idle("enable-aggregator-routing", "switch", "Servers behind this one are always reached at their endpoints."),
    refused("enable-garbage-collector", "switch", True, "owners and finalizers are always kept"),
    refused("enable-logs-handler", "switch", False, "the log is not served; it is written to standard error"),
    idle("etcd-count-metric-poll-period", "duration", "Objects are counted when metrics are asked for."),
    idle("etcd-db-metric-poll-interval", "duration", "The store's size is asked for with the metrics."),
    refused("etcd-prefix", "text", "/registry", "what lies in the store begins with /registry"),
    refused("etcd-servers-overrides", "text", "", "all objects lie in one store"),
    idle("goaway-chance", "number", _HTTP1, _goaway),
    idle("lease-reuse-duration-seconds", "integer", "Leases of events are shared for as long as they last."),
    refused("max-connection-bytes-per-sec", "integer", 0, "streams are not throttled"),
    idle("peer-advertise-ip", "text", _PEERS),
    idle("peer-advertise-port", "text", _PEERS),
    idle("peer-ca-file", "text", _PEERS),
    idle("runtime-config-emulation-forward-compatible", "switch", _FORWARD),
    idle("send-retry-after-while-not-ready-once", "switch", "The port opens once objects can be served."),
    idle("shutdown-send-retry-after", "switch", "Connections end with the answer that is under way."),
    idle("shutdown-watch-termination-grace-period", "duration", "Watches end at once, and go on at another server."),
    idle("storage-backend", "text", "See --storage and --etcd-servers.", _one_of("etcd3", told=_BACKENDS)),
    idle("storage-media-type", "text", "The store holds JSON.", _one_of(*_MEDIA, told=_MEDIA_TOLD)),
    refused("tracing-config-file", "text", "", "there are no traces"),
    idle("watch-cache", "switch", "Reads are always served from memory, and are always current."),
    idle("watch-cache-sizes", "text", "The watch cache fits itself to the load."),
)

_SERVED = (
    *_SERVING,
    idle("authentication-tolerate-lookup-failure", "switch", "Nothing is looked up at the start."),
    idle("requestheader-allowed-names", "text", _FRONT),
    idle("requestheader-client-ca-file", "text", _FRONT),
    idle("requestheader-extra-headers-prefix", "text", _FRONT),
    idle("requestheader-group-headers", "text", _FRONT),
    idle("requestheader-uid-headers", "text", _FRONT),
    idle("requestheader-username-headers", "text", _FRONT),
)
_COMPONENT = (
    *_LOGS,
    *_DEBUG,
    *_METRICS,
    *_VERSIONS,
    idle("feature-gates", "text", "Things are as by the gates' defaults.", _gates),
    idle("kube-api-burst", "integer", _UNLIMITED),
    idle("kube-api-content-type", "text", "JSON is spoken."),
    idle("kube-api-qps", "number", _UNLIMITED),
    idle("leader-elect-resource-lock", "text", "A Lease is the lock.", _one_of("leases", told=_LOCK)),
    refused("master", "text", "", "the kubeconfig says where the API server is"),
)
_CONTROLLER_MANAGER = (
    *_COMPONENT,
    *_SERVED,
    idle("cloud-provider", "text", "Clouds have a manager of their own.", _one_of("external", told=_CLOUD)),
    idle("cluster-name", "text", "Nothing is named after the cluster."),
    refused("cluster-signing-kube-apiserver-client-cert-file", "text", "", _SIGNER),
    refused("cluster-signing-kube-apiserver-client-key-file", "text", "", _SIGNER),
    refused("cluster-signing-kubelet-client-cert-file", "text", "", _SIGNER),
    refused("cluster-signing-kubelet-client-key-file", "text", "", _SIGNER),
    refused("cluster-signing-kubelet-serving-cert-file", "text", "", _SIGNER),
    refused("cluster-signing-kubelet-serving-key-file", "text", "", _SIGNER),
    refused("cluster-signing-legacy-unknown-cert-file", "text", "", _SIGNER),
    refused("cluster-signing-legacy-unknown-key-file", "text", "", _SIGNER),
    idle("controller-start-interval", "duration", "Controllers start at once."),
    refused("enable-garbage-collector", "switch", True, "see --controllers=*,-garbage-collector-controller"),
    refused("enable-leader-migration", "switch", False, "there is no manager to migrate from"),
    idle("min-resync-period", "duration", "Informers need no resync."),
    refused("use-service-account-credentials", "switch", True, "each controller always acts as its own account"),
)
_SCHEDULER = (
    *_COMPONENT,
    *_SERVED,
    refused("config", "text", "", "there is one profile, with the default plugins"),
)
_KUBELET = (
    idle("file-check-frequency", "duration", "A changed manifest is taken up within a second."),
    idle("streaming-connection-idle-timeout", "duration", "The runtime ends idle streams."),
)

#: Command → its foreign flags.
FLAGS: dict[str, tuple[Foreign, ...]] = {
    "apiserver": _APISERVER,
    "controller-manager": _CONTROLLER_MANAGER,
    "kubelet": _KUBELET,
    "scheduler": _SCHEDULER,
}


def options(command: str) -> list[click.Option]:
    """Parameters that a command takes and never sees."""
    return [_option(each) for each in FLAGS.get(command, ())]


def _option(foreign: Foreign) -> click.Option:
    name = f"--{foreign.flag}"
    told = f"Refused: {foreign.why}." if foreign.refused else f"No effect. {foreign.why}"
    if foreign.kind == "switch":
        declared = [f"{name}/--no-{foreign.flag}"]
        return click.Option(declared, default=None, expose_value=False, callback=_check(foreign), help=told)
    kind = _TYPES[foreign.kind]
    return click.Option([name], type=kind, default=None, expose_value=False, callback=_check(foreign), help=told)


def _check(foreign: Foreign) -> Callable[[click.Context, click.Parameter, Any], None]:
    def check(ctx: click.Context, parameter: click.Parameter, value: Any) -> None:
        if value is None:
            return
        problem = foreign.allowed(value) if foreign.allowed else ""
        if not problem and foreign.refused and value != foreign.default:
            problem = foreign.why if foreign.why.startswith("options.") else f"--{foreign.flag}: {foreign.why}"
        if problem:
            raise click.UsageError(problem, ctx)

    return check
