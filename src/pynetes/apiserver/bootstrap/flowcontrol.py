"""Mandatory and suggested FlowSchemas and priority levels."""

import asyncio
from typing import Any

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.gvk import GroupVersionResource
from pynetes.apis.flowcontrol import mandatory
from pynetes.apis.names import FLOW_SCHEMAS, PRIORITY_LEVEL_CONFIGURATIONS
from pynetes.client.rest import Client

Object = dict[str, Any]

_BOOLEANS = {"true": True, "false": False}
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


def revised(present: Object, bootstrap: Object, *, always: bool) -> Object | None:
    """How an object of ours has to be; None if it is so. `always`: nobody can take it over, as others by the
    annotation, or by changing them before it is there."""
    stated = _BOOLEANS.get(meta.annotations(present).get(mandatory.AUTO_UPDATE, ""))
    follows = always or (stated if stated is not None else present["metadata"].get("generation") == 1)
    spec = bootstrap["spec"] if follows else present["spec"]
    if "exempt" in spec and "exempt" in present["spec"]:
        spec = {**spec, "exempt": present["spec"]["exempt"]}  # shares that users may choose
    if stated == follows and spec == present["spec"]:
        return None
    annotations = {**meta.annotations(present), mandatory.AUTO_UPDATE: "true" if follows else "false"}
    return {**present, "metadata": {**present["metadata"], "annotations": annotations}, "spec": spec}


async def _ensure(
    client: Client, gvr: GroupVersionResource, obj: Object, present: Object | None, *, always: bool
) -> None:
    try:
        if present is None:
            await client.create(gvr, obj, field_manager=_FIELD_MANAGER)
            return
        wanted = revised(present, obj, always=always)
        if wanted is not None:
            await client.update(gvr, wanted, field_manager=_FIELD_MANAGER)
    except StatusError as error:
        if error.reason not in ("AlreadyExists", "Conflict", "NotFound"):  # another server does it
            raise
