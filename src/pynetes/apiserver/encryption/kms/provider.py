"""One plugin in use: its status is polled, and a new seed is made when its key changes."""

import logging
import os
from datetime import timedelta
from uuid import uuid4

from pynetes.apimachinery.errors import aggregate
from pynetes.apiserver.encryption.aes import SEED as SEED_BYTES
from pynetes.apiserver.encryption.aes import DerivedGCM
from pynetes.apiserver.encryption.kms import envelope
from pynetes.apiserver.encryption.kms import kms_pb2 as pb
from pynetes.apiserver.encryption.kms.envelope import Envelope, State
from pynetes.apiserver.encryption.kms.service import KMSService
from pynetes.apiserver.encryption.transformer import TransformError
from pynetes.component import clock

log = logging.getLogger(__name__)

_VERSIONS = ("v2", "v2beta1")
#: Between polls of a healthy plugin and of one that fails; and how long writes go on while it fails. The last exceeds
#: the first by enough for many tries, and bounds how long the old key is written with after a change.
_HEALTHY_PERIOD = 60.0
_FAILING_PERIOD = 10.0
_WRITE_TTL = timedelta(minutes=3)
#: How long a health check's answer stands.
_HEALTHY_TTL = 20.0
_FAILING_TTL = 3.0


class KMSProvider:
    """`transformer` encrypts with the plugin's key. `start` asks the plugin once; `run` keeps asking; `close` ends."""

    def __init__(self, name: str, endpoint: str, timeout: float) -> None:
        self.name = name
        self._service = KMSService(endpoint, timeout)
        self.transformer = Envelope(self._service, self.state)
        self._state: State | None = None
        self._version = ""
        self._checked = 0.0
        self._ttl = 0.0
        self._failure: TransformError | None = None

    def state(self) -> State:
        """TransformError until the plugin has answered once."""
        if self._state is None:
            raise TransformError("got unexpected nil transformer")
        return self._state

    async def run(self) -> None:
        """Polls until cancelled."""
        while True:
            await clock.sleep(_HEALTHY_PERIOD if self._failure is None else _FAILING_PERIOD)
            await self.probe()

    async def probe(self) -> None:
        """Asks the plugin now; what is wrong is logged, since a plugin may come later than this server."""
        self._ttl = 0.0
        try:
            await self.check()
        except TransformError as error:
            log.warning("KMS plugin %s failed its health check: %s", self.name, error)

    async def check(self) -> None:
        """TransformError for a plugin that is not healthy. An answer stands for some seconds."""
        now = clock.monotonic()
        if not self._ttl or now - self._checked >= self._ttl:
            try:
                await self._ask()
                self._failure = None
            except TransformError as error:
                self._failure = error
            self._checked = clock.monotonic()
            self._ttl = _HEALTHY_TTL if self._failure is None else _FAILING_TTL
        if self._failure is not None:
            raise TransformError(str(self._failure))

    async def _ask(self) -> None:
        try:
            status = await self._service.status()
        except TransformError as error:
            what = "failed to perform status section of the healthz check for KMS Provider"
            raise TransformError(f"{what} {self.name}, error: {error}") from None
        wrong = self._wrong(status)
        try:
            envelope.check_key_id(status.key_id)
        except TransformError as error:
            wrong.append(f'got invalid KMSv2 KeyID hash "{envelope.key_id_hash(status.key_id)}": {error}')
        else:
            try:
                await self._follow(status.key_id)
            except TransformError as error:
                wrong.append(str(error))
        if wrong:
            raise TransformError(f"kmsv2 Provider {self.name} is not healthy, error: {aggregate(wrong)}")

    def _wrong(self, status: pb.StatusResponse) -> list[str]:
        wrong: list[str] = []
        if status.healthz != "ok":
            wrong.append(f"got unexpected healthz status: {status.healthz}")
        if status.version not in _VERSIONS:
            wrong.append(f"expected KMSv2 API version v2, got {status.version}")
            return wrong
        self._version = self._version or status.version
        if self._version != status.version:
            wrong.append(
                "KMSv2 API version should not change after the initial status response version "
                f"{self._version}, got {status.version}"
            )
        return wrong

    async def _follow(self, key_id: str) -> None:
        """Makes a new seed for a new key; for the known one, allows writes for longer. A failure changes nothing."""
        expires = clock.now() + _WRITE_TTL
        state = self._state
        if state is not None and state.key_id == key_id:
            self._state = State(state.transformer, key_id, state.source, state.annotations, expires)
            return
        uid, seed = str(uuid4()), os.urandom(SEED_BYTES)
        made = pb.EncryptResponse()
        try:
            try:
                made = await self._service.encrypt(uid, seed)
            except TransformError as error:
                raise TransformError(f"failed to encrypt DEK, error: {error}") from None
            envelope.check_source(made.ciphertext, made.key_id, made.annotations)
            if made.key_id != key_id:
                raise TransformError("<nil>")
        except TransformError as error:
            hashes = envelope.key_id_hash
            raise TransformError(
                f'failed to rotate DEK uid="{uid}", useSeed=true, errGen={error}, '
                f'statusKeyIDHash="{hashes(key_id)}", encryptKeyIDHash="{hashes(made.key_id)}", '
                f'stateKeyIDHash="{hashes(state.key_id if state is not None else "")}"'
            ) from None
        self._state = State(DerivedGCM(seed), key_id, made.ciphertext, dict(made.annotations), expires)

    async def close(self) -> None:
        await self._service.close()
