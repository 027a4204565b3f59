"""What a cloud controller is given: what all managers' controllers share, the provider, the settings."""

from pynetes.client.basecontroller import SharedController
from pynetes.client.controllercontext import ClientFactory, SharedContext
from pynetes.client.informer import InformerFactory
from pynetes.client.rest import Client
from pynetes.cloud.config import CloudControllerManagerConfig
from pynetes.cloud.interface import CloudProvider

MANAGER = "cloud-controller-manager"


class CloudContext(SharedContext):
    """Handed to every controller's constructor, and to the provider."""

    def __init__(
        self,
        client_factory: ClientFactory,
        provider: CloudProvider,
        config: CloudControllerManagerConfig | None = None,
        *,
        informers: InformerFactory | None = None,
    ) -> None:
        super().__init__(client_factory, MANAGER, informers=informers)
        self.provider = provider
        self.config = config or CloudControllerManagerConfig()

    @classmethod
    def for_client(
        cls, client: Client, provider: CloudProvider, config: CloudControllerManagerConfig | None = None
    ) -> "CloudContext":
        """All controllers act as the one user of `client`."""
        return cls(lambda name: client, provider, config)


class CloudController(SharedController[CloudContext]):
    """A controller of this manager; a provider's own are such, too."""
