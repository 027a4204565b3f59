"""Service account tokens: issued, used, expired, forged, bound to objects that live or die."""

import base64
from collections.abc import Iterator
from typing import Any

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from pynetes.apimachinery.errors import StatusError
from pynetes.apiserver.authentication.authenticator import InvalidCredentials
from pynetes.apiserver.authentication.bearer import BearerAuthenticator
from pynetes.apiserver.authentication.service_account import ServiceAccountAuthenticator
from pynetes.apiserver.authentication.static_token import StaticTokenAuthenticator
from pynetes.apiserver.authentication.union import Authenticator
from pynetes.apiserver.authentication.user import UserInfo
from pynetes.apiserver.http import Request
from pynetes.apiserver.tokens import discovery
from pynetes.apiserver.tokens.claims import EXTENDED_SECONDS, WARN_ONLY_SECONDS
from pynetes.apiserver.tokens.issuer import LocalIssuer
from pynetes.apiserver.tokens.keys import KeySet
from pynetes.apiserver.tokens.request import TokenRequests
from pynetes.apiserver.tokens.review import review_self, review_token
from pynetes.component import certificates, clock
from pynetes.component.signing import SigningKey

ISSUER = "https://kubernetes.default.svc.cluster.local"
NOW = 1_700_000_000.0


class Wall:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def wall() -> Iterator[Wall]:
    source = Wall()
    clock.set_wall_clock(source)
    yield source
    clock.set_wall_clock(None)


class Issuing:
    """An issuer and the authenticator that trusts it."""

    def __init__(self, objects: Any, key: certificates.PrivateKey, **options: Any) -> None:
        self.key = key
        self.objects = objects
        self.requests = TokenRequests(LocalIssuer(SigningKey(key, ISSUER)), objects, **options)
        self.authenticator = ServiceAccountAuthenticator(KeySet([key.public_key()]), (ISSUER,), objects)
        account = {"metadata": {"name": "builder", "namespace": "a", "uid": "sa-uid"}}
        node = {"metadata": {"name": "n1", "uid": "node-uid"}}
        pod = {
            "metadata": {"name": "p", "namespace": "a", "uid": "pod-uid"},
            "spec": {"serviceAccountName": "builder", "nodeName": "n1"},
        }
        secret = {"metadata": {"name": "s", "namespace": "a", "uid": "secret-uid"}}
        self.account, self.node = objects.add("serviceaccounts", account), objects.add("nodes", node)
        self.pod, self.secret = objects.add("pods", pod), objects.add("secrets", secret)

    async def create(self, **spec: Any) -> dict[str, Any]:
        return await self.requests.create("a", "builder", {"spec": spec})

    async def token(self, **spec: Any) -> str:
        return str((await self.create(**spec))["status"]["token"])

    async def user(self, token: str, *audiences: str) -> UserInfo | None:
        return await self.authenticator.authenticate_token(token, audiences or (ISSUER,))


@pytest.fixture
def issuing(objects: Any, wall: Wall) -> Issuing:
    return Issuing(objects, certificates.new_key())


def bound(kind: str, name: str, uid: str = "") -> dict[str, str]:
    return {"apiVersion": "v1", "kind": kind, "name": name, "uid": uid}


def payload(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    found: dict[str, Any] = orjson.loads(base64.urlsafe_b64decode(part + "=="))
    return found


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (ec.generate_private_key(ec.SECP256R1()), "ES256"),
        (ec.generate_private_key(ec.SECP384R1()), "ES384"),
        (rsa.generate_private_key(65537, 2048), "RS256"),
    ],
    ids=["P-256", "P-384", "RSA"],
)
async def test_a_token_of_every_kind_of_key_proves_its_account(
    objects: Any, wall: Wall, key: certificates.PrivateKey, algorithm: str
) -> None:
    issuing = Issuing(objects, key)
    token = await issuing.token(boundObjectRef=bound("Pod", "p", "pod-uid"))
    header = jwt.get_unverified_header(token)
    assert header == {"alg": algorithm, "kid": KeySet([key.public_key()]).keys[0].id}
    user = await issuing.user(token)
    assert user is not None
    assert (user.name, user.uid) == ("system:serviceaccount:a:builder", "sa-uid")
    assert user.groups == ("system:serviceaccounts", "system:serviceaccounts:a")
    assert user.extra["authentication.kubernetes.io/pod-name"] == ("p",)
    assert user.extra["authentication.kubernetes.io/pod-uid"] == ("pod-uid",)
    assert user.extra["authentication.kubernetes.io/node-name"] == ("n1",)
    assert user.extra["authentication.kubernetes.io/credential-id"] == (f"JTI={payload(token)['jti']}",)


async def test_claims_are_upstreams(issuing: Issuing) -> None:
    claims = payload(await issuing.token(boundObjectRef=bound("Pod", "p")))
    del claims["jti"]
    assert claims == {
        "aud": [ISSUER],
        "exp": NOW + 3600,
        "iat": NOW,
        "iss": ISSUER,
        "kubernetes.io": {
            "namespace": "a",
            "node": {"name": "n1", "uid": "node-uid"},
            "pod": {"name": "p", "uid": "pod-uid"},
            "serviceaccount": {"name": "builder", "uid": "sa-uid"},
        },
        "nbf": NOW,
        "sub": "system:serviceaccount:a:builder",
    }


