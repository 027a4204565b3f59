"""`--admission-control-config-file`: an AdmissionConfiguration, which holds or names the configurations of plugins."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from pynetes.apiserver import configfile
from pynetes.apiserver.config import ConfigurationError
from pynetes.apiserver.configfile import ConfigFileError, Kind

Object = dict[str, Any]

_GROUP = "apiserver.config.k8s.io"
_KINDS = tuple(
    (version, "AdmissionConfiguration")
    for version in (f"{_GROUP}/v1", f"{_GROUP}/v1alpha1", "apiserver.k8s.io/v1alpha1")
)
_SHAPE: Mapping[str, Any] = {"plugins": [{"name": str, "path": str, "configuration": object}]}
#: The whole file may be one of these plugins' configuration, as long ago.
_OLD = {"imagePolicy": "ImagePolicyWebhook", "podNodeSelectorPluginConfig": "PodNodeSelector"}


class Configurations:
    """What each plugin is configured with, unparsed."""

    def __init__(self, found: Mapping[str, Any] | None = None) -> None:
        self._found = dict(found or {})

    @classmethod
    def load(cls, path: Path | None) -> "Configurations":
        """ConfigurationError if the file cannot be used."""
        if path is None:
            return cls()
        try:
            parsed = configfile.parse(_read(path))
            if isinstance(parsed, dict) and not parsed.get("kind"):
                old = {plugin: parsed for field, plugin in _OLD.items() if field in parsed}
                if old:
                    return cls(old)
            document = configfile.check(parsed, _KINDS, _SHAPE)
            return cls({plugin.get("name"): _of(plugin, path.parent) for plugin in document.get("plugins") or ()})
        except ConfigFileError as error:
            raise ConfigurationError(f"failed to read plugin config: {error}") from None

    def raw(self, plugin: str) -> Any:
        """As it stands in the file; None if there is none."""
        return self._found.get(plugin)

    def of(self, plugin: str, kinds: Collection[Kind], shape: Mapping[str, Any]) -> Object | None:
        """The configuration of a plugin, of one of the kinds; None if there is none. ConfigurationError."""
        found = self._found.get(plugin)
        if found is None:
            return None
        try:
            return configfile.check(found, kinds, shape)
        except ConfigFileError as error:
            raise failure(plugin, str(error)) from None


def failure(plugin: str, why: str) -> ConfigurationError:
    return ConfigurationError(f'couldn\'t init admission plugin "{plugin}": {why}')


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigFileError(f'unable to read admission control configuration from "{path}" [{error}]') from None


def _of(plugin: Object, base: Path) -> Any:
    """What is in the file counts before a path, which is relative to it."""
    if plugin.get("configuration") is not None:
        return plugin["configuration"]
    return configfile.parse(_read(base / plugin["path"])) if plugin.get("path") else None
