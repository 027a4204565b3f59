"""Creating and deleting pods, with the events that users look for."""

from typing import Any

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import PODS
from pynetes.client.events import NORMAL, WARNING, EventRecorder
from pynetes.client.rest import Client
from pynetes.controllers.base import NAMESPACE_TERMINATING, has_cause

Object = dict[str, Any]


class PodControl:
    """Writes pods on behalf of an owner, and says so in events about the owner."""

    def __init__(self, client: Client, recorder: EventRecorder) -> None:
        self._client = client
        self._recorder = recorder

    async def create(self, pod: Object, owner: Object) -> Object:
        try:
            created = await self._client.create(PODS, pod)
        except StatusError as error:
            if not has_cause(error, NAMESPACE_TERMINATING):
                self._recorder.event(owner, WARNING, "FailedCreate", f"Error creating: {error}")
            raise
        self._recorder.event(owner, NORMAL, "SuccessfulCreate", f"Created pod: {meta.name(created)}")
        return created

    async def delete(self, pod: Object, owner: Object) -> None:
        """404 is raised like every other refusal, but is no failure to tell of."""
        name = meta.name(pod)
        try:
            await self._client.delete(PODS, name, meta.namespace(pod))
        except StatusError as error:
            if error.code != 404:
                self._recorder.event(owner, WARNING, "FailedDelete", f"Error deleting: {error}")
            raise
        self._recorder.event(owner, NORMAL, "SuccessfulDelete", f"Deleted pod: {name}")
