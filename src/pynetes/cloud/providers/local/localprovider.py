"""The provider `local`: what the entry point makes."""

from pynetes.apis.names import SERVICES
from pynetes.cloud.context import CloudContext
from pynetes.cloud.interface import CloudProvider
from pynetes.cloud.providers.local import config
from pynetes.cloud.providers.local.balancers import AddressBalancers
from pynetes.cloud.providers.local.instances import JoinedMachines


class LocalProvider(CloudProvider):
    name = "local"

    def __init__(self, settings: config.LocalConfig) -> None:
        self._balancers = AddressBalancers(settings)
        self.load_balancers = self._balancers
        self.instances = JoinedMachines(settings)

    async def start(self, context: CloudContext) -> None:
        self._balancers.follow(context.informers.informer(SERVICES))


def provider(cloud_config: str) -> LocalProvider:
    """ValueError for a configuration that is none."""
    return LocalProvider(config.parse(cloud_config))
