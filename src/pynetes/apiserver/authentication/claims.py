"""From the claims of a verified token to an identity, as a `jwt` entry of an AuthenticationConfiguration says."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from pynetes.apimachinery.cel.environment import Program
from pynetes.apiserver.authentication.authenticator import InvalidCredentials
from pynetes.apiserver.authentication.user import CREDENTIAL_ID, UserInfo

Object = dict[str, Any]


class Source(Struct, frozen=True):
    """A claim with a prefix, or an expression. Neither: nothing."""

    claim: str = ""
    prefix: str = ""
    program: Program | None = None


class Rule(Struct, frozen=True):
    """What must be true, and what is told if it is not."""

    text: str
    message: str
    program: Program


class Mappings(Struct, frozen=True):
    username: Source
    groups: Source = Source()
    uid: Source = Source()
    extra: tuple[tuple[str, Program], ...] = ()
    required: tuple[tuple[str, str], ...] = ()
    claim_rules: tuple[Rule, ...] = ()
    user_rules: tuple[Rule, ...] = ()


def user_of(claims: Object, mappings: Mappings) -> UserInfo:
    """The identity; InvalidCredentials says why the claims give none."""
    name = _username(claims, mappings.username)
    groups = _groups(claims, mappings.groups)
    uid = _text(claims, mappings.uid, "uid") if mappings.uid != Source() else ""
    extra = _extra(claims, mappings.extra)
    for claim, wanted in mappings.required:
        _require(claims, claim, wanted)
    _check(mappings.claim_rules, {"claims": claims}, "claim validation expression")
    user = UserInfo(name, uid, groups, extra)
    told = {"username": name, "uid": uid, "groups": list(groups), "extra": {k: list(v) for k, v in extra.items()}}
    _check(mappings.user_rules, {"user": told}, "user info validation rule")
    return user


def _username(claims: Object, source: Source) -> str:
    name = _text(claims, source, "username")
    if source.program is not None:
        if not name:
            raise InvalidCredentials("oidc: empty username via CEL expression is not allowed")
        return name
    if source.claim == "email" and "email_verified" in claims:
        verified = claims["email_verified"]
        if not isinstance(verified, bool):
            raise InvalidCredentials("oidc: parse 'email_verified' claim: it is no boolean")
        if not verified:
            raise InvalidCredentials("oidc: email not verified")
    return source.prefix + name


def _text(claims: Object, source: Source, what: str) -> str:
    if source.program is not None:
        value = _evaluated(source.program, {"claims": claims}, f"{what} claim expression")
        if not isinstance(value, str):
            told = f"{what} claim expression must return a string"
            raise InvalidCredentials(f"oidc: error evaluating {what} claim expression: {told}")
        return value
    described = f'oidc: parse {what} claim{"s" if what == "username" else ""} "{source.claim}"'
    if source.claim not in claims:
        raise InvalidCredentials(f"{described}: claim not present")
    value = claims[source.claim]
    if not isinstance(value, str):
        raise InvalidCredentials(f"{described}: it is no string")
    return value


def _groups(claims: Object, source: Source) -> tuple[str, ...]:
    if source.program is not None:
        what = "group claim expression"
        return _strings(_evaluated(source.program, {"claims": claims}, what), what)
    if not source.claim or source.claim not in claims:
        return ()
    found = claims[source.claim]
    groups = [found] if isinstance(found, str) else found
    if not isinstance(groups, list) or not all(isinstance(group, str) for group in groups):
        raise InvalidCredentials(f'oidc: parse groups claim "{source.claim}": it is no string and no list of them')
    return tuple(source.prefix + group for group in groups)


def _extra(claims: Object, mappings: tuple[tuple[str, Program], ...]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    if isinstance(claims.get("jti"), str) and claims["jti"]:
        found[CREDENTIAL_ID] = (f"JTI={claims['jti']}",)
    for key, program in mappings:
        what = "extra claim expression"
        values = _strings(_evaluated(program, {"claims": claims}, what), what)
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
        raise InvalidCredentials(f"oidc: parse claim {claim}: it is no string")
    if found != wanted:
        told = f"value does not match. Got = {found}, want = {wanted}"
        raise InvalidCredentials(f"oidc: required claim {claim} {told}")


def _check(rules: tuple[Rule, ...], values: Mapping[str, Any], what: str) -> None:
    for rule in rules:
        if _evaluated(rule.program, values, what) is not True:
            told = f"validation expression '{rule.text}' failed: {rule.message}"
            raise InvalidCredentials(f"oidc: error evaluating {what}: {told}")


def _evaluated(program: Program, values: Mapping[str, Any], what: str) -> Any:
    outcome = program.evaluate(values)
    if outcome.error is not None:
        raise InvalidCredentials(f"oidc: error evaluating {what}: {outcome.error}")
    return outcome.value
