"""The provider `local`: what the entry point makes."""

import logging

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError
from pynetes.cloud.context import CloudContext
from pynetes.cloud.interface import CloudProvider, Object
from pynetes.cloud.providers.local import formerconfig
from pynetes.cloud.providers.local.addresspool import ADDRESS_POOLS, definition
from pynetes.cloud.providers.local.balancers import AddressBalancers
from pynetes.cloud.providers.local.instances import JoinedMachines
from pynetes.cloud.providers.local.poolcontroller import AddressPoolController
from pynetes.cloud.rights import rule

log = logging.getLogger(__name__)


class LocalProvider(CloudProvider):
    name = "local"
    rules = (
        rule(ADDRESS_POOLS.group, "addresspools", "get list watch create update"),
        rule(ADDRESS_POOLS.group, "addresspools/status", "update"),
        rule("core", "namespaces", "get list watch"),
    )

    def __init__(self, former: list[Object]) -> None:
        """`former`: pools of a configuration file of before, made where they are missing."""
        self._former = former
        self._balancers = AddressBalancers()
        self.load_balancers = self._balancers
        self.instances = JoinedMachines()
        self.custom_resource_definitions = (definition(),)
        self.controllers = {AddressPoolController.name: lambda context: AddressPoolController(context, self._balancers)}

    async def start(self, context: CloudContext) -> None:
        self._balancers.follow(context.informers)
        if self._former:
            log.warning(
                "--cloud-config is of no use any more: its pools are AddressPools now, `kubectl get addresspools`"
            )
        for pool in self._former:
            try:
                await context.client.create(ADDRESS_POOLS, pool)
            except StatusError as error:
                if error.reason != "AlreadyExists":
                    log.error("addresspool %s of --cloud-config: %s", meta.name(pool), error)


def provider(cloud_config: str) -> LocalProvider:
    """ValueError for a configuration file of before that cannot be carried over."""
    return LocalProvider(formerconfig.pools(cloud_config))
