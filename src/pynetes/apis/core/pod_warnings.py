"""What the API server points out about a pod spec that is valid and still looks like a mistake."""

from collections.abc import Iterator

from pynetes.apimachinery import names, quantity
from pynetes.apis.core.address_warnings import ip_warnings
from pynetes.apis.core.persistent_volume_claim_validation import claim_size_warnings
from pynetes.apis.core.pod_validation import APP_ARMOR, SECCOMP_CONTAINER, SECCOMP_POD, identity
from pynetes.apis.core.volume_path_warnings import overlapping_path_warnings
from pynetes.apis.strategy import Object
from pynetes.component.memo import ByText

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
DEPRECATED_NODE_LABELS = {
    "beta.kubernetes.io/arch": 'deprecated since v1.14; use "kubernetes.io/arch" instead',
    "beta.kubernetes.io/os": 'deprecated since v1.14; use "kubernetes.io/os" instead',
    "failure-domain.beta.kubernetes.io/region": 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
    "failure-domain.beta.kubernetes.io/zone": 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
    "beta.kubernetes.io/instance-type": 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
    "app.kubernetes.io/created-by": "deprecated since v1.9",
    "scheduler.alpha.kubernetes.io/preferAvoidPods": "deprecated since v1.22; use Taints and Tolerations instead",
    "node-role.kubernetes.io/master": 'use "node-role.kubernetes.io/control-plane" instead',
}
_DEPRECATED_ANNOTATIONS = {
    "scheduler.alpha.kubernetes.io/critical-pod": 'non-functional in v1.16+; use the "priorityClassName" field instead',
    "security.alpha.kubernetes.io/sysctls": 'non-functional in v1.11+; use the "sysctls" field instead',
    "security.alpha.kubernetes.io/unsafe-sysctls": 'non-functional in v1.11+; use the "sysctls" field instead',
}
_DEPRECATED_VOLUMES = {
    "photonPersistentDisk": ("photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"),
    "gitRepo": ("gitRepo", "deprecated in v1.11, and disabled by default in v1.33+"),
    "scaleIO": ("scaleIO", "deprecated in v1.16, non-functional in v1.22+"),
    "flocker": ("flocker", "deprecated in v1.22, non-functional in v1.25+"),
    "storageos": ("storageOS", "deprecated in v1.22, non-functional in v1.25+"),
    "quobyte": ("quobyte", "deprecated in v1.22, non-functional in v1.25+"),
    "glusterfs": ("glusterfs", "deprecated in v1.25, non-functional in v1.26+"),
    "cephfs": ("cephfs", "deprecated in v1.28, non-functional in v1.31+"),
    "rbd": ("rbd", "deprecated in v1.28, non-functional in v1.31+"),
}
_NULL_SELECTOR = "a null labelSelector results in matching no pod"


def pod_warnings(pod: Object) -> list[str]:
    name = pod["metadata"].get("name") or ""
    found = []
    messages = names.dns1123_label(name) if name else []
    if messages:
        found.append(
            "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; "
            f"a DNS label is recommended: [{' '.join(messages)}]"
        )
    return found + _own_warnings(pod["metadata"], pod["spec"])


#: Whether there is nothing to point out about a spec.
_quiet: ByText[bool] = ByText(1024)


def _own_warnings(metadata: Object, spec: Object) -> list[str]:
    if not any(map(_is_telling, metadata.get("annotations") or ())) and _quiet.get(
        identity(spec), lambda: not _template_warnings({}, spec, "", is_template=False)
    ):
        return []
    return _template_warnings(metadata, spec, "", is_template=False)


def _is_telling(annotation: str) -> bool:
    return annotation in _DEPRECATED_ANNOTATIONS or annotation.startswith((SECCOMP_POD, SECCOMP_CONTAINER, APP_ARMOR))


def template_warnings(template: Object | None, path: str) -> list[str]:
    """Of a pod template at `path` (`spec.template`)."""
    if not template:
        return []
    return _template_warnings(template.get("metadata") or {}, template.get("spec") or {}, path + ".", is_template=True)


def _containers(spec: Object, prefix: str) -> Iterator[tuple[str, Object]]:
    for field in ("initContainers", "containers", "ephemeralContainers"):
        for index, container in enumerate(spec.get(field) or ()):
            yield f"{prefix}spec.{field}[{index}]", container


