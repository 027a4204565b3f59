"""The audit policy: rules, the first that matches a request says how much of it is noted."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct

from pynetes.apimachinery.errors import FieldError, invalid_value, not_supported, required
from pynetes.apiserver.authentication.user import UserInfo
from pynetes.apiserver.requestinfo import RequestInfo

NONE, METADATA, REQUEST, REQUEST_RESPONSE = LEVELS = ("None", "Metadata", "Request", "RequestResponse")
RECEIVED, STARTED, COMPLETE, PANIC = STAGES = ("RequestReceived", "ResponseStarted", "ResponseComplete", "Panic")

Object = Mapping[str, Any]


class PolicyError(Exception):
    """The policy file cannot be used; the message says why."""


class Noted(Struct, frozen=True):
    """What is noted of one request."""

    level: str = NONE
    omitted: frozenset[str] = frozenset()
    omit_managed_fields: bool = False

    def at_least(self, level: str) -> bool:
        return LEVELS.index(self.level) >= LEVELS.index(level)


class Policy:
    def __init__(self, document: Object) -> None:
        """`document` is checked already."""
        omitted = document.get("omitStages") or ()
        managed = bool(document.get("omitManagedFields"))
        self._rules = [(rule, _noted(rule, omitted, managed)) for rule in document.get("rules") or ()]
        self._default = Noted(NONE, frozenset(omitted), managed)

    def of(self, user: UserInfo | None, info: RequestInfo) -> Noted:
        for rule, noted in self._rules:
            if _matches(rule, user, info):
                return noted
        return self._default


def _noted(rule: Object, omitted: Sequence[str], managed: bool) -> Noted:
    own = rule.get("omitManagedFields")
    stages = frozenset((*omitted, *(rule.get("omitStages") or ())))
    return Noted(rule["level"], stages, managed if own is None else bool(own))


def load(path: Path) -> Policy:
    """PolicyError for a file that is none."""
    try:
        document = yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise PolicyError(f"failed to read audit policy file {path}: {error}") from None
    if not isinstance(document, dict) or document.get("apiVersion") != "audit.k8s.io/v1":
        raise PolicyError(f"{path}: an audit policy has apiVersion: audit.k8s.io/v1")
    if document.get("kind") != "Policy":
        raise PolicyError(f"{path}: kind must be Policy")
    if not document.get("rules"):
        raise PolicyError(f"{path}: loaded illegal policy with 0 rules")
    if errors := validate(document):
        raise PolicyError(f"{path}: {'; '.join(str(error) for error in errors)}")
    return Policy(document)


def validate(document: Object) -> list[FieldError]:
    errors = _stages("omitStages", document)
    for index, rule in enumerate(document.get("rules") or ()):
        errors += _rule(f"rules[{index}]", rule)
    return errors


def _rule(path: str, rule: Object) -> list[FieldError]:
    errors: list[FieldError] = []
    level = rule.get("level")
    if not level:
        errors.append(required(f"{path}.level", ""))
    elif level not in LEVELS:
        errors.append(not_supported(f"{path}.level", level, LEVELS))
    urls = rule.get("nonResourceURLs") or ()
    if urls and (rule.get("resources") or rule.get("namespaces")):
        why = "rules cannot apply to both regular resources and non-resource URLs"
        errors.append(invalid_value(f"{path}.nonResourceURLs", list(urls), why))
    for index, url in enumerate(urls):
        if url != "*" and not url.startswith("/"):
            why = "non-resource URL rules must begin with a '/' character"
            errors.append(invalid_value(f"{path}.nonResourceURLs[{index}]", url, why))
        if url != "*" and "*" in url[:-1]:
            why = "non-resource URL wildcards '*' must be the final character of the rule"
            errors.append(invalid_value(f"{path}.nonResourceURLs[{index}]", url, why))
    for index, each in enumerate(rule.get("resources") or ()):
        if each.get("resourceNames") and not each.get("resources"):
            why = "using resourceNames requires at least one resource"
            at = f"{path}.resources[{index}].resourceNames"
            errors.append(invalid_value(at, list(each["resourceNames"]), why))
    return errors + _stages(f"{path}.omitStages", rule)


def _stages(path: str, holder: Object) -> list[FieldError]:
    return [
        invalid_value(f"{path}[{index}]", stage, f"allowed stages are {','.join(STAGES)}")
        for index, stage in enumerate(holder.get("omitStages") or ())
        if stage not in STAGES
    ]


# --- matching


def _matches(rule: Object, user: UserInfo | None, info: RequestInfo) -> bool:
    if (users := rule.get("users")) and (user is None or user.name not in users):
        return False
    if (groups := rule.get("userGroups")) and (user is None or not set(groups) & set(user.groups)):
        return False
    if (verbs := rule.get("verbs")) and info.verb not in verbs:
        return False
    if rule.get("namespaces") or rule.get("resources"):
        return info.is_resource and _matches_resource(rule, info)
    if urls := rule.get("nonResourceURLs"):
        return not info.is_resource and any(_matches_path(info.path, url) for url in urls)
    return True


def _matches_path(path: str, url: str) -> bool:
    return url in ("*", path) or (url.endswith("*") and path.startswith(url.rstrip("*")))


def _matches_resource(rule: Object, info: RequestInfo) -> bool:
    if (namespaces := rule.get("namespaces")) and info.namespace not in namespaces:
        return False
    wanted = rule.get("resources")
    return not wanted or any(_matches_group(each, info) for each in wanted)


def _matches_group(wanted: Object, info: RequestInfo) -> bool:
    if wanted.get("group", "") not in ("*", info.group):
        return False
    resources, names = wanted.get("resources") or (), wanted.get("resourceNames") or ()
    if not resources:
        return True
    if names and info.name not in names:
        return False
    whole = f"{info.resource}/{info.subresource}" if info.subresource else info.resource
    patterns = {"*", whole, f"{info.resource}/*"}
    if info.subresource:
        patterns.add(f"*/{info.subresource}")
    return bool(patterns & set(resources))
