"""The public keys of an external signer."""

import asyncio
import logging
from datetime import UTC
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from msgspec import Struct

from pynetes.apiserver.plugin import PluginError
from pynetes.apiserver.tokens.external import externaljwt_pb2 as pb
from pynetes.apiserver.tokens.external.service import SignerService, code_of
from pynetes.apiserver.tokens.keys import key_id_of, verified
from pynetes.component import clock, metrics
from pynetes.component.signing import VerificationKey, algorithm
from pynetes.component.tasks import BackgroundTasks

log = logging.getLogger(__name__)

_TIMEOUT = 60.0
_RETRY = 10.0
_ID_MAX = 1024

_FETCHES = metrics.counter(
    "apiserver_externaljwt_fetch_keys_request_total", "Total attempts at syncing supported JWKs", ["code"]
)
_FETCHED = metrics.gauge(
    "apiserver_externaljwt_fetch_keys_success_timestamp",
    "Unix Timestamp in seconds of the last successful FetchKeys request",
)
_DATA = metrics.gauge(
    "apiserver_externaljwt_fetch_keys_data_timestamp",
    "Unix Timestamp in seconds of the last successful FetchKeys data_timestamp value returned by the external signer",
)


class KeysError(Exception):
    """The keys cannot be had; the message says why, in upstream's words."""


class SignerKey(Struct, frozen=True):
    """`hidden`: it signs nothing any more, and discovery does not show it."""

    key: VerificationKey
    hidden: bool


class ExternalKeys:
    """A `Keys`. `fetch` must succeed once; `follow` keeps them fresh."""

    def __init__(self, service: SignerService) -> None:
        self._service = service
        self._keys: tuple[SignerKey, ...] = ()
        self._fresh_until = 0.0
        self._tasks = BackgroundTasks("external signer")
        self._fetching: asyncio.Task[KeysError | None] | None = None

    @property
    def keys(self) -> tuple[VerificationKey, ...]:
        return tuple(each.key for each in self._keys if not each.hidden)

    @property
    def max_age(self) -> int:
        return max(0, int(self._fresh_until - clock.monotonic()))

    def follow(self) -> None:
        """Fetches them again in time, until it is closed. Old keys stay while the signer is away."""
        self._tasks.start(self._run(), name="refresh")

    async def _run(self) -> None:
        while True:
            await clock.sleep(self._fresh_until - clock.monotonic())
            try:
                await self.fetch()
            except KeysError as error:
                log.error("when syncing supported public keys(Stale set of keys will be supported): %s", error)
                await clock.sleep(_RETRY)

    async def verify(self, token: str) -> dict[str, Any]:
        return verified(token, [each.key for each in await self.named(key_id_of(token))])

    async def named(self, kid: str) -> list[SignerKey]:
        """The keys of a name, or all if it is empty; the signer is asked for one that is not known."""
        found = self._named(kid)
        if not found:
            try:
                await self.fetch()
            except KeysError as error:
                log.error("Error while syncing keys: %s", error)
            found = self._named(kid)
        return found

    def _named(self, kid: str) -> list[SignerKey]:
        return [each for each in self._keys if not kid or each.key.id == kid]

    async def fetch(self) -> None:
        """Asks the signer; who comes while it is being asked waits for the same answer. KeysError."""
        if self._fetching is None or self._fetching.done():
            self._fetching = self._tasks.start(self._counted(), name="keys")
        if (error := await asyncio.shield(self._fetching)) is not None:
            raise error

    async def _counted(self) -> KeysError | None:
        failure: KeysError | None = None
        try:
            await self._fetch()
            _FETCHED.set(clock.time_seconds())
        except KeysError as error:
            failure = error
        _FETCHES.labels(code_of(failure)).inc()
        return failure

    async def close(self) -> None:
        await self._tasks.close()

    async def _fetch(self) -> None:
        what = "while fetching token verification keys"
        try:
            async with asyncio.timeout(_TIMEOUT):
                answer = await self._service.call("FetchKeys", pb.FetchKeysRequest(), pb.FetchKeysResponse)
        except (PluginError, TimeoutError) as error:
            told = str(error) or "rpc error: code = DeadlineExceeded desc = context deadline exceeded"
            raise KeysError(f"{what}: while getting externally supported jwt signing keys: {told}") from error
        try:
            self._keys = _read(answer)
        except ValueError as error:
            raise KeysError(f"{what}: {error}") from None
        self._fresh_until = clock.monotonic() + answer.refresh_hint_seconds
        _DATA.set(answer.data_timestamp.ToNanoseconds() / 1e9)


def _read(answer: pb.FetchKeysResponse) -> tuple[SignerKey, ...]:
    """ValueError for what no signer may answer."""
    if answer.refresh_hint_seconds <= 0:
        raise ValueError(f"found invalid refresh hint ({answer.refresh_hint_seconds}s)")
    if not answer.keys:
        raise ValueError("found no keys")
    if not answer.HasField("data_timestamp"):
        raise ValueError("invalid data timestamp: proto: invalid nil Timestamp")
    try:
        answer.data_timestamp.ToDatetime(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"invalid data timestamp: {error}") from None
    return tuple(_read_key(each) for each in answer.keys)


def _read_key(given: pb.Key) -> SignerKey:
    if not 0 < len(given.key_id.encode()) <= _ID_MAX:
        raise ValueError(f'found invalid public key id "{given.key_id}"')
    if not given.key:
        raise ValueError("found empty public key")
    try:
        key = serialization.load_der_public_key(given.key)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ValueError(f"while parsing external public keys: {error}") from None
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        raise ValueError("while parsing external public keys: neither RSA nor ECDSA")
    return SignerKey(VerificationKey(key, given.key_id, algorithm(key)), given.exclude_from_oidc_discovery)
