"""Structured authentication: an AuthenticationConfiguration, or the --oidc-* flags that stand for a small one."""

from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from pynetes.apimachinery.cel.ast import Call, Expr, Ident, Literal, Select, children
from pynetes.apimachinery.cel.environment import Compiled, Environment
from pynetes.apimachinery.cel.plan import PlanError
from pynetes.apimachinery.cel.source import CompileError
from pynetes.apimachinery.cel.types import BOOL, DYN_DECL, STRING_DECL, fields_of, list_decl, map_decl, object_decl
from pynetes.apimachinery.errors import FieldError, duplicate, invalid_value, required, too_many
from pynetes.apiserver import configfile
from pynetes.apiserver.authentication.claims import Expression, Mappings, Rule, Source
from pynetes.apiserver.authentication.oidc import ALGORITHMS, Issuer
from pynetes.apiserver.config import APIServerConfig
from pynetes.apiserver.configfile import ConfigFileError
from pynetes.apiserver.webhooks.client import bundle_problem

Object = dict[str, Any]

_KINDS = tuple(
    (f"apiserver.config.k8s.io/{version}", "AuthenticationConfiguration") for version in ("v1", "v1beta1", "v1alpha1")
)
_PREFIXED = {"claim": str, "prefix": str, "expression": str}
_SHAPE = {
    "jwt": [
        {
            "issuer": {
                "url": str,
                "discoveryURL": str,
                "certificateAuthority": str,
                "audiences": [str],
                "audienceMatchPolicy": str,
                "egressSelectorType": str,
            },
            "claimValidationRules": [{"claim": str, "requiredValue": str, "expression": str, "message": str}],
            "claimMappings": {
                "username": _PREFIXED,
                "groups": _PREFIXED,
                "uid": {"claim": str, "expression": str},
                "extra": [{"key": str, "valueExpression": str}],
            },
            "userValidationRules": [{"expression": str, "message": str}],
        }
    ],
    "anonymous": {"enabled": bool, "conditions": [{"path": str}]},
}
_MOST = 64


class AuthenticationConfigError(Exception):
    """The settings or the file cannot be used; the message is upstream's."""


class Anonymous(Struct, frozen=True):
    """Whether requests without credentials are let in; `paths` are the only ones, if there are any."""

    enabled: bool = True
    paths: frozenset[str] = frozenset()


class Structured(Struct, frozen=True):
    """`anonymous` is None where the file leaves it to the flag."""

    issuers: tuple[Issuer, ...] = ()
    anonymous: Anonymous | None = None


@cache
def claims_environment() -> Environment:
    return Environment({"claims": map_decl(STRING_DECL, DYN_DECL)})


@cache
def user_environment() -> Environment:
    strings = list_decl(STRING_DECL)
    fields = fields_of(username=STRING_DECL, uid=STRING_DECL, groups=strings, extra=map_decl(STRING_DECL, strings))
    return Environment({"user": object_decl("kubernetes.UserInfo", fields)})


