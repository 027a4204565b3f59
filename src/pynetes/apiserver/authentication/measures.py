"""What is counted of issuers and their tokens, under upstream's names."""

from contextlib import suppress

from pynetes.apiserver.reload import digest, server_hash
from pynetes.component import clock, metrics

_STEM = "apiserver_authentication_jwt_authenticator_"

_latency = metrics.Durations(
    f"{_STEM}latency_seconds",
    "Latency of jwt authentication operations in seconds. This is the time spent authenticating a token for cache miss "
    "only (i.e. when the token is not found in the cache).",
    ("result", "jwt_issuer_hash"),
    buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
_fetched = metrics.gauge(
    f"{_STEM}jwks_fetch_last_timestamp_seconds",
    "Timestamp of the last successful or failed JWKS fetch split by result, api server identity and jwt issuer for the "
    "JWT authenticator.",
    ("result", "jwt_issuer_hash", "apiserver_id_hash"),
)
_key_set = metrics.gauge(
    f"{_STEM}jwks_fetch_last_key_set_info",
    "Information about the last JWKS fetched by the JWT authenticator with hash as label, split by api server identity "
    "and jwt issuer.",
    ("jwt_issuer_hash", "apiserver_id_hash", "hash"),
)


#: Issuer → key set of the last fetch, both hashed.
_key_sets: dict[str, str] = {}


class IssuerMeasures:
    """The series of one issuer; they go with it."""

    def __init__(self, url: str) -> None:
        self._issuer = digest(url.encode())

    def authenticated(self, seconds: float, *, succeeded: bool) -> None:
        _latency.note(("success" if succeeded else "failure", self._issuer), seconds)

    def fetched(self, keys: bytes) -> None:
        self._forget_keys()
        _key_sets[self._issuer] = digest(keys)
        _key_set.labels(self._issuer, server_hash(), _key_sets[self._issuer]).set(1)
        self._note("success")

    def failed(self) -> None:
        self._note("failure")

    def forget(self) -> None:
        self._forget_keys()
        for result in ("success", "failure"):
            with suppress(KeyError):
                _fetched.remove(result, self._issuer, server_hash())

    def _forget_keys(self) -> None:
        known = _key_sets.pop(self._issuer, "")
        if known:
            _key_set.remove(self._issuer, server_hash(), known)

    def _note(self, result: str) -> None:
        _fetched.labels(result, self._issuer, server_hash()).set(clock.time_seconds())
