"""What a controller is given: what all managers' controllers share, and this manager's settings."""

from pynetes.client.controllercontext import ClientFactory, SharedContext
from pynetes.client.informer import InformerFactory
from pynetes.client.rest import Client
from pynetes.controllers.config import ControllerManagerConfig


class ControllerContext(SharedContext):
    """Handed to every controller's constructor. `informers` reads as the manager itself."""

    def __init__(
        self,
        client_factory: ClientFactory,
        config: ControllerManagerConfig | None = None,
        *,
        informers: InformerFactory | None = None,
    ) -> None:
        super().__init__(client_factory, "kube-controller-manager", informers=informers)
        self.config = config or ControllerManagerConfig()

    @classmethod
    def for_client(cls, client: Client, config: ControllerManagerConfig | None = None) -> "ControllerContext":
        """All controllers act as the one user of `client`."""
        return cls(lambda name: client, config)