def load(path: Path, own_issuers: Sequence[str] = ()) -> Structured:
    """What a file describes. `own_issuers` are those of service account tokens."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _unloadable(path, str(error)) from None
    return parse(path, data, own_issuers)


def parse(path: Path, data: bytes, own_issuers: Sequence[str] = ()) -> Structured:
    """The same, of what was read from the file."""
    if not data:
        raise _unloadable(path, "empty config data")
    try:
        document = configfile.decode(data, _KINDS, _SHAPE)
    except ConfigFileError as error:
        raise _unloadable(path, str(error)) from None
    return structured(document, own_issuers)


def _unloadable(path: Path, why: str) -> AuthenticationConfigError:
    return AuthenticationConfigError(f'failed to load authentication configuration from file "{path}": {why}')


def structured(
    document: Object, own_issuers: Sequence[str] = (), algorithms: tuple[str, ...] = ALGORITHMS
) -> Structured:
    """From a configuration; AuthenticationConfigError with all that is wrong with it."""
    problems: list[FieldError] = []
    given = document.get("jwt") or []
    if len(given) > _MOST:
        problems.append(too_many("jwt", len(given), _MOST))
        given = []
    issuers, urls, discovered = [], set[str](), set[str]()
    for i, entry in enumerate(given):
        reader = _Reader(f"jwt[{i}]", entry, own_issuers)
        issuers.append(reader.read(algorithms))
        problems += reader.problems
        for field, seen in (("url", urls), ("discoveryURL", discovered)):
            value = (entry.get("issuer") or {}).get(field) or ""
            if value and value in seen:
                problems.append(duplicate(f"jwt[{i}].issuer.{field}", value))
            seen.add(value)
    anonymous = document.get("anonymous")
    conditions = (anonymous or {}).get("conditions") or []
    if anonymous is not None and not anonymous.get("enabled") and conditions:
        told = "enabled should be set to true when conditions are defined"
        problems.append(invalid_value("anonymous.conditions", conditions, told))
    if problems:
        texts = list(dict.fromkeys(map(str, problems)))
        told = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
        raise AuthenticationConfigError(f"invalid authentication configuration: {told}")
    paths = frozenset(condition.get("path") or "" for condition in conditions)
    allowed = None if anonymous is None else Anonymous(bool(anonymous.get("enabled")), paths)
    return Structured(tuple(issuers), allowed)


def configured(config: APIServerConfig) -> Structured:
    """What a server's settings describe."""
    own = (config.service_account_issuer,)
    any_flag = bool(
        config.oidc_issuer_url
        or config.oidc_client_id
        or config.oidc_ca_file
        or config.oidc_username_claim != "sub"
        or config.oidc_username_prefix
        or config.oidc_groups_claim
        or config.oidc_groups_prefix
        or config.oidc_required_claim
        or config.oidc_signing_algs != ("RS256",)
    )
    if config.authentication_config is not None:
        if any_flag:
            raise AuthenticationConfigError("authentication-config file and oidc-* flags are mutually exclusive")
        found = load(config.authentication_config, own)
        if found.anonymous is not None and not config.anonymous_auth:
            told = "cannot be set when anonymous field is configured in authentication configuration file"
            raise AuthenticationConfigError(f"anonymous: Forbidden: --anonymous-auth flag {told}")
        return found
    if any_flag and not (config.oidc_issuer_url and config.oidc_client_id):
        told = "oidc-issuer-url and oidc-client-id must be specified together when any oidc-* flags are set"
        raise AuthenticationConfigError(told)
    return structured({"jwt": [_of_flags(config)]}, own, config.oidc_signing_algs) if any_flag else Structured()


def _of_flags(config: APIServerConfig) -> Object:
    for algorithm in config.oidc_signing_algs:
        if algorithm not in ALGORITHMS:
            raise AuthenticationConfigError(f'oidc: unsupported signing alg: "{algorithm}"')
    prefix = config.oidc_username_prefix
    if not prefix and config.oidc_username_claim != "email":
        prefix = f"{config.oidc_issuer_url}#"
    issuer: Object = {"url": config.oidc_issuer_url, "audiences": [config.oidc_client_id]}
    if config.oidc_ca_file is not None:
        try:
            issuer["certificateAuthority"] = config.oidc_ca_file.read_text()
        except OSError as error:
            raise AuthenticationConfigError(str(error)) from None
    username = {"claim": config.oidc_username_claim, "prefix": "" if prefix == "-" else prefix}
    mappings: Object = {"username": username}
    if config.oidc_groups_claim:
        mappings["groups"] = {"claim": config.oidc_groups_claim, "prefix": config.oidc_groups_prefix}
    rules = [{"claim": claim, "requiredValue": value} for claim, value in config.oidc_required_claim.items()]
    return {"issuer": issuer, "claimMappings": mappings, "claimValidationRules": rules}


