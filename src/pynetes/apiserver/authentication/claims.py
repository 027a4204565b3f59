"""From the claims of a verified token to an identity, as a `jwt` entry of an AuthenticationConfiguration says."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from pynetes.apimachinery.cel.environment import Program
from pynetes.apimachinery.schema.checker import go_shape
from pynetes.apiserver.authentication.authenticator import InvalidCredentials
from pynetes.apiserver.authentication.user import CREDENTIAL_ID, UserInfo

Object = dict[str, Any]


class Expression(Struct, frozen=True):
    text: str
    program: Program


class Source(Struct, frozen=True):
    """A claim with a prefix, or an expression. Neither: nothing."""

    claim: str = ""
    prefix: str = ""
    expression: Expression | None = None


class Rule(Struct, frozen=True):
    """What must be true, and what is told if it is not."""

    expression: Expression
    message: str


class Mappings(Struct, frozen=True):
    username: Source
    groups: Source = Source()
    uid: Source = Source()
    extra: tuple[tuple[str, Expression], ...] = ()
    required: tuple[tuple[str, str], ...] = ()
    claim_rules: tuple[Rule, ...] = ()
    user_rules: tuple[Rule, ...] = ()


def user_of(claims: Object, mappings: Mappings) -> UserInfo:
    """The identity; InvalidCredentials says why the claims give none."""
    seen = {"claims": as_expressions_see(claims)}
    name = _username(claims, seen, mappings.username)
    groups = _groups(claims, seen, mappings.groups)
    uid = _text(claims, seen, mappings.uid, "uid") if mappings.uid != Source() else ""
    extra = _extra(claims, seen, mappings.extra)
    for claim, wanted in mappings.required:
        _require(claims, claim, wanted)
    _check(mappings.claim_rules, seen, "claim validation expression")
    user = UserInfo(name, uid, groups, extra)
    told = {"username": name, "uid": uid, "groups": list(groups), "extra": {k: list(v) for k, v in extra.items()}}
    _check(mappings.user_rules, {"user": told}, "user info validation rule")
    return user


def as_expressions_see(value: Any) -> Any:
    """Claims with all numbers as doubles, which is what Go makes of numbers in JSON."""
    if isinstance(value, dict):
        return {name: as_expressions_see(each) for name, each in value.items()}
    if isinstance(value, list):
        return [as_expressions_see(each) for each in value]
    return float(value) if type(value) is int else value


def _username(claims: Object, seen: Object, source: Source) -> str:
    name = _text(claims, seen, source, "username")
    if source.expression is not None:
        if not name:
            raise InvalidCredentials("oidc: empty username via CEL expression is not allowed")
        return name
    if source.claim == "email" and "email_verified" in claims:
        verified = claims["email_verified"]
        if not isinstance(verified, bool):
            raise InvalidCredentials(f"oidc: parse 'email_verified' claim: {not_of(verified, 'bool')}")
        if not verified:
            raise InvalidCredentials("oidc: email not verified")
    return source.prefix + name


def not_of(value: Any, type: str) -> str:
    """Go's words for a value of another type."""
    return f"json: cannot unmarshal {go_shape(value)} into Go value of type {type}"


def _text(claims: Object, seen: Object, source: Source, what: str) -> str:
    if source.expression is not None:
        value = _evaluated(source.expression, seen, f"{what} claim expression")
        if not isinstance(value, str):
            told = f"{what} claim expression must return a string"
            raise InvalidCredentials(f"oidc: error evaluating {what} claim expression: {told}")
        return value
    described = f'oidc: parse {what} claim{"s" if what == "username" else ""} "{source.claim}"'
    if source.claim not in claims:
        raise InvalidCredentials(f"{described}: claim not present")
    value = claims[source.claim]
    if not isinstance(value, str):
        raise InvalidCredentials(f"{described}: {not_of(value, 'string')}")
    return value


def _groups(claims: Object, seen: Object, source: Source) -> tuple[str, ...]:
    if source.expression is not None:
        what = "group claim expression"
        return _strings(_evaluated(source.expression, seen, what), what)
    if not source.claim or source.claim not in claims:
        return ()
    found = claims[source.claim]
    groups = [found] if isinstance(found, str) else found
    if not isinstance(groups, list) or not all(isinstance(group, str) for group in groups):
        raise InvalidCredentials(f'oidc: parse groups claim "{source.claim}": {not_of(found, "string")}')
    return tuple(source.prefix + group for group in groups)


def _extra(claims: Object, seen: Object, mappings: tuple[tuple[str, Expression], ...]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    if isinstance(claims.get("jti"), str) and claims["jti"]:
        found[CREDENTIAL_ID] = (f"JTI={claims['jti']}",)
    for key, expression in mappings:
        what = "extra claim expression"
        values = _strings(_evaluated(expression, seen, what), f"{what}: {expression.text}")
        if values:
            found[key] = values
    return found


def _strings(value: Any, what: str) -> tuple[str, ...]:
    """One string or several; empty ones count for nothing."""
    values = [] if value is None else [value] if isinstance(value, str) else value
    if not isinstance(values, (list, tuple)) or not all(isinstance(each, str) for each in values):
        raise InvalidCredentials(f"oidc: error evaluating {what}: expression must return a string or a list of strings")
    return tuple(each for each in values if each)


def _require(claims: Object, claim: str, wanted: str) -> None:
    if claim not in claims:
        raise InvalidCredentials(f"oidc: required claim {claim} not present in ID token")
    found = claims[claim]
    if not isinstance(found, str):
        raise InvalidCredentials(f"oidc: parse claim {claim}: {not_of(found, 'string')}")
    if found != wanted:
        told = f"value does not match. Got = {found}, want = {wanted}"
        raise InvalidCredentials(f"oidc: required claim {claim} {told}")


def _check(rules: tuple[Rule, ...], values: Mapping[str, Any], what: str) -> None:
    for rule in rules:
        if _evaluated(rule.expression, values, what) is not True:
            told = f"validation expression '{rule.expression.text}' failed: {rule.message}"
            raise InvalidCredentials(f"oidc: error evaluating {what}: {told}")


def _evaluated(expression: Expression, values: Mapping[str, Any], what: str) -> Any:
    outcome = expression.program.evaluate(values)
    if outcome.error is not None:
        told = f"expression '{expression.text}' resulted in error: {outcome.error}"
        raise InvalidCredentials(f"oidc: error evaluating {what}: {told}")
    return outcome.value
