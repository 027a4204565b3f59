"""Machines of the provider `local`: those that joined. Only what the configuration says of them is known."""

from dataclasses import replace

from pynetes.apimachinery import meta
from pynetes.cloud.interface import InstanceMetadata, Instances, Object
from pynetes.cloud.providers.local.config import LocalConfig


class JoinedMachines(Instances):
    """No node is ever removed: that a machine does not answer is not known to be its end."""

    def __init__(self, config: LocalConfig) -> None:
        self._config = config

    async def exists(self, node: Object) -> bool:
        return True

    async def is_shut_down(self, node: Object) -> bool:
        return False

    async def metadata(self, node: Object) -> InstanceMetadata:
        known = self._config.instances.get(meta.name(node), InstanceMetadata())
        return replace(known, provider_id=f"local://{meta.name(node)}")
