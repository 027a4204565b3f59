"""The chain of authorizers as configured: --authorization-mode and its kin, or an AuthorizationConfiguration."""

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from msgspec import Struct

from pynetes.apimachinery.cel.environment import Environment
from pynetes.apimachinery.cel.plan import PlanError
from pynetes.apimachinery.cel.source import CompileError
from pynetes.apimachinery.cel.types import BOOL
from pynetes.apimachinery.errors import (
    FieldError,
    aggregate,
    duplicate,
    invalid_value,
    not_supported,
    required,
    too_many,
)
from pynetes.apimachinery.names import dns1123_subdomain
from pynetes.apimachinery.times import format_duration, parse_duration
from pynetes.apiserver import configfile
from pynetes.apiserver.authorization.webhook import Condition, Settings, condition_environment
from pynetes.apiserver.config import APIServerConfig
from pynetes.apiserver.configfile import ConfigFileError

Object = dict[str, Any]

ABAC, ALWAYS_ALLOW, WEBHOOK = "ABAC", "AlwaysAllow", "Webhook"
MODES = (ABAC, ALWAYS_ALLOW, "AlwaysDeny", "Node", "RBAC", WEBHOOK)
GROUP = "apiserver.config.k8s.io"
_KINDS = tuple((f"{GROUP}/{version}", "AuthorizationConfiguration") for version in ("v1", "v1beta1", "v1alpha1"))
_SHAPE = {
    "authorizers": [
        {
            "type": str,
            "name": str,
            "webhook": {
                "authorizedTTL": str,
                "cacheAuthorizedRequests": bool,
                "unauthorizedTTL": str,
                "cacheUnauthorizedRequests": bool,
                "timeout": str,
                "subjectAccessReviewVersion": str,
                "matchConditionSubjectAccessReviewVersion": str,
                "failurePolicy": str,
                "connectionInfo": {"type": str, "kubeConfigFile": str},
                "matchConditions": [{"expression": str}],
            },
        }
    ]
}
_MAX_TIMEOUT = 30.0
_MAX_CONDITIONS = 64


class AuthorizationConfigError(Exception):
    """The settings or the file cannot be used; the message is upstream's."""


class Webhook(Struct, frozen=True):
    """A webhook of the chain. `timeout` is in seconds."""

    name: str
    kubeconfig: Path
    timeout: float
    settings: Settings


#: One authorizer: a mode's name, or a webhook.
Link = str | Webhook


def from_flags(
    modes: Iterable[str],
    webhook_config: Path | None = None,
    *,
    policy_file: Path | None = None,
    version: str = "v1beta1",
    authorized_seconds: float = 300.0,
    unauthorized_seconds: float = 30.0,
) -> tuple[Link, ...]:
    """The chain that --authorization-mode and --authorization-webhook-* describe; without modes all is allowed."""
    modes = tuple(modes) or (ALWAYS_ALLOW,)
    problems = []
    for mode in modes:
        if mode not in MODES:
            problems.append(f'authorization-mode "{mode}" is not a valid mode')
        if mode == ABAC and policy_file is None:
            problems.append("authorization-mode ABAC's authorization policy file not passed")
        if mode == WEBHOOK and webhook_config is None:
            problems.append("authorization-mode Webhook's authorization config file not passed")
    if policy_file is not None and ABAC not in modes:
        problems.append("cannot specify --authorization-policy-file without mode ABAC")
    if webhook_config is not None and WEBHOOK not in modes:
        problems.append("cannot specify --authorization-webhook-config-file without mode Webhook")
    if len(set(modes)) != len(modes):
        shown = " ".join(f'"{mode}"' for mode in modes)
        problems.append(f"authorization-mode [{shown}] has mode specified more than once")
    if WEBHOOK in modes and version not in ("v1", "v1beta1"):
        told = f'unsupported webhook authorizer version "{version}", supported versions are "v1", "v1beta1"'
        problems.append(told)
    if problems:
        raise AuthorizationConfigError(aggregate(problems))
    settings = Settings(version, authorized_seconds, unauthorized_seconds)
    return tuple(
        Webhook("default", webhook_config, _MAX_TIMEOUT, settings) if mode == WEBHOOK and webhook_config else mode
        for mode in modes
    )


