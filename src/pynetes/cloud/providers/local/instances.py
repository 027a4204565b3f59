"""Machines of the provider `local`: those that joined. Nothing is known of them but their names."""

from pynetes.apimachinery import meta
from pynetes.cloud.interface import InstanceMetadata, Instances, Object


class JoinedMachines(Instances):
    """No node is ever removed: that a machine does not answer is not known to be its end."""

    async def exists(self, node: Object) -> bool:
        return True

    async def is_shut_down(self, node: Object) -> bool:
        return False

    async def metadata(self, node: Object) -> InstanceMetadata:
        return InstanceMetadata(provider_id=f"local://{meta.name(node)}")
