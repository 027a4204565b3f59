"""The webhook authorizer: a SubjectAccessReview by POST, its answer remembered."""

import logging
from collections.abc import Sequence
from functools import cache, partial
from typing import Any

import orjson
from msgspec import Struct, field

from pynetes.apimachinery.cel.environment import Environment, Program
from pynetes.apimachinery.cel.types import STRING_DECL, fields_of, list_decl, map_decl, object_decl
from pynetes.apimachinery.errors import aggregate
from pynetes.apiserver.authentication.user import UserInfo
from pynetes.apiserver.authorization import measures
from pynetes.apiserver.authorization.attributes import NO_OPINION, Attributes, Decision
from pynetes.apiserver.authorization.rules import Held
from pynetes.apiserver.webhooks.client import WebhookError
from pynetes.apiserver.webhooks.remembered import Remembered
from pynetes.apiserver.webhooks.reviews import ReviewClient
from pynetes.component import clock

log = logging.getLogger(__name__)

Object = dict[str, Any]

#: Upstream's --authorization-webhook-cache-authorized-ttl and -unauthorized-ttl, in seconds.
AUTHORIZED_SECONDS, UNAUTHORIZED_SECONDS = 300.0, 30.0
#: Questions with more characters than this, which a user chooses, are not remembered.
_MEMORABLE = 10_000
_OPERATORS = {
    "=": "In",
    "==": "In",
    "in": "In",
    "!=": "NotIn",
    "notin": "NotIn",
    "exists": "Exists",
    "!": "DoesNotExist",
}


class Condition(Struct, frozen=True):
    """A match condition that compiled."""

    text: str
    program: Program


class Settings(Struct, frozen=True):
    """Of one webhook. Times are seconds; `version` is the one of authorization.k8s.io that it is asked in."""

    version: str = "v1"
    authorized_seconds: float = AUTHORIZED_SECONDS
    unauthorized_seconds: float = UNAUTHORIZED_SECONDS
    #: Whether a failure denies, or leaves it to the authorizers that follow.
    denies_on_error: bool = False
    conditions: Sequence[Condition] = field(default=())


@cache
def condition_environment() -> Environment:
    """That of match conditions: the variable `request` is the spec of a v1 SubjectAccessReview."""
    strings = list_decl(STRING_DECL)
    requirement = object_decl(
        "kubernetes.SelectorRequirement", fields_of(key=STRING_DECL, operator=STRING_DECL, values=strings)
    )
    selectors = [
        object_decl(f"kubernetes.{name}", fields_of(rawSelector=STRING_DECL, requirements=list_decl(requirement)))
        for name in ("FieldSelectorAttributes", "LabelSelectorAttributes")
    ]
    texts = ("namespace", "verb", "group", "version", "resource", "subresource", "name")
    resource = fields_of(**dict.fromkeys(texts, STRING_DECL), fieldSelector=selectors[0], labelSelector=selectors[1])
    spec = object_decl(
        "kubernetes.SubjectAccessReviewSpec",
        fields_of(
            resourceAttributes=object_decl("kubernetes.ResourceAttributes", resource),
            nonResourceAttributes=object_decl(
                "kubernetes.NonResourceAttributes", fields_of(path=STRING_DECL, verb=STRING_DECL)
            ),
            user=STRING_DECL,
            groups=strings,
            extra=map_decl(STRING_DECL, strings),
            uid=STRING_DECL,
        ),
    )
    return Environment({"request": spec})


class WebhookAuthorizer:
    def __init__(self, name: str, client: ReviewClient, settings: Settings) -> None:
        self.name = name
        self._client = client
        self._settings = settings
        self._answers: Remembered[Decision] = Remembered()
        #: Of the last attempt.
        self._result = ""

    def held(self, user: UserInfo, namespace: str) -> Held:
        return Held(incomplete=True, problem="webhook authorizer does not support user rule resolution")

    def authorize(self, attrs: Attributes) -> Decision:
        spec = review_spec(attrs)
        if self._settings.conditions:
            matches, problem = self._match(attrs, spec)
            if problem:
                return self._failed(problem)
            if not matches:
                return NO_OPINION
        key = orjson.dumps(spec, option=orjson.OPT_SORT_KEYS)
        known = self._answers.get(key)
        return known or Decision(False, ask=partial(self._ask, attrs, spec, key))

    async def _ask(self, attrs: Attributes, spec: Object, key: bytes) -> Decision:
        settings = self._settings
        version = f"authorization.k8s.io/{settings.version}"
        sent = spec if settings.version == "v1" else _beta(spec)
        review = {"kind": "SubjectAccessReview", "apiVersion": version, "metadata": {}, "spec": sent}
        try:
            status = await self._client.ask({**review, "status": {"allowed": False}}, self._note)
        except WebhookError as error:
            log.error("failed to make webhook authorizer request to %s: %s", self.name, error)
            if not settings.denies_on_error:
                measures.FAIL_OPEN.labels(self.name, self._result).inc()
            return self._failed(str(error))
        decision = decision_of(status)
        if memorable(attrs):
            seconds = settings.authorized_seconds if status.get("allowed") else settings.unauthorized_seconds
            self._answers.put(key, decision, seconds)
        return decision

    def _match(self, attrs: Attributes, spec: Object) -> tuple[bool, str]:
        began = clock.monotonic()
        matches, problem = match(self._settings.conditions, attrs, spec)
        measures.note_conditions(self.name, clock.monotonic() - began, excluded=not matches, failed=bool(problem))
        return matches, problem

    def _note(self, result: str, seconds: float) -> None:
        self._result = result
        measures.EVALUATIONS.labels(self.name, result).inc()
        measures.SECONDS.note((self.name, result), seconds)

    def _failed(self, problem: str) -> Decision:
        return Decision(False, denied=self._settings.denies_on_error, error=problem)

    async def close(self) -> None:
        await self._client.close()