async def test_expired_and_early_tokens_are_refused(issuing: Issuing, wall: Wall) -> None:
    token = await issuing.token(expirationSeconds=600)
    wall.now = NOW + 600 + 59
    assert await issuing.user(token) is not None
    wall.now = NOW + 600 + 61
    with pytest.raises(InvalidCredentials, match="service account token has expired"):
        await issuing.user(token)
    wall.now = NOW - 61
    with pytest.raises(InvalidCredentials, match="not valid yet"):
        await issuing.user(token)


async def test_forged_tokens_are_refused(issuing: Issuing) -> None:
    token = await issuing.token()
    head, body, signature = token.split(".")
    stranger = SigningKey(certificates.new_key(), ISSUER)
    claims = payload(token)
    changed = base64.urlsafe_b64encode(orjson.dumps({**claims, "sub": "root"})).rstrip(b"=").decode()
    unsigned = jwt.encode(claims, "", algorithm="none")
    public = certificates.public_key_pem(issuing.key.public_key())
    # The public key as a shared secret: the classic confusion of algorithms.
    secret_head = base64.urlsafe_b64encode(b'{"alg":"HS256"}').rstrip(b"=").decode()
    signed = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(
        f"{secret_head}.{body}".encode(), public
    )
    confused = f"{secret_head}.{body}.{base64.urlsafe_b64encode(signed).rstrip(b'=').decode()}"
    for forged in (f"{head}.{changed}.{signature}", stranger.sign(claims), unsigned, confused, f"{head}.{body}."):
        with pytest.raises(InvalidCredentials):
            await issuing.user(forged)
    for other in ("abc", "a.b.c", SigningKey(issuing.key, "https://elsewhere").sign(claims)):
        assert await issuing.user(other) is None


async def test_a_token_dies_with_what_it_is_bound_to(issuing: Issuing, wall: Wall) -> None:
    kinds = {"Pod": ("pods", issuing.pod), "Secret": ("secrets", issuing.secret), "Node": ("nodes", issuing.node)}
    for kind, (plural, obj) in kinds.items():
        token = await issuing.token(boundObjectRef=bound(kind, obj["metadata"]["name"]))
        assert await issuing.user(token) is not None
        issuing.objects.add(plural, {**obj, "metadata": {**obj["metadata"], "uid": "another"}})
        with pytest.raises(InvalidCredentials, match=r"UID \(another\) does not match service account"):
            await issuing.user(token)
        gone = {**obj["metadata"], "deletionTimestamp": "2023-11-14T22:10:00Z"}
        issuing.objects.add(plural, {**obj, "metadata": gone})
        with pytest.raises(InvalidCredentials, match="has been invalidated"):
            await issuing.user(token)
        issuing.objects.remove(plural, obj)
        with pytest.raises(InvalidCredentials, match="has been invalidated"):
            await issuing.user(token)
        issuing.objects.add(plural, obj)


async def test_a_token_dies_with_its_account(issuing: Issuing) -> None:
    token = await issuing.token()
    issuing.objects.add("serviceaccounts", {"metadata": {"name": "builder", "namespace": "a", "uid": "new"}})
    with pytest.raises(InvalidCredentials, match=r"service account UID \(new\) does not match claim \(sa-uid\)"):
        await issuing.user(token)
    issuing.objects.remove("serviceaccounts", issuing.account)
    with pytest.raises(InvalidCredentials, match='"builder" not found'):
        await issuing.user(token)


async def test_audiences_narrow_what_a_token_is_good_for(issuing: Issuing) -> None:
    token = await issuing.token(audiences=["vault", "other"])
    with pytest.raises(InvalidCredentials, match=r'token audiences \["vault" "other"\] is invalid'):
        await issuing.user(token)
    user = await issuing.user(token, "vault", "x")
    assert user is not None
    assert user.audiences == ("vault",)


async def test_a_projected_token_lives_on_for_a_year_and_says_when_it_should_have_ended(issuing: Issuing) -> None:
    answer = await issuing.create(expirationSeconds=WARN_ONLY_SECONDS, boundObjectRef=bound("Pod", "p"))
    claims = payload(answer["status"]["token"])
    assert claims["exp"] == NOW + EXTENDED_SECONDS
    assert claims["kubernetes.io"]["warnafter"] == NOW + WARN_ONLY_SECONDS
    assert answer["status"]["expirationTimestamp"] == "2023-11-14T23:13:27Z"
    unbound = payload(await issuing.token(expirationSeconds=WARN_ONLY_SECONDS))
    assert unbound["exp"] == NOW + WARN_ONLY_SECONDS
    foreign = payload(
        await issuing.token(expirationSeconds=WARN_ONLY_SECONDS, audiences=["x"], boundObjectRef=bound("Pod", "p"))
    )
    assert foreign["exp"] == NOW + WARN_ONLY_SECONDS