def _template_warnings(metadata: Object, spec: Object, prefix: str, *, is_template: bool) -> list[str]:
    annotations = metadata.get("annotations") or {}
    found = _node_labels(spec, prefix)
    for key, message in _DEPRECATED_ANNOTATIONS.items():
        if key in annotations:
            found.append(f"{prefix}metadata.annotations[{key}]: {message}")
    for index, volume in enumerate(spec.get("volumes") or ()):
        template = (volume.get("ephemeral") or {}).get("volumeClaimTemplate")
        if template is not None:
            own = f"{prefix}spec.volumes[{index}].ephemeral.volumeClaimTemplate.spec"
            found += claim_size_warnings(template.get("spec") or {}, own)
        if _DEPRECATED_VOLUMES.keys().isdisjoint(volume):
            continue
        for field, (shown, message) in _DEPRECATED_VOLUMES.items():
            if volume.get(field) is not None:
                found.append(f"{prefix}spec.volumes[{index}].{shown}: {message}")
    found += overlapping_path_warnings(spec.get("volumes") or [])
    found += _repeated(spec, prefix, "hostAliases", "ip")
    found += _repeated(spec, prefix, "imagePullSecrets", "name")
    for index, secret in enumerate(spec.get("imagePullSecrets") or ()):
        if not secret.get("name"):
            found.append(f'{prefix}spec.imagePullSecrets[{index}].name: invalid empty name ""')
    found += _fractions(spec.get("overhead"), f"{prefix}spec.overhead")
    found += _profiles(annotations, spec, prefix, is_template)
    for path, container in _containers(spec, prefix):
        for kind in ("limits", "requests"):
            found += _fractions((container.get("resources") or {}).get(kind), f"{path}.resources.{kind}")
        found += _hidden_variables(container, path)
    found += _ports(spec, prefix)
    if (spec.get("terminationGracePeriodSeconds") or 0) < 0:
        message = "must be >= 0; negative values are invalid and will be treated as 1"
        found.append(f"{prefix}spec.terminationGracePeriodSeconds: {message}")
    found += _null_selectors(spec, prefix)
    for index, server in enumerate((spec.get("dnsConfig") or {}).get("nameservers") or ()):
        found += ip_warnings(f"{prefix}spec.dnsConfig.nameservers[{index}]", server)
    for index, alias in enumerate(spec.get("hostAliases") or ()):
        found += ip_warnings(f"{prefix}spec.hostAliases[{index}].ip", alias.get("ip") or "")
    return found


def _node_labels(spec: Object, prefix: str) -> list[str]:
    """Node labels under their old names."""
    found = []
    for key in spec.get("nodeSelector") or ():
        if key in DEPRECATED_NODE_LABELS:
            found.append(f"{prefix}spec.nodeSelector[{key}]: {DEPRECATED_NODE_LABELS[key]}")
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    base = f"{prefix}spec.affinity.nodeAffinity"
    terms = [
        (f"{base}.{_REQUIRED}.nodeSelectorTerms[{i}]", term)
        for i, term in enumerate((affinity.get(_REQUIRED) or {}).get("nodeSelectorTerms") or ())
    ]
    terms += [
        (f"{base}.{_PREFERRED}[{i}].preference", term.get("preference") or {})
        for i, term in enumerate(affinity.get(_PREFERRED) or ())
    ]
    for path, term in terms:
        for index, expression in enumerate(term.get("matchExpressions") or ()):
            key = expression.get("key")
            if key in DEPRECATED_NODE_LABELS:
                message = DEPRECATED_NODE_LABELS[key]
                found.append(f"{path}.matchExpressions[{index}].key: {key} is {message}")
    for index, constraint in enumerate(spec.get("topologySpreadConstraints") or ()):
        own, key = f"{prefix}spec.topologySpreadConstraints[{index}]", constraint.get("topologyKey")
        if key in DEPRECATED_NODE_LABELS:
            found.append(f"{own}.topologyKey: {key} is {DEPRECATED_NODE_LABELS[key]}")
        if constraint.get("labelSelector") is None:
            found.append(f"{own}.labelSelector: {_NULL_SELECTOR}")
    return found


def _repeated(spec: Object, prefix: str, field: str, key: str) -> list[str]:
    seen: set[str] = set()
    found = []
    for index, item in enumerate(spec.get(field) or ()):
        value = item.get(key) or ""
        if value in seen:
            found.append(f'{prefix}spec.{field}[{index}].{key}: duplicate {key} "{value}"')
        seen.add(value)
    return found


def _fractions(resources: Object | None, path: str) -> list[str]:
    found = []
    for name in ("memory", "ephemeral-storage"):
        value = (resources or {}).get(name)
        if value is not None and quantity.parse(value).milli_value() % 1000:
            amount = quantity.parse(value)
            found.append(f'{path}[{name}]: fractional byte value "{amount}" is invalid, must be an integer')
    return found


