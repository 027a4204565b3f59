"""Structured authentication: what is wrong with a configuration, in upstream's words."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from pynetes.apiserver.authentication.config import Anonymous, AuthenticationConfigError, configured, load, structured
from pynetes.apiserver.config import APIServerConfig

GOOD: dict[str, Any] = {
    "issuer": {"url": "https://a.example", "audiences": ["me"]},
    "claimMappings": {"username": {"claim": "sub", "prefix": ""}},
}


def issuer(**fields: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda entry: entry["issuer"].update(fields)


def mapping(**fields: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda entry: entry["claimMappings"].update(fields)


def rules(*given: dict[str, Any]) -> Callable[[dict[str, Any]], Any]:
    return lambda entry: entry.update(claimValidationRules=list(given))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (issuer(url=""), "jwt[0].issuer.url: Required value"),
        (issuer(url="http://a"), 'jwt[0].issuer.url: Invalid value: "http://a": URL scheme must be https'),
        (issuer(url="https://u:p@a"), "URL must not contain a username or password"),
        (issuer(url="https://a?b"), "URL must not contain a query"),
        (issuer(url="https://a#b"), "URL must not contain a fragment"),
        (issuer(url="https://own"), "URL must not overlap with disallowed issuers: [https://own]"),
        (issuer(discoveryURL="https://a.example/"), "discoveryURL must be different from URL"),
        (issuer(audiences=[]), "at least one jwt[0].issuer.audiences is required"),
        (issuer(audiences=["a", "b"]), "audienceMatchPolicy must be MatchAny for multiple audiences"),
        (issuer(audiences=["a", "a"], audienceMatchPolicy="MatchAny"), 'audiences[1]: Duplicate value: "a"'),
        (issuer(certificateAuthority="x"), 'jwt[0].issuer.certificateAuthority: Invalid value: "<omitted>": '),
        (mapping(username={}), "jwt[0].claimMappings.username: Required value: claim or expression is required"),
        (mapping(username={"claim": "a"}), "username.prefix: Required value: prefix is required when claim is set."),
        (mapping(username={"claim": "a", "expression": "b"}), "claim and expression can't both be set"),
        (mapping(username={"expression": "claims.sub", "prefix": "a"}), "may not be specified when expression is set"),
        (mapping(username={"expression": "claims."}), "compilation failed: ERROR: <input>"),
        (mapping(username={"expression": "claims.email"}), "claims.email_verified must be used in "),
        (mapping(extra=[{"key": "a", "valueExpression": "'a'"}]), "must be a domain-prefixed path"),
        (mapping(extra=[{"key": "a.k8s.io/b", "valueExpression": "'a'"}]), "reserved for Kubernetes use"),
        (mapping(extra=[{"key": "a/B", "valueExpression": "'a'"}]), "must be lowercase"),
        (mapping(extra=[{"key": "a/b"}]), "extra[0].valueExpression: Required value"),
        (rules({}), "jwt[0].claimValidationRules[0]: Required value: claim or expression is required"),
        (rules({"claim": "a", "message": "b"}), "may not be specified when claim is set"),
        (rules({"expression": "true", "requiredValue": "b"}), "may not be specified when expression is set"),
        (rules({"claim": "a"}, {"claim": "a"}), 'claimValidationRules[1].claim: Duplicate value: "a"'),
        (rules({"expression": "1"}), 'Invalid value: "1": must evaluate to bool'),
        (lambda e: e.update(userValidationRules=[{}]), "userValidationRules[0].expression: Required value"),
    ],
)
def test_an_issuer_with_a_mistake_is_refused(change: Callable[[dict[str, Any]], Any], message: str) -> None:
    entry = copy.deepcopy(GOOD)
    change(entry)
    with pytest.raises(AuthenticationConfigError) as caught:
        structured({"jwt": [entry]}, ("https://own",))
    assert message in str(caught.value)
    assert str(caught.value).startswith("invalid authentication configuration: ")


def test_a_verified_address_may_be_a_name() -> None:
    for text in (
        "claims.email_verified ? claims.email : ''",
        "claims.?email_verified.orValue(true) ? claims.email : ''",
    ):
        entry = {**GOOD, "claimMappings": {"username": {"expression": text}}}
        assert len(structured({"jwt": [entry]}).issuers) == 1


def test_issuers_are_told_apart_and_anonymity_is_whole(tmp_path: Path) -> None:
    with pytest.raises(
        AuthenticationConfigError, match=r'jwt\[1\]\.issuer\.url: Duplicate value: "https://a\.example"'
    ):
        structured({"jwt": [GOOD, GOOD]})
    with pytest.raises(AuthenticationConfigError, match="enabled should be set to true when conditions are defined"):
        structured({"anonymous": {"enabled": False, "conditions": [{"path": "/livez"}]}})
    kind = {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthenticationConfiguration"}
    file = tmp_path / "config"
    file.write_text(yaml.safe_dump({**kind, "anonymous": {"enabled": True, "conditions": [{"path": "/livez"}]}}))
    assert load(file).anonymous == Anonymous(True, frozenset({"/livez"}))
    with pytest.raises(AuthenticationConfigError, match="--anonymous-auth flag cannot be set"):
        configured(APIServerConfig(authentication_config=file, anonymous_auth=False))
    with pytest.raises(AuthenticationConfigError, match="are mutually exclusive"):
        configured(APIServerConfig(authentication_config=file, oidc_issuer_url="https://a"))
    file.write_text("")
    with pytest.raises(AuthenticationConfigError, match="failed to load authentication configuration from file"):
        load(file)


@pytest.mark.parametrize(
    ("flags", "prefix"),
    [({}, "https://a#"), ({"oidc_username_prefix": "-"}, ""), ({"oidc_username_prefix": "p:"}, "p:")],
)
def test_flags_stand_for_one_issuer(flags: dict[str, Any], prefix: str) -> None:
    config = APIServerConfig(
        oidc_issuer_url="https://a", oidc_client_id="me", oidc_required_claim={"a": "b"}, **flags
    )  # fmt: skip
    found = configured(config).issuers[0]
    assert (found.mappings.username.prefix, found.audiences, found.algorithms) == (prefix, ("me",), ("RS256",))
    assert found.mappings.required == (("a", "b"),)
    with pytest.raises(AuthenticationConfigError, match="must be specified together"):
        configured(APIServerConfig(oidc_issuer_url="https://a"))