@pytest.mark.parametrize(
    ("spec", "code", "message"),
    [
        ({"expirationSeconds": 599}, 422, "may not specify a duration less than 10 minutes"),
        ({"expirationSeconds": (1 << 32) + 1}, 422, "may not specify a duration larger than 2^32 seconds"),
        ({"boundObjectRef": bound("Pod", "gone")}, 404, 'pods "gone" not found'),
        ({"boundObjectRef": bound("Pod", "p", "zz")}, 409, "the UID in the bound object reference (zz) does not match"),
        ({"boundObjectRef": bound("ConfigMap", "c")}, 400, "cannot bind token to object of type /v1, Kind=ConfigMap"),
        ({"boundObjectRef": bound("Pod", "foreign")}, 400, "running with different serviceaccount name."),
    ],
)
async def test_requests_that_cannot_be_met_are_refused(
    issuing: Issuing, spec: dict[str, Any], code: int, message: str
) -> None:
    issuing.objects.add("pods", {"metadata": {"name": "foreign", "namespace": "a"}, "spec": {}})
    with pytest.raises(StatusError) as caught:
        await issuing.create(**spec)
    assert caught.value.code == code
    assert message in caught.value.message


async def test_the_body_must_name_the_account_of_the_path(issuing: Issuing) -> None:
    with pytest.raises(StatusError, match="must match the service account name if specified"):
        await issuing.requests.create("a", "builder", {"metadata": {"name": "other"}, "spec": {}})
    with pytest.raises(StatusError, match="does not match the UID of the service account"):
        await issuing.requests.create("a", "builder", {"metadata": {"uid": "other"}, "spec": {}})
    with pytest.raises(StatusError, match='"nobody" not found'):
        await issuing.requests.create("a", "nobody", {"spec": {}})


async def test_a_maximum_shortens_tokens_with_a_warning(objects: Any, wall: Wall) -> None:
    issuing = Issuing(objects, certificates.new_key(), maximum_seconds=1000)
    warnings: list[str] = []
    answer = await issuing.requests.create("a", "builder", {"spec": {"expirationSeconds": 5000}}, warnings=warnings)
    assert payload(answer["status"]["token"])["exp"] == NOW + 1000
    assert warnings == ["requested expiration of 5000 seconds shortened to 1000 seconds"]


async def test_token_reviews_tell_who_and_what_for(issuing: Issuing, wall: Wall) -> None:
    static = StaticTokenAuthenticator({"letmein": UserInfo("admin", groups=("system:masters",))})
    authenticator = Authenticator((), BearerAuthenticator([static, issuing.authenticator], (ISSUER,)))
    token = await issuing.token()
    answer = await review_token(authenticator, {"spec": {"token": token}})
    assert answer["status"]["authenticated"] is True
    assert answer["status"]["audiences"] == [ISSUER]
    assert answer["status"]["user"]["username"] == "system:serviceaccount:a:builder"
    assert "system:authenticated" in answer["status"]["user"]["groups"]
    wall.now += 10_000
    answer = await review_token(authenticator, {"spec": {"token": token}})
    told = "[invalid bearer token, service account token has expired]"
    assert answer["status"] == {"user": {}, "error": told}
    answer = await review_token(authenticator, {"spec": {"token": "letmein"}})
    assert answer["status"]["user"]["username"] == "admin"
    with pytest.raises(StatusError, match="token is required"):
        await review_token(authenticator, {"spec": {}})


def test_self_reviews_repeat_who_asks() -> None:
    user = UserInfo("alice", "u1", ("devs",), {"k": ("v",)})
    expected = {"username": "alice", "uid": "u1", "groups": ["devs"], "extra": {"k": ["v"]}}
    assert review_self(user, {})["status"] == {"userInfo": expected}


async def test_others_can_verify_tokens_by_the_published_keys(issuing: Issuing) -> None:
    keys = KeySet([issuing.key.public_key(), rsa.generate_private_key(65537, 2048).public_key()])
    handlers = discovery.handlers(ISSUER, "https://api/openid/v1/jwks", keys)

    async def no_body() -> bytes:
        return b""

    answers = {path: await serve(Request("GET", path, {}, {}, no_body)) for path, serve in handlers.items()}
    configuration = orjson.loads(answers["/.well-known/openid-configuration"].body)
    assert configuration["id_token_signing_alg_values_supported"] == ["ES256", "RS256"]
    published = answers["/openid/v1/jwks"]
    assert published.content_type == "application/jwk-set+json"
    token = await issuing.token(audiences=["me"])
    kid = jwt.get_unverified_header(token)["kid"]
    jwk = jwt.PyJWKSet.from_json(published.body.decode())[kid]
    options = {"verify_exp": False, "verify_iat": False, "verify_nbf": False}
    found = jwt.decode(
        token, jwk.key, algorithms=["ES256"], audience="me", issuer=configuration["issuer"], options=options
    )
    assert found["sub"] == "system:serviceaccount:a:builder"