def _profiles(annotations: dict[str, str], spec: Object, prefix: str, is_template: bool) -> list[str]:
    """Annotations for seccomp and AppArmor, which became fields."""
    found = []
    own = spec.get("securityContext") or {}
    seccomp = 'non-functional in v1.27+; use the "seccompProfile" field instead'
    if SECCOMP_POD in annotations and own.get("seccompProfile") is None:
        found.append(f"{prefix}metadata.annotations[{SECCOMP_POD}]: {seccomp}")
    for _, container in _containers(spec, prefix):
        context, name = container.get("securityContext") or {}, container.get("name") or ""
        key = SECCOMP_CONTAINER + name
        if key in annotations and context.get("seccompProfile") is None:
            found.append(f"{prefix}metadata.annotations[{key}]: {seccomp}")
        key = APP_ARMOR + name
        if (
            key in annotations
            and context.get("appArmorProfile") is None
            and (is_template or not own.get("appArmorProfile"))
        ):
            message = 'deprecated since v1.30; use the "appArmorProfile" field instead'
            found.append(f"{prefix}metadata.annotations[{key}]: {message}")
    return found


def _hidden_variables(container: Object, path: str) -> list[str]:
    """A variable that is set twice, unless the second value builds on the first."""
    seen: set[str] = set()
    found = []
    for index, variable in enumerate(container.get("env") or ()):
        name, value = variable.get("name") or "", variable.get("value") or ""
        reference = f"$({name})"
        if name in seen and (variable.get("valueFrom") is not None or value == reference or reference not in value):
            message = f'hides previous definition of "{name}", which may be dropped when using apply'
            found.append(f"{path}.env[{index}]: {message}")
        seen.add(name)
    return found


def _ports(spec: Object, prefix: str) -> list[str]:
    found = []
    seen: dict[tuple[int, str], list[tuple[str, Object]]] = {}
    for path, container in _containers(spec, prefix):
        for index, port in enumerate(container.get("ports") or ()):
            own = f"{path}.ports[{index}]"
            if port.get("hostIP") and not port.get("hostPort"):
                found.append(f"{own}: hostIP set without hostPort: {{{_shown(port)}}}")
            others = seen.setdefault((port.get("containerPort") or 0, port.get("protocol") or ""), [])
            for other_path, other in others:
                kind = _clash(port, other)
                if kind:
                    found.append(f"{own}: {kind} port definition with {other_path}")
            others.append((own, port))
    by_name: dict[str, str] = {}
    for path, container in _containers(spec, prefix):
        for index, port in enumerate(container.get("ports") or ()):
            own, name = f"{path}.ports[{index}]", port.get("name") or ""
            if name in by_name:
                first = by_name[name]
                found.append(
                    f'{own}: duplicate port name "{name}" with {first}, services and probes that select ports by '
                    f"name will use {first}"
                )
            elif name:
                by_name[name] = own
    return found


def _shown(port: Object) -> str:
    """A port as Go prints it."""
    fields = ("name", "hostPort", "containerPort", "protocol", "hostIP")
    return " ".join(f"{f[0].upper()}{f[1:]}:{port.get(f) or (0 if f.endswith('Port') else '')}" for f in fields)


def _clash(port: Object, other: Object) -> str:
    ip, other_ip = port.get("hostIP") or "", other.get("hostIP") or ""
    number, other_number = port.get("hostPort") or 0, other.get("hostPort") or 0
    if (ip, number) == (other_ip, other_number):
        return "duplicate"
    if not number or not other_number:
        return "overlapping"
    if number == other_number and bool(ip) != bool(other_ip):
        return "dangerously ambiguous"
    return ""


def _null_selectors(spec: Object, prefix: str) -> list[str]:
    found = []
    for kind in ("podAffinity", "podAntiAffinity"):
        rules = (spec.get("affinity") or {}).get(kind) or {}
        base = f"{prefix}spec.affinity.{kind}"
        for index, term in enumerate(rules.get(_REQUIRED) or ()):
            if term.get("labelSelector") is None:
                found.append(f"{base}.{_REQUIRED}[{index}].labelSelector: {_NULL_SELECTOR}")
        for index, weighted in enumerate(rules.get(_PREFERRED) or ()):
            if (weighted.get("podAffinityTerm") or {}).get("labelSelector") is None:
                found.append(f"{base}.{_PREFERRED}[{index}].podAffinityTerm.labelSelector: {_NULL_SELECTOR}")
    return found