def decision_of(status: Object) -> Decision:
    """What the status of an answered review decides."""
    allowed, denied, reason = bool(status.get("allowed")), bool(status.get("denied")), str(status.get("reason") or "")
    if allowed and denied:
        both = "webhook subject access review returned both allow and deny response"
        return Decision(False, denied=True, reason=reason, error=both)
    return Decision(allowed, denied=denied, reason=reason)


def review_spec(attrs: Attributes) -> Object:
    """The question as the spec of a SubjectAccessReview, empty fields left out."""
    user = attrs.user
    spec: Object = {}
    if attrs.is_resource:
        spec["resourceAttributes"] = _resource(attrs)
    else:
        spec["nonResourceAttributes"] = _filled({"path": attrs.path, "verb": attrs.verb})
    extra = {key: list(values) for key, values in user.extra.items()}
    return spec | _filled({"user": user.name, "groups": list(user.groups), "extra": extra, "uid": user.uid})


def _resource(attrs: Attributes) -> Object:
    found: Object = {
        "namespace": attrs.namespace,
        "verb": attrs.verb,
        "group": attrs.group,
        "version": attrs.version,
        "resource": attrs.resource,
        "subresource": attrs.subresource,
        "name": attrs.name,
    }
    fields = [
        {"key": key, "operator": _OPERATORS[operator], "values": [value]}
        for key, operator, value in attrs.field_selector
        if operator in _OPERATORS
    ]
    labels = [
        _filled({"key": each.key, "operator": _OPERATORS[each.operator], "values": list(each.values)})
        for each in attrs.label_selector
        if each.operator in _OPERATORS
    ]
    if fields:
        found["fieldSelector"] = {"requirements": fields}
    if labels:
        found["labelSelector"] = {"requirements": labels}
    return _filled(found)


def _filled(fields: Object) -> Object:
    return {key: value for key, value in fields.items() if value}


def _beta(spec: Object) -> Object:
    """v1beta1 says `group` where v1 says `groups`."""
    return {"group" if key == "groups" else key: value for key, value in spec.items()}


def match(conditions: Sequence[Condition], attrs: Attributes, spec: Object) -> tuple[bool, str]:
    """Whether all conditions hold; what went wrong, unless one of them is false anyway."""
    request = _whole(attrs, spec)
    problems = []
    for condition in conditions:
        outcome = condition.program.evaluate({"request": request})
        if outcome.error is not None:
            told = f"expression '{condition.text}' resulted in error: {outcome.error}"
            problems.append(f"cel evaluation error: {told}")
        elif outcome.value is not True:
            return False, ""
    return not problems, aggregate(problems)


def _whole(attrs: Attributes, spec: Object) -> Object:
    """The spec as conditions see it: strings are there even when empty."""
    whole: Object = {"user": "", "uid": "", "groups": [], "extra": {}, **spec}
    if attrs.is_resource:
        texts = ("namespace", "verb", "group", "version", "resource", "subresource", "name")
        whole["resourceAttributes"] = {**dict.fromkeys(texts, ""), **spec["resourceAttributes"]}
    else:
        whole["nonResourceAttributes"] = {"path": attrs.path, "verb": attrs.verb}
    return whole


def memorable(attrs: Attributes) -> bool:
    """Whether the part of the question that its user chooses freely is short enough to be kept."""
    chosen = (attrs.namespace, attrs.verb, attrs.group, attrs.version, attrs.resource, attrs.subresource, attrs.name)
    return sum(map(len, (*chosen, attrs.path))) < _MEMORABLE
