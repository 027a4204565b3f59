"""ValidatingAdmissionWebhook: all webhooks that are meant are asked at once; the first refusal is the answer."""

import asyncio

from pynetes.apimachinery.errors import StatusError
from pynetes.apiserver.admission.attributes import Attributes, Plugin
from pynetes.apiserver.admission.matching import Match, is_exempt
from pynetes.apiserver.admission.webhooks.caller import Caller, CallError, RejectionError, Versioned
from pynetes.apiserver.admission.webhooks.hooks import Hook, Hooks

_FAILED_OPEN = "failed-open.validating.webhook.admission.k8s.io/"


class ValidatingAdmissionWebhook(Plugin):
    name = "ValidatingAdmissionWebhook"
    waits = True

    def __init__(self, caller: Caller) -> None:
        self.hooks = Hooks("validating")
        self._caller = caller

    def handles(self, attrs: Attributes) -> bool:
        return bool(self.hooks.all) and not is_exempt(attrs)

    async def validate(self, attrs: Attributes) -> None:
        meant: list[tuple[Hook, Match, Versioned]] = []
        for hook in self.hooks.all:
            found = await self._caller.match(hook, attrs)
            if found is not None:
                meant.append((hook, *found))
        if not meant:
            return
        refusals: list[StatusError] = []
        if len(meant) == 1:
            await self._ask(attrs, 0, meant[0], refusals)
        else:
            async with asyncio.TaskGroup() as group:
                for index, each in enumerate(meant):
                    group.create_task(self._ask(attrs, index, each, refusals))
        if refusals:
            raise refusals[0]

    async def _ask(
        self, attrs: Attributes, index: int, meant: tuple[Hook, Match, Versioned], refusals: list[StatusError]
    ) -> None:
        hook, match, versioned = meant
        try:
            await self._caller.ask(hook, attrs, match, versioned)
        except RejectionError as error:
            refusals.append(error.status)
        except CallError as error:
            try:
                self._caller.failed(hook, attrs, error, f"{_FAILED_OPEN}round_0_index_{index}")
            except StatusError as refusal:
                refusals.append(refusal)
        except StatusError as error:
            refusals.append(error)
