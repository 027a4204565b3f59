"""What the controllers of one manager share: clients, informers, recorders."""

from collections.abc import Callable

from pynetes.client.events import EventRecorder
from pynetes.client.informer import InformerFactory
from pynetes.client.rest import Client
from pynetes.component.tasks import Tasks

ClientFactory = Callable[[str], Client]
"""A client that acts as this service account of kube-system (or as one user for all)."""


class SharedContext:
    """Handed to every controller's constructor. `client` and `informers` act as the manager itself."""

    def __init__(
        self, client_factory: ClientFactory, manager: str, *, informers: InformerFactory | None = None
    ) -> None:
        self.manager = manager
        self.client_factory = client_factory
        self.client = client_factory(manager)
        self.informers = informers or InformerFactory(self.client)
        self._recorders: list[EventRecorder] = []
        self._tasks: Tasks | None = None

    def recorder(self, account: str, component: str) -> EventRecorder:
        """Events written as the service account `account`, with `component` as their source."""
        recorder = EventRecorder(self.client_factory(account), component)
        self._recorders.append(recorder)
        if self._tasks is not None:
            self._tasks.start(recorder.run(), name=f"events of {component}")
        return recorder

    def start(self, tasks: Tasks) -> None:
        """Runs informers and recorders in `tasks`."""
        self._tasks = tasks
        for recorder in self._recorders:
            tasks.start(recorder.run(), name="events")
        self.informers.start(tasks)
