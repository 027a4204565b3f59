"""What holds for every sort of container: names, ports, environment, mounts, resources, security context."""

from collections.abc import Mapping

from msgspec import Struct, field

from pynetes.apimachinery import names
from pynetes.apis.core.env_validation import validate_env, validate_env_from
from pynetes.apis.core.mount_validation import validate_volume_devices, validate_volume_mounts
from pynetes.apis.core.resource_requirements import validate_resource_requirements
from pynetes.apis.core.security_context_validation import validate_security_context
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import Object

_PROTOCOLS = ("SCTP", "TCP", "UDP")
_PULL_POLICIES = ("Always", "IfNotPresent", "Never")
_MESSAGE_POLICIES = ("File", "FallbackToLogsOnError")
_RESIZE_RESOURCES = ("cpu", "memory")
_RESIZE_POLICIES = ("NotRequired", "RestartContainer")
_RESTART_POLICIES = ("Always", "Never", "OnFailure")
_RESTART_ACTIONS = ("Restart", "RestartAllContainers")
_EXIT_CODE_OPERATORS = ("In", "NotIn")
_MAX_RESTART_RULES = 20
_MAX_EXIT_CODES = 255


class PodContext(Struct, frozen=True):
    """What containers depend on in their pod."""

    volumes: Mapping[str, Object] = field(default_factory=dict)
    claims: frozenset[str] = frozenset()
    restart_policy: str = "Always"
    grace_seconds: int | None = None
    os: str = ""
    host_users: bool = True


def validate_common(found: FieldErrors, container: Object, context: PodContext, path: str) -> None:
    found.required_rule(f"{path}.name", container.get("name"), names.dns1123_label)
    found.present(f"{path}.image", container.get("image"))
    found.one_of(f"{path}.terminationMessagePolicy", container.get("terminationMessagePolicy"), _MESSAGE_POLICIES)
    _ports(found, container.get("ports") or [], f"{path}.ports")
    validate_env(found, container.get("env") or [], f"{path}.env")
    validate_env_from(found, container.get("envFrom") or [], f"{path}.envFrom")
    validate_volume_mounts(found, container, context.volumes, f"{path}.volumeMounts")
    validate_volume_devices(found, container, context.volumes, f"{path}.volumeDevices")
    found.one_of(f"{path}.imagePullPolicy", container.get("imagePullPolicy"), _PULL_POLICIES)
    validate_resource_requirements(found, container.get("resources") or {}, context.claims, f"{path}.resources")
    _resize_policy(found, container.get("resizePolicy") or [], context, f"{path}.resizePolicy")
    validate_security_context(
        found, container.get("securityContext"), f"{path}.securityContext", host_users=context.host_users
    )


def validate_image_spacing(found: FieldErrors, container: Object, path: str) -> None:
    """For pods only: templates that were once accepted stay acceptable."""
    image = container.get("image") or ""
    if image != image.strip():
        found.invalid(f"{path}.image", image, "must not have leading or trailing whitespace")


def _ports(found: FieldErrors, ports: list[Object], path: str) -> None:
    seen: set[str] = set()
    for index, port in enumerate(ports):
        own = f"{path}[{index}]"
        name = port.get("name")
        if name and found.rule(f"{own}.name", name, names.port_name):
            if name in seen:
                found.duplicate(f"{own}.name", name)
            seen.add(name)
        if found.present(f"{own}.containerPort", port.get("containerPort")):
            found.rule(f"{own}.containerPort", port["containerPort"], names.port_number)
        if port.get("hostPort"):
            found.rule(f"{own}.hostPort", port["hostPort"], names.port_number)
        found.one_of(f"{own}.protocol", port.get("protocol"), _PROTOCOLS)


def validate_host_port_conflicts(found: FieldErrors, containers: list[Object], path: str) -> None:
    seen: set[str] = set()
    for index, container in enumerate(containers):
        for number, port in enumerate(container.get("ports") or ()):
            if not port.get("hostPort"):
                continue
            key = f"{port.get('protocol') or ''}/{port.get('hostIP') or ''}/{port['hostPort']}"
            if key in seen:
                found.duplicate(f"{path}[{index}].ports[{number}].hostPort", key)
            seen.add(key)


def _resize_policy(found: FieldErrors, policies: list[Object], context: PodContext, path: str) -> None:
    seen: set[str] = set()
    for index, policy in enumerate(policies):
        resource, restart = policy.get("resourceName") or "", policy.get("restartPolicy") or ""
        if resource in seen:
            found.duplicate(f"{path}[{index}]", resource)
        seen.add(resource)
        found.one_of(path, resource, _RESIZE_RESOURCES)
        found.one_of(path, restart, _RESIZE_POLICIES)
        if context.restart_policy == "Never" and restart != "NotRequired":
            found.invalid(path, restart, "must be 'NotRequired' when pod `restartPolicy` is 'Never'")


def validate_restart_policy(found: FieldErrors, container: Object, path: str, *, initial: bool = False) -> None:
    """The container's own restartPolicy and its rules on exit codes, which `initial` ones have only with a policy."""
    policy = container.get("restartPolicy")
    rules = container.get("restartPolicyRules") or []
    if policy is None:
        if rules:
            found.required(f"{path}.restartPolicy", "must specify restartPolicy when restart rules are used")
        if initial:
            return
    elif policy not in _RESTART_POLICIES:
        found.not_supported(f"{path}.restartPolicy", policy, _RESTART_POLICIES)
    path = f"{path}.restartPolicyRules"
    if len(rules) > _MAX_RESTART_RULES:
        found.too_many(path, len(rules), _MAX_RESTART_RULES)
    for index, rule in enumerate(rules):
        own = f"{path}[{index}]"
        if rule.get("action") not in _RESTART_ACTIONS:
            found.not_supported(f"{own}.action", rule.get("action") or "", _RESTART_ACTIONS)
        codes = rule.get("exitCodes")
        if codes is None:
            found.required(f"{own}.exitCodes", "must be specified")
            continue
        if codes.get("operator") not in _EXIT_CODE_OPERATORS:
            found.not_supported(f"{own}.exitCodes.operator", codes.get("operator") or "", _EXIT_CODE_OPERATORS)
        values = codes.get("values") or []
        if len(values) > _MAX_EXIT_CODES:
            found.too_many(f"{own}.exitCodes.values", len(values), _MAX_EXIT_CODES)
