"""Mandatory and suggested FlowSchemas and priority levels."""

import asyncio
from typing import Any

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.gvk import GroupVersionResource
from pynetes.apis.names import FLOW_SCHEMAS, PRIORITY_LEVEL_CONFIGURATIONS
from pynetes.apiserver.flowcontrol import mandatory
from pynetes.client.rest import Client

Object = dict[str, Any]

_FIELD_MANAGER = "api-priority-and-fairness-config-producer-v1"


async def reconcile(client: Client) -> None:
    """Creates what is missing, and brings back what is not left to somebody else."""
    for gvr, wanted, suggested in (
        (PRIORITY_LEVEL_CONFIGURATIONS, mandatory.MANDATORY_LEVELS, mandatory.SUGGESTED_LEVELS),
        (FLOW_SCHEMAS, mandatory.MANDATORY_SCHEMAS, mandatory.SUGGESTED_SCHEMAS),
    ):
        present = {meta.name(obj): obj for obj in (await client.list(gvr))["items"]}
        async with asyncio.TaskGroup() as group:  # so that the writes share the store's commits
            for obj in (*wanted, *suggested):
                group.create_task(_ensure(client, gvr, obj, present.get(meta.name(obj)), always=obj in wanted))


async def _ensure(
    client: Client, gvr: GroupVersionResource, obj: Object, present: Object | None, *, always: bool
) -> None:
    try:
        if present is None:
            await client.create(gvr, obj, field_manager=_FIELD_MANAGER)
            return
        ours = always or meta.annotations(present).get(mandatory.AUTO_UPDATE) == "true"
        if ours and present["spec"] != obj["spec"]:
            await client.update(gvr, {**present, "spec": obj["spec"]}, field_manager=_FIELD_MANAGER)
    except StatusError as error:
        if error.reason not in ("AlreadyExists", "Conflict", "NotFound"):  # another server does it
            raise
