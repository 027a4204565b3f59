"""What a cloud provider implements. Everything but `name` is optional: what is None, the cloud does not have.

Nodes and Services are plain dicts with the wire's keys, shared with the informers: never change one.

A method fails with any exception: it is reported by an event of upstream's and tried again with a growing back-off.
`TryAgain` is a failure that is nobody's fault, of which the log says nothing; `RetryAfter(message, seconds)` names the
time of the next try; `ImplementedElsewhere` leaves a load balancer to another controller.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from pynetes.client.controller import RetryAfter, TryAgain

if TYPE_CHECKING:
    from pynetes.cloud.context import CloudContext, CloudController

__all__ = [
    "CloudProvider",
    "ImplementedElsewhere",
    "InstanceMetadata",
    "Instances",
    "LoadBalancers",
    "RetryAfter",
    "Route",
    "Routes",
    "TryAgain",
]

Object = dict[str, Any]


class ImplementedElsewhere(Exception):
    """Load balancers are looked after by a controller outside of this manager."""


class InstanceMetadata(Struct, frozen=True):
    """What the cloud knows of a node's machine. What is empty is left as it is on the node.

    `addresses` are node addresses on the wire: `{"type": "InternalIP", "address": "192.0.2.1"}`. `labels` are put on
    the node when it is initialized, but for those of Kubernetes' own domains.
    """

    provider_id: str = ""
    instance_type: str = ""
    addresses: Sequence[Object] = ()
    zone: str = ""
    region: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


class Instances(ABC):
    """The machines behind nodes (upstream's InstancesV2). A node has `spec.providerID` once it is initialized."""

    @abstractmethod
    async def exists(self, node: Object) -> bool:
        """Whether the machine is there, running or not. A node whose machine is gone is deleted."""

    @abstractmethod
    async def is_shut_down(self, node: Object) -> bool:
        """Whether the machine is there and does not run."""

    @abstractmethod
    async def metadata(self, node: Object) -> InstanceMetadata | None:
        """What the cloud knows of the machine; None to leave the node to a later change."""


class LoadBalancers(ABC):
    """Load balancers of Services. All methods may be called again for what they have done already."""

    load_balancer_class: str = ""
    """Services of this class are the provider's too; those of any other class never are."""

    retry: Callable[[str], None] = staticmethod(lambda key: None)
    """Set by the controller: `retry("namespace/name")` has a Service looked at again at once, because what it failed
    for may be there now."""

    @abstractmethod
    async def get(self, cluster: str, service: Object) -> Object | None:
        """The status (`{"ingress": [{"ip": …, "ipMode": "VIP"}]}`) of the Service's balancer; None if there is none."""

    @abstractmethod
    async def ensure(self, cluster: str, service: Object, nodes: Sequence[Object]) -> Object:
        """Makes the balancer, or brings it up to date; its status."""

    @abstractmethod
    async def update(self, cluster: str, service: Object, nodes: Sequence[Object]) -> None:
        """The nodes behind an existing balancer changed."""

    @abstractmethod
    async def ensure_deleted(self, cluster: str, service: Object) -> None:
        """Removes the balancer, or what there is of it."""


class Route(Struct, frozen=True):
    """Pods' addresses → the node that has them. `target_addresses`: None where the cloud has only names for nodes."""

    destination_cidr: str
    target_node: str
    name: str = ""
    target_addresses: tuple[tuple[str, str], ...] | None = None
    """(type, address) pairs."""
    blackhole: bool = False
    """It leads to a machine that is no more."""


class Routes(ABC):
    """The cloud's route table."""

    @abstractmethod
    async def list(self, cluster: str) -> Sequence[Route]: ...

    @abstractmethod
    async def create(self, cluster: str, name_hint: str, route: Route) -> None: ...

    @abstractmethod
    async def delete(self, cluster: str, route: Route) -> None: ...


class CloudProvider:
    """One cloud. The entry point is a callable that makes it from the text of `--cloud-config` ("" without one)."""

    name: str
    instances: Instances | None = None
    load_balancers: LoadBalancers | None = None
    routes: Routes | None = None
    custom_resource_definitions: Sequence[Object] = ()
    """CustomResourceDefinitions of the provider's own API. The leader applies them and waits until they are
    Established before anything else of the provider is called."""
    controllers: "Mapping[str, Callable[[CloudContext], CloudController]]" = MappingProxyType({})
    """Controllers of the provider's own, name → constructor: they run beside upstream's, and `--controllers` knows
    them."""
    rules: Sequence[Object] = ()
    """RBAC rules that the manager's user needs for the above, beside those that `pynetes.cloud.rights` lists."""

    async def start(self, context: "CloudContext") -> None:
        """Called once, before any controller is made: the place to ask for informers and to sign in to the cloud."""

    async def close(self) -> None:
        """Called when the manager ends."""
