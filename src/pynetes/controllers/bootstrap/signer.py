"""bootstrap-signer-controller: signs the ConfigMap cluster-info with every token that may, so that a node which knows
nothing but a token can trust the CA in it."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from pynetes.apis.core import bootstrap_token
from pynetes.apis.core.bootstrap_token import INFO_KEY, INFO_NAME, INFO_NAMESPACE, SIGNATURE_PREFIX
from pynetes.apis.names import CONFIG_MAPS
from pynetes.component import clock
from pynetes.controllers.base import BaseController
from pynetes.controllers.bootstrap import tokens
from pynetes.controllers.context import ControllerContext

Object = dict[str, Any]

_KEY = f"{INFO_NAMESPACE}/{INFO_NAME}"


class BootstrapSigner(BaseController):
    name = "bootstrap-signer-controller"
    queue_name = "bootstrap_signer_queue"
    account = "bootstrap-signer"

    def __init__(self, context: ControllerContext) -> None:
        super().__init__(context, workers=1)
        self.maps = self.informer(CONFIG_MAPS, namespace=INFO_NAMESPACE, field_selector=f"metadata.name={INFO_NAME}")
        self.maps.add_handler(self._changed, lambda old, new: self._changed(new))
        self.tokens = tokens.informer(self)
        self.tokens.add_handler(self._changed, lambda old, new: self._changed(new), self._changed)

    def _changed(self, obj: Object) -> None:
        self.queue.add(_KEY)

    async def sync(self, key: str) -> None:
        config_map = self.maps.get(key)
        if config_map is None or INFO_KEY not in (config_map.get("data") or {}):
            return
        data = signed(config_map["data"], self.tokens.list(), clock.now())
        if data != config_map["data"]:
            await self.client.update(CONFIG_MAPS, {**config_map, "data": data})


def signed(data: dict[str, str], secrets: Iterable[Object], now: datetime) -> dict[str, str]:
    """The ConfigMap's data with the signatures of the tokens there are now, and no others."""
    content = data[INFO_KEY]
    out = {key: value for key, value in data.items() if not key.startswith(SIGNATURE_PREFIX)}
    for secret in secrets:
        token = bootstrap_token.signing_token(secret, now)
        if token is not None:
            out[SIGNATURE_PREFIX + token.id] = bootstrap_token.signature(content, token)
    return out