def configured(config: APIServerConfig) -> tuple[Link, ...]:
    """The chain of a server's settings."""
    given = (
        tuple(config.authorization_modes),
        config.authorization_webhook_config_file,
        config.authorization_webhook_version,
        config.authorization_webhook_cache_authorized_ttl,
        config.authorization_webhook_cache_unauthorized_ttl,
    )
    if config.authorization_config is None:
        modes, file, version, authorized, unauthorized = given
        return from_flags(
            modes,
            file,
            policy_file=config.authorization_policy_file,
            version=version,
            authorized_seconds=authorized,
            unauthorized_seconds=unauthorized,
        )
    if given != ((), None, "v1beta1", 300.0, 30.0):
        told = "can not be specified when --authorization-mode or --authorization-webhook-* flags are defined"
        raise AuthorizationConfigError(f"--authorization-config {told}")
    return load(config.authorization_config)


def load(path: Path) -> tuple[Link, ...]:
    """The chain that a file describes."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _unloadable(str(error)) from None
    return parse(data)


def parse(data: bytes, needed: Collection[str] = ()) -> tuple[Link, ...]:
    """The same, of what was read from the file; `needed`: modes that must be in it."""
    try:
        given = configfile.decode(data, _KINDS, _SHAPE).get("authorizers") or []
    except ConfigFileError as error:
        raise _unloadable(str(error)) from None
    authorizers = [_defaulted(each) for each in given]
    if errors := validate(authorizers):
        raise AuthorizationConfigError(aggregate(map(str, errors)))
    problems = [
        f"expected name {each['type'].lower()} for authorizer {each['type']} instead of {each['name']}"
        for each in authorizers
        if each["type"] != WEBHOOK and each["name"] != each["type"].lower()
    ]
    if missing := sorted(set(needed).difference(each["type"] for each in authorizers)):
        problems.append(f"missing required types: [{' '.join(missing)}]")
    if problems:
        raise AuthorizationConfigError(aggregate(problems))
    return tuple(_link(each) for each in authorizers)


def _unloadable(why: str) -> AuthorizationConfigError:
    return AuthorizationConfigError(f"failed to load AuthorizationConfiguration from file: {why}")


def _defaulted(authorizer: Object) -> Object:
    """Upstream's defaults: the times for which answers are remembered."""
    webhook = authorizer.get("webhook")
    if not isinstance(webhook, dict):
        return authorizer
    defaults = {"authorizedTTL": "5m0s", "unauthorizedTTL": "30s"}
    return {**authorizer, "webhook": {**defaults, **{k: v for k, v in webhook.items() if v is not None}}}


def validate(authorizers: list[Object]) -> list[FieldError]:
    """What is wrong with the authorizers of a configuration."""
    if not authorizers:
        return [required("authorizers", "at least one authorization mode must be defined")]
    found: list[FieldError] = []
    types: set[str] = set()
    names: set[str] = set()
    for i, authorizer in enumerate(authorizers):
        path, kind = f"authorizers[{i}]", authorizer.get("type") or ""
        problem = _type_problem(f"{path}.type", kind, types)
        if problem is not None:
            found.append(problem)
            continue
        types.add(kind)
        found += _name_problems(f"{path}.name", authorizer.get("name") or "", names)
        webhook = authorizer.get("webhook")
        if kind != WEBHOOK:
            if webhook is not None:
                told = "may only be specified when type=Webhook"
                found.append(invalid_value(f"{path}.webhook", "non-null", told))
        elif webhook is None:
            found.append(required(f"{path}.webhook", "required when type=Webhook"))
        else:
            found += _webhook_problems(path, webhook)
    return found


def _type_problem(path: str, kind: str, seen: set[str]) -> FieldError | None:
    if not kind:
        return required(path)
    if kind not in MODES:
        return not_supported(path, kind, MODES)
    return duplicate(path, kind) if kind in seen and kind != WEBHOOK else None


def _name_problems(path: str, name: str, seen: set[str]) -> list[FieldError]:
    if not name:
        return [required(path)]
    if name in seen:
        return [duplicate(path, name)]
    seen.add(name)
    problems = dns1123_subdomain(name)
    return [invalid_value(path, name, f"authorizer name is invalid: {', '.join(problems)}")] if problems else []


