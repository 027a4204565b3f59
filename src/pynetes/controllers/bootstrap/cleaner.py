"""token-cleaner-controller: deletes bootstrap tokens when their time is over."""

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apis.core import bootstrap_token
from pynetes.apis.names import SECRETS
from pynetes.component import clock
from pynetes.controllers.base import BaseController
from pynetes.controllers.bootstrap import tokens
from pynetes.controllers.context import ControllerContext


class TokenCleaner(BaseController):
    name = "token-cleaner-controller"
    queue_name = "token_cleaner"
    account = "token-cleaner"

    def __init__(self, context: ControllerContext) -> None:
        super().__init__(context, workers=1)
        self.tokens = tokens.informer(self)
        self.tokens.add_handler(self.enqueue, self.enqueue_update)

    async def sync(self, key: str) -> None:
        secret = self.tokens.get(key)
        if secret is None:
            return
        left = bootstrap_token.seconds_left(secret, clock.now())
        if left:
            self.queue.add_after(key, left)
        elif left == 0:
            await self._delete(secret["metadata"]["name"], meta.uid(secret))

    async def _delete(self, name: str, uid: str) -> None:
        try:
            await self.client.delete(SECRETS, name, bootstrap_token.NAMESPACE, uid=uid)
        except StatusError as error:
            if error.code not in (404, 409):
                raise
