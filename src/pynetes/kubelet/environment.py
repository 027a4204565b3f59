"""The environment of a container: variables from every source, and `$(NAME)` expansion.

Order is deterministic: `envFrom` as listed, then `env` as listed, then the Services' variables that nothing overrode.
Texts of errors are upstream's, for they show up as the container's waiting message.
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pynetes.kubelet import downward, env_file, service_env

ObjectGetter = Callable[[str], dict[str, Any] | None]

_REFERENCE = re.compile(r"\$(\$|\(([^)]*)\))", re.DOTALL)


class ConfigError(Exception):
    """The container cannot be configured: waiting reason CreateContainerConfigError."""


def expand(text: str, env: Mapping[str, str]) -> str:
    """Replaces `$(NAME)` where the name is known; `$$` is a literal `$`; anything else stays as written."""

    def replace(match: re.Match[str]) -> str:
        if match[1] == "$":
            return "$"
        return env.get(match[2], match[0])

    return _REFERENCE.sub(replace, text) if "$" in text else text


def command_and_args(container: Mapping[str, Any], env: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """The container's `command` and `args`, expanded."""
    return (
        [expand(part, env) for part in container.get("command") or ()],
        [expand(part, env) for part in container.get("args") or ()],
    )


def expand_sub_path(expression: str, env: Mapping[str, str]) -> str:
    """A volume mount's `subPathExpr`; every name in it must have a value."""
    names = {match[2] for match in _REFERENCE.finditer(expression) if match[1] != "$"}
    missing = sorted(name for name in names if not env.get(name))
    if missing:
        raise ConfigError(f"missing value for {', '.join(missing)}")
    return expand(expression, env)


def make_environment(
    pod: dict[str, Any],
    container: dict[str, Any],
    *,
    config_map: ObjectGetter,
    secret: ObjectGetter,
    services: Sequence[dict[str, Any]] = (),
    pod_ips: Sequence[str] = (),
    host_ips: Sequence[str] = (),
    node: dict[str, Any] | None = None,
    volume_path: Callable[[str], str | None] | None = None,
) -> list[tuple[str, str]]:
    """Name and value of every variable. `config_map` and `secret` look up by name in the pod's namespace;
    `volume_path` tells where a mounted volume lies (for `fileKeyRef`). Raises ConfigError."""
    return _Builder(pod, container, config_map, secret, services, pod_ips, host_ips, node, volume_path).build()


class _Builder:
    def __init__(
        self,
        pod: dict[str, Any],
        container: dict[str, Any],
        config_map: ObjectGetter,
        secret: ObjectGetter,
        services: Sequence[dict[str, Any]],
        pod_ips: Sequence[str],
        host_ips: Sequence[str],
        node: dict[str, Any] | None,
        volume_path: Callable[[str], str | None] | None,
    ) -> None:
        self.pod, self.container = pod, container
        self.namespace = pod["metadata"].get("namespace") or "default"
        self._getters = {"configmap": config_map, "secret": secret}
        links = pod["spec"].get("enableServiceLinks", True)
        self.services = dict(service_env.variables(service_env.visible_services(services, self.namespace, links)))
        self.pod_ips, self.host_ips, self.node, self.volume_path = pod_ips, host_ips, node, volume_path
        self.env: dict[str, str] = {}

    def build(self) -> list[tuple[str, str]]:
        for source in self.container.get("envFrom") or ():
            self._add_all(source)
        for variable in self.container.get("env") or ():
            value = self._value(variable)
            if value is not None:
                self.env[variable["name"]] = value
        return [*self.env.items(), *((k, v) for k, v in self.services.items() if k not in self.env)]

    def _value(self, variable: Mapping[str, Any]) -> str | None:
        """None leaves the variable out (an optional source is missing)."""
        if variable.get("value"):
            return expand(variable["value"], {**self.services, **self.env})
        source = variable.get("valueFrom")
        if not source:
            return ""
        try:
            return self._value_from(source)
        except downward.FieldPathError as error:
            raise ConfigError(str(error)) from None

    def _value_from(self, source: Mapping[str, Any]) -> str | None:
        if ref := source.get("fieldRef"):
            return downward.runtime_field(self.pod, ref["fieldPath"], pod_ips=self.pod_ips, host_ips=self.host_ips)
        if ref := source.get("resourceFieldRef"):
            return downward.container_resource(self.pod, self.container, ref, self.node)
        if ref := source.get("configMapKeyRef"):
            return self._key("configmap", "ConfigMap", ref)
        if ref := source.get("secretKeyRef"):
            return self._key("secret", "Secret", ref)
        if ref := source.get("fileKeyRef"):
            return self._file_key(ref)
        return ""

    def _object(self, kind: str, name: str, optional: bool) -> dict[str, Any] | None:
        found = self._getters[kind](name)
        if found is None and not optional:
            raise ConfigError(f'{kind} "{name}" not found')
        return found

    def _add_all(self, source: Mapping[str, Any]) -> None:
        for field, kind in (("configMapRef", "configmap"), ("secretRef", "secret")):
            ref = source.get(field)
            if not ref:
                continue
            found = self._object(kind, ref.get("name", ""), bool(ref.get("optional")))
            for key, value in ((found or {}).get("data") or {}).items():
                self.env[(source.get("prefix") or "") + key] = value if kind == "configmap" else _decode(key, value)

    def _key(self, kind: str, shown: str, ref: Mapping[str, Any]) -> str | None:
        name, key, optional = ref.get("name", ""), ref["key"], bool(ref.get("optional"))
        found = self._object(kind, name, optional)
        if found is None:
            return None
        value = (found.get("data") or {}).get(key)
        if value is None:
            if optional:
                return None
            raise ConfigError(f"couldn't find key {key} in {shown} {self.namespace}/{name}")
        return value if kind == "configmap" else _decode(key, value)

    def _file_key(self, ref: Mapping[str, Any]) -> str | None:
        volume, key = ref["volumeName"], ref["key"]
        root = self.volume_path(volume) if self.volume_path else None
        if root is None:
            raise ConfigError(f'cannot find the volume "{volume}" referenced by FileKeyRef')
        path = Path(root, ref["path"])
        if not path.resolve().is_relative_to(Path(root).resolve()):
            raise ConfigError("couldn't parse env file")
        try:
            value = env_file.find(path.read_text(), key)
        except (OSError, ValueError):
            # The details could tell of the node's file system: upstream hides them too.
            raise ConfigError("couldn't parse env file") from None
        if value:
            return value
        if ref.get("optional"):
            return None
        raise ConfigError(f'environment variable key "{key}" not found in file "{path}"')


def _decode(key: str, value: str) -> str:
    try:
        return base64.b64decode(value).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise ConfigError(f"value of key {key} is not valid UTF-8") from None
