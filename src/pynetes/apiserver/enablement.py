"""Which APIs are served: all that there are, less (or plus again) what `--runtime-config` says."""

import re
from collections.abc import Iterable, Mapping

from pynetes.apis.resource import Resource
from pynetes.component.features import parse_bool

GroupVersion = tuple[str, str]
_ALL = "api/all"
_MATCHING = {
    _ALL: re.compile(""),
    "api/ga": re.compile(r"v\d+$"),
    "api/beta": re.compile(r"v\d+beta\d+$"),
    "api/alpha": re.compile(r"v\d+alpha\d+$"),
}


class EnablementError(ValueError):
    """The setting names what there is not; in upstream's words."""


def served(resources: Iterable[Resource], wanted: Mapping[str, str]) -> tuple[Resource, ...]:
    """Those of the resources that are on. A resource's own setting counts before its version's, and that before the
    ones of whole stages. EnablementError."""
    known = tuple(resources)
    if not wanted:
        return known
    if dict(wanted) == {_ALL: "false"}:
        raise EnablementError(f"invalid runtime-config with only {_ALL}=false")
    groups = {resource.gvk.group for resource in known}
    versions = {(resource.gvk.group, resource.gvk.version) for resource in known}
    paths = [_path(key) for key in wanted if key not in _MATCHING]
    if unknown := sorted({_name(version) for version, _ in paths if version[0] not in groups}):
        raise EnablementError(f"unknown api groups {','.join(unknown)}")
    on = dict.fromkeys(versions, True)
    for stage, pattern in _MATCHING.items():
        if stage in wanted:
            enabled = _whole(stage, wanted[stage])
            on |= {version: enabled for version in versions if pattern.match(version[1])}
    single: dict[tuple[GroupVersion, str], bool] = {}
    for key in wanted.keys() - _MATCHING.keys():
        version, resource = _path(key)
        enabled = _one(key, wanted[key])
        if version not in versions:
            if enabled:
                raise EnablementError(f"group version {_name(version)} that has not been registered")
        elif resource:
            single[version, resource] = enabled
        else:
            on[version] = enabled

    def is_on(resource: Resource) -> bool:
        version = (resource.gvk.group, resource.gvk.version)
        return single.get((version, resource.plural), on[version])

    return tuple(resource for resource in known if is_on(resource))


def _path(key: str) -> tuple[GroupVersion, str]:
    """`apps/v1/deployments`; the group of core is written as nothing, or as `api`."""
    parts = key.split("/")
    if len(parts) not in (2, 3) and key != "v1":
        raise EnablementError(f"runtime-config invalid key {key}")
    if key == "v1":
        return ("", key), ""
    resource = parts[2] if len(parts) == 3 else ""
    if resource != resource.lower():
        told = f'group/version/resource and resource is always lowercase plural, not "{resource}"'
        raise EnablementError(f"invalid key {key}: {told}")
    return (parts[0], parts[1]), resource


def _name(version: GroupVersion) -> str:
    return "/".join(filter(None, version))


def _whole(stage: str, value: str) -> bool:
    if value not in ("true", "false"):
        raise EnablementError(f"invalid value {stage}={value}")
    return value == "true"


def _one(key: str, value: str) -> bool:
    try:
        return not value or parse_bool(value)
    except ValueError as error:
        raise EnablementError(f"invalid value of {key}: {value}, err: {error}") from None
