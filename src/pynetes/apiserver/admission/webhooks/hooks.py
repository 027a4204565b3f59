"""Webhooks as configurations describe them, ready to be asked."""

from typing import Any

from msgspec import Struct

from pynetes.apiserver.admission.expressions.matchconditions import MatchConditions
from pynetes.apiserver.admission.matching import Matcher
from pynetes.apiserver.admission.measures import Measured
from pynetes.apiserver.objects import Change
from pynetes.apiserver.webhooks.client import ClientConfig

Object = dict[str, Any]

_REVIEW_VERSIONS = ("v1", "v1beta1")
_HARMLESS = ("None", "NoneOnDryRun")
_TIMEOUT = 10


class Hook(Struct):
    """One webhook. `uid` tells it apart from others of the same name. `timeout` is in seconds."""

    uid: str
    name: str
    configuration: str
    client: ClientConfig
    matcher: Matcher
    conditions: MatchConditions
    ignores_failures: bool
    timeout: float
    #: None: not said.
    side_effects: str | None
    #: The first that both sides know; empty if there is none.
    review_version: str
    reinvocable: bool = False

    @property
    def bears_dry_run(self) -> bool:
        return self.side_effects in _HARMLESS


def hooks_of(configuration: Object, type: str) -> list[Hook]:
    """All webhooks of a configuration, in its order; `type` is that of metrics (admit or validating)."""
    found: list[Hook] = []
    seen: dict[str, int] = {}
    owner = configuration["metadata"]["name"]
    for each in configuration.get("webhooks") or ():
        name = each.get("name") or ""
        number = seen[name] = seen.get(name, -1) + 1
        found.append(_hook(each, f"{owner}/{name}/{number}", owner, type))
    return found


def _hook(each: Object, uid: str, owner: str, type: str) -> Hook:
    name = each.get("name") or ""
    ignores = each.get("failurePolicy") == "Ignore"
    measured = Measured(name, "webhook", type)
    versions = [version for version in each.get("admissionReviewVersions") or () if version in _REVIEW_VERSIONS]
    return Hook(
        uid,
        name,
        owner,
        ClientConfig.of(each.get("clientConfig") or {}),
        Matcher.of(each),
        MatchConditions(each.get("matchConditions") or (), ignore_failures=ignores, measured=measured),
        ignores,
        float(each.get("timeoutSeconds") or _TIMEOUT),
        each.get("sideEffects"),
        versions[0] if versions else "",
        each.get("reinvocationPolicy") == "IfNeeded",
    )


class Hooks:
    """All webhooks of a kind of configuration: `observe` is told every change."""

    def __init__(self, type: str) -> None:
        self._type = type
        self._by_configuration: dict[str, list[Hook]] = {}
        self.all: tuple[Hook, ...] = ()

    def observe(self, change: Change, configuration: Object) -> None:
        name = configuration["metadata"]["name"]
        if change == "DELETED":
            self._by_configuration.pop(name, None)
        else:
            self._by_configuration[name] = hooks_of(configuration, self._type)
        ordered = sorted(self._by_configuration)
        self.all = tuple(hook for each in ordered for hook in self._by_configuration[each])