class _Reader:
    """Reads one entry of `jwt`; what is wrong with it gathers in `problems`."""

    def __init__(self, path: str, entry: Object, own_issuers: Sequence[str]) -> None:
        self.path = path
        self.entry = entry
        self.problems: list[FieldError] = []
        self._own = own_issuers

    def read(self, algorithms: tuple[str, ...]) -> Issuer:
        issuer = self.entry.get("issuer") or {}
        self._issuer(f"{self.path}.issuer", issuer)
        required_claims, rules = self._claim_rules()
        mappings = self._mappings(required_claims, rules)
        return Issuer(
            issuer.get("url") or "",
            tuple(issuer.get("audiences") or ()),
            mappings,
            issuer.get("discoveryURL") or "",
            issuer.get("certificateAuthority") or "",
            algorithms,
        )

    def _issuer(self, path: str, issuer: Object) -> None:
        url, discovery = issuer.get("url") or "", issuer.get("discoveryURL") or ""
        if not url:
            self.problems.append(required(f"{path}.url"))
        else:
            if url in self._own:
                told = f"URL must not overlap with disallowed issuers: [{' '.join(sorted(self._own))}]"
                self.problems.append(invalid_value(f"{path}.url", url, told))
            self._url(f"{path}.url", url)
        if discovery:
            if url and url.rstrip("/") == discovery.rstrip("/"):
                told = "discoveryURL must be different from URL"
                self.problems.append(invalid_value(f"{path}.discoveryURL", discovery, told))
            self._url(f"{path}.discoveryURL", discovery)
        self._audiences(path, issuer)
        problem = bundle_problem((issuer.get("certificateAuthority") or "").encode())
        if problem:
            told = "data does not contain any valid RSA or ECDSA certificates"
            self.problems.append(invalid_value(f"{path}.certificateAuthority", "<omitted>", told))

    def _url(self, path: str, url: str) -> None:
        parts = urlsplit(url)
        for wrong, told in (
            (parts.scheme != "https", "URL scheme must be https"),
            ("@" in parts.netloc, "URL must not contain a username or password"),
            (parts.query, "URL must not contain a query"),
            (parts.fragment, "URL must not contain a fragment"),
        ):
            if wrong:
                self.problems.append(invalid_value(path, url, told))

    def _audiences(self, path: str, issuer: Object) -> None:
        audiences, policy = issuer.get("audiences") or [], issuer.get("audienceMatchPolicy") or ""
        if not audiences:
            self.problems.append(required(f"{path}.audiences", f"at least one {path}.audiences is required"))
            return
        for i, audience in enumerate(audiences):
            if not audience:
                self.problems.append(required(f"{path}.audiences[{i}]"))
            if audience in audiences[:i]:
                self.problems.append(duplicate(f"{path}.audiences[{i}]", audience))
        where = f"{path}.audienceMatchPolicy"
        if len(audiences) > 1 and policy != "MatchAny":
            told = "audienceMatchPolicy must be MatchAny for multiple audiences"
            self.problems.append(invalid_value(where, policy, told))
        if len(audiences) == 1 and policy not in ("", "MatchAny"):
            told = "audienceMatchPolicy must be empty or MatchAny for single audience"
            self.problems.append(invalid_value(where, policy, told))

    def _claim_rules(self) -> tuple[list[tuple[str, str]], list[tuple[Rule, Compiled]]]:
        wanted: list[tuple[str, str]] = []
        rules: list[tuple[Rule, Compiled]] = []
        seen: set[tuple[str, str]] = set()
        for i, rule in enumerate(self.entry.get("claimValidationRules") or ()):
            path = f"{self.path}.claimValidationRules[{i}]"
            claim, text, message = rule.get("claim") or "", rule.get("expression") or "", rule.get("message") or ""
            if claim and text:
                self.problems.append(invalid_value(path, claim, "claim and expression can't both be set"))
                continue
            if not claim and not text:
                self.problems.append(required(path, "claim or expression is required"))
                continue
            field, value = ("claim", claim) if claim else ("expression", text)
            other = "message" if claim else "requiredValue"
            if rule.get(other):
                told = f"may not be specified when {field} is set"
                self.problems.append(invalid_value(f"{path}.{other}", rule[other], told))
            if (field, value) in seen:
                self.problems.append(duplicate(f"{path}.{field}", value))
                continue
            seen.add((field, value))
            if claim:
                wanted.append((claim, rule.get("requiredValue") or ""))
                continue
            compiled = self._compiled(claims_environment(), text, f"{path}.expression", boolean=True)
            if compiled is not None:
                rules.append((Rule(Expression(text, compiled.program()), message), compiled))
        return wanted, rules

    def _mappings(self, wanted: list[tuple[str, str]], rules: list[tuple[Rule, Compiled]]) -> Mappings:
        given, path = self.entry.get("claimMappings") or {}, f"{self.path}.claimMappings"
        username, named = self._source(f"{path}.username", given.get("username") or {}, needed=True, prefixed=True)
        groups, _ = self._source(f"{path}.groups", given.get("groups") or {}, prefixed=True)
        uid, _ = self._source(f"{path}.uid", given.get("uid") or {})
        extra, verifying = self._extra(path, given.get("extra") or ())
        if named is not None and _selects(named.tree, "email"):
            verifying += [named, *(compiled for _, compiled in rules)]
            if not any(_selects(each.tree, "email_verified") for each in verifying):
                told = (
                    "claims.email_verified must be used in claimMappings.username.expression or "
                    "claimMappings.extra[*].valueExpression or claimValidationRules[*].expression when claims.email is "
                    "used in claimMappings.username.expression"
                )
                text = given["username"]["expression"]
                self.problems.append(invalid_value(f"{path}.username.expression", text, told))
        claim_rules = tuple(rule for rule, _ in rules)
        return Mappings(username, groups, uid, extra, tuple(wanted), claim_rules, self._user_rules())

    def _source(
        self, path: str, given: Object, *, needed: bool = False, prefixed: bool = False
    ) -> tuple[Source, Compiled | None]:
        claim, text, prefix = given.get("claim") or "", given.get("expression") or "", given.get("prefix")
        if claim and text:
            self.problems.append(invalid_value(path, "", "claim and expression can't both be set"))
        elif text:
            if prefix is not None:
                told = "may not be specified when expression is set"
                self.problems.append(invalid_value(f"{path}.prefix", prefix, told))
            compiled = self._compiled(claims_environment(), text, f"{path}.expression")
            return Source(expression=Expression(text, compiled.program()) if compiled else None), compiled
        elif claim:
            if prefixed and prefix is None:
                told = "prefix is required when claim is set. It can be set to an empty string to disable prefixing"
                self.problems.append(required(f"{path}.prefix", told))
            return Source(claim, prefix or ""), None
        elif needed:
            self.problems.append(required(path, "claim or expression is required"))
        return Source(), None

    def _extra(self, path: str, given: Iterable[Object]) -> tuple[tuple[tuple[str, Expression], ...], list[Compiled]]:
        found: list[tuple[str, Expression]] = []
        compiled_all: list[Compiled] = []
        seen: set[str] = set()
        for i, mapping in enumerate(given):
            where, key, text = f"{path}.extra[{i}]", mapping.get("key") or "", mapping.get("valueExpression") or ""
            domain, slash, rest = key.partition("/")
            if not key:
                self.problems.append(required(f"{where}.key"))
            elif not slash or not domain or not rest:
                told = 'must be a domain-prefixed path (such as "acme.io/foo")'
                self.problems.append(invalid_value(f"{where}.key", key, told))
            if key != key.lower():
                self.problems.append(invalid_value(f"{where}.key", key, "must be lowercase"))
            if slash and any(domain == own or domain.endswith("." + own) for own in ("k8s.io", "kubernetes.io")):
                told = "k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use"
                self.problems.append(invalid_value(f"{where}.key", key, told))
            if key in seen:
                self.problems.append(duplicate(f"{where}.key", key))
                continue
            seen.add(key)
            if not text:
                self.problems.append(required(f"{where}.valueExpression"))
                continue
            compiled = self._compiled(claims_environment(), text, f"{where}.valueExpression")
            if compiled is not None:
                found.append((key, Expression(text, compiled.program())))
                compiled_all.append(compiled)
        return tuple(found), compiled_all

    def _user_rules(self) -> tuple[Rule, ...]:
        found: list[Rule] = []
        seen: set[str] = set()
        for i, rule in enumerate(self.entry.get("userValidationRules") or ()):
            path, text = f"{self.path}.userValidationRules[{i}].expression", rule.get("expression") or ""
            if not text:
                self.problems.append(required(path))
            elif text in seen:
                self.problems.append(duplicate(path, text))
            else:
                seen.add(text)
                compiled = self._compiled(user_environment(), text, path, boolean=True)
                if compiled is not None:
                    found.append(Rule(Expression(text, compiled.program()), rule.get("message") or ""))
        return tuple(found)

    def _compiled(self, environment: Environment, text: str, path: str, *, boolean: bool = False) -> Compiled | None:
        try:
            compiled = environment.compile(text)
            compiled.program()
        except CompileError as error:
            told = f"compilation failed: {error}"
        except PlanError as error:
            told = f"program instantiation failed: {error}"
        else:
            if not boolean or compiled.type == BOOL:
                return compiled
            told = "must evaluate to bool"
        self.problems.append(invalid_value(path, text, told))
        return None


def _selects(node: Expr, field: str) -> bool:
    """Whether an expression takes the field out of `claims`."""
    if isinstance(node, Select) and node.field == field and _is_claims(node.operand):
        return True
    if isinstance(node, Call) and node.function == "_?._" and len(node.args) == 2:
        key = node.args[1]
        if _is_claims(node.args[0]) and isinstance(key, Literal) and key.value == field:
            return True
    return any(_selects(child, field) for child in children(node))


def _is_claims(node: Expr) -> bool:
    return isinstance(node, Ident) and node.name == "claims"
