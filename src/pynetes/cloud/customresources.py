"""A provider's own API: its CustomResourceDefinitions are applied, and served before a controller asks for them.

Server-side apply: what others have put beside (a conversion webhook's CA, labels) stays. Only the leader does this, so
that of two managers of different versions one has its way at a time.
"""

import logging
from collections.abc import Sequence
from typing import Any

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import CUSTOM_RESOURCE_DEFINITIONS
from pynetes.client.reflector import Backoff
from pynetes.client.rest import Client
from pynetes.client.transport import TransportError
from pynetes.component import clock

log = logging.getLogger(__name__)

Object = dict[str, Any]

FIELD_MANAGER = "cloud-controller-manager"
_POLL = 0.1


async def install(client: Client, definitions: Sequence[Object]) -> None:
    """Returns when all are Established. A refusal is logged and tried again: rights may come later."""
    for definition in definitions:
        backoff = Backoff()
        while True:
            try:
                await _establish(client, definition)
                break
            except (StatusError, TransportError) as error:
                log.warning("customresourcedefinition %s: %s", meta.name(definition), error)
                await clock.sleep(backoff.next())


async def _establish(client: Client, definition: Object) -> None:
    name = meta.name(definition)
    found = await client.patch(
        CUSTOM_RESOURCE_DEFINITIONS, name, definition, type="apply", field_manager=FIELD_MANAGER, force=True
    )
    told = ""
    while not _is(found, "Established"):
        if (reason := _refusal(found)) != told:
            log.warning("customresourcedefinition %s: %s", name, reason)
            told = reason
        await clock.sleep(_POLL)
        found = await client.get(CUSTOM_RESOURCE_DEFINITIONS, name)


def _is(definition: Object, condition: str) -> bool:
    return meta.is_condition_true((definition.get("status") or {}).get("conditions"), condition)


def _refusal(definition: Object) -> str:
    """Why it will not be Established before someone acts; empty if it is only a matter of time."""
    names = meta.get_condition((definition.get("status") or {}).get("conditions"), "NamesAccepted")
    return str(names.get("message")) if names is not None and names.get("status") == "False" else ""