def _webhook_problems(path: str, webhook: Object) -> list[FieldError]:
    found = _time_problems(f"{path}.timeout", webhook.get("timeout"), _MAX_TIMEOUT)
    found += _time_problems(f"{path}.authorizedTTL", webhook.get("authorizedTTL"))
    found += _time_problems(f"{path}.unauthorizedTTL", webhook.get("unauthorizedTTL"))
    found += _choice(f"{path}.subjectAccessReviewVersion", webhook, ("v1", "v1beta1"))
    conditions = webhook.get("matchConditions") or ()
    field = "matchConditionSubjectAccessReviewVersion"
    if webhook.get(field):
        found += _choice(f"{path}.{field}", webhook, ("v1",))
    elif conditions:
        found.append(required(f"{path}.{field}", "required if match conditions are specified"))
    found += _choice(f"{path}.failurePolicy", webhook, ("NoOpinion", "Deny"))
    found += _connection_problems(f"{path}.connectionInfo", webhook.get("connectionInfo") or {})
    if len(conditions) > _MAX_CONDITIONS:
        return [*found, too_many(f"{path}.matchConditions", len(conditions), _MAX_CONDITIONS)]
    seen: set[str] = set()
    for i, condition in enumerate(conditions):
        where, text = f"{path}.matchConditions[{i}].expression", condition.get("expression") or ""
        if not text.strip():
            found.append(required(where))
        elif text in seen:
            found.append(duplicate(where, text))
        else:
            seen.add(text)
            compiled = compile_condition(text)
            if isinstance(compiled, str):
                found.append(invalid_value(where, text, compiled))
    return found


def _choice(path: str, webhook: Object, allowed: tuple[str, ...]) -> list[FieldError]:
    value = webhook.get(path.rpartition(".")[2]) or ""
    if not value:
        return [required(path)]
    return [] if value in allowed else [not_supported(path, value, allowed)]


def _time_problems(path: str, text: Any, most: float = 0.0) -> list[FieldError]:
    told = f"must be > 0s and <= {most:g}s" if most else "must be > 0s"
    try:
        seconds = parse_duration(text) if text else 0.0
    except (ValueError, TypeError, AttributeError) as error:
        return [invalid_value(path, text, str(error))]
    if seconds == 0:
        return [required(path)]
    if seconds < 0 or (most and seconds > most):
        return [invalid_value(path, format_duration(seconds), told)]
    return []


def _connection_problems(path: str, info: Object) -> list[FieldError]:
    kind, file = info.get("type") or "", info.get("kubeConfigFile")
    where = f"{path}.kubeConfigFile"
    if not kind:
        return [required(f"{path}.type")]
    if kind == "InClusterConfig":
        return [invalid_value(where, file, "can only be set when type=KubeConfigFile")] if file is not None else []
    if kind != "KubeConfigFile":
        return [not_supported(f"{path}.type", kind, ("InClusterConfig", "KubeConfigFile"))]
    if not file:
        return [required(where)]
    if not Path(file).is_absolute():
        return [invalid_value(where, file, "must be an absolute path")]
    if not Path(file).exists():
        return [invalid_value(where, file, f"error loading file: stat {file}: no such file or directory")]
    return [] if Path(file).is_file() else [invalid_value(where, file, "must be a regular file")]


def compile_condition(text: str, environment: Environment | None = None) -> Condition | str:
    """The condition, or what is wrong with it."""
    try:
        compiled = (environment or condition_environment()).compile(text)
    except CompileError as error:
        return f"compilation failed: {error}"
    if compiled.type != BOOL:
        return f"must evaluate to bool but got {compiled.type}"
    try:
        return Condition(text, compiled.program())
    except PlanError as error:
        return f"program instantiation failed: {error}"


def _link(authorizer: Object) -> Link:
    if authorizer["type"] != WEBHOOK:
        return str(authorizer["type"])
    webhook = authorizer["webhook"]
    info = webhook["connectionInfo"]
    if info["type"] != "KubeConfigFile":
        raise AuthorizationConfigError("connectionInfo.type InClusterConfig needs a server that runs in a pod")
    compiled = [compile_condition(each["expression"]) for each in webhook.get("matchConditions") or ()]
    settings = Settings(
        webhook["subjectAccessReviewVersion"],
        _kept(webhook, "authorizedTTL", "cacheAuthorizedRequests"),
        _kept(webhook, "unauthorizedTTL", "cacheUnauthorizedRequests"),
        webhook["failurePolicy"] == "Deny",
        tuple(each for each in compiled if isinstance(each, Condition)),
    )
    return Webhook(authorizer["name"], Path(info["kubeConfigFile"]), parse_duration(webhook["timeout"]), settings)


def _kept(webhook: Object, field: str, switch: str) -> float:
    return 0.0 if webhook.get(switch) is False else parse_duration(webhook[field])
