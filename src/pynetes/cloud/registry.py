"""The table of cloud controllers: upstream's names → constructors. A new controller is one line here.

A provider's own are in its `controllers`, and are switched on and off as these are.
"""

import logging
from collections.abc import Callable

from pynetes.cloud.config import CloudControllerManagerConfig
from pynetes.cloud.context import CloudContext, CloudController
from pynetes.cloud.controllers.cloudnode import CloudNodeController
from pynetes.cloud.controllers.nodelifecycle import CloudNodeLifecycleController
from pynetes.cloud.controllers.route import NodeRouteController
from pynetes.cloud.controllers.service import ServiceLBController
from pynetes.cloud.interface import CloudProvider

log = logging.getLogger(__name__)

Constructor = Callable[[CloudContext], CloudController]

CONTROLLERS: dict[str, Constructor] = {
    "cloud-node-controller": CloudNodeController,
    "cloud-node-lifecycle-controller": CloudNodeLifecycleController,
    "service-lb-controller": ServiceLBController,
    "node-route-controller": NodeRouteController,
}

#: Names of before 1.27 that flags still take.
ALIASES = {
    "cloud-node": "cloud-node-controller",
    "cloud-node-lifecycle": "cloud-node-lifecycle-controller",
    "service": "service-lb-controller",
    "route": "node-route-controller",
}


def constructors(provider: CloudProvider) -> dict[str, Constructor]:
    """Upstream's controllers and the provider's; ValueError for a name that both have."""
    if taken := CONTROLLERS.keys() & provider.controllers.keys():
        raise ValueError(f"cloud provider {provider.name} has a controller of upstream's name: {min(taken)}")
    return {**CONTROLLERS, **provider.controllers}


def enabled(config: CloudControllerManagerConfig, provider: CloudProvider) -> list[str]:
    """The controllers that are asked for and that the provider has the means for; ValueError for a name of none."""
    known = constructors(provider)
    wanted = {_canonical(name) for name in config.controllers}
    unknown = {name.removeprefix("-") for name in wanted} - known.keys() - {"*"}
    if unknown:
        raise ValueError(f'"{sorted(unknown)[0]}" is not in the list of known controllers')
    asked = [name for name in known if f"-{name}" not in wanted and (name in wanted or "*" in wanted)]
    return [name for name in asked if name in provider.controllers or _possible(name, config, provider)]


def _canonical(name: str) -> str:
    bare = name.removeprefix("-")
    return name[: len(name) - len(bare)] + ALIASES.get(bare, bare)


def _possible(name: str, config: CloudControllerManagerConfig, provider: CloudProvider) -> bool:
    match name:
        case "service-lb-controller":
            possible, what = provider.load_balancers is not None, "external load balancers"
        case "node-route-controller":
            if not config.configure_cloud_routes or not config.cluster_cidr:
                return False
            possible, what = provider.routes is not None, "routes"
        case _:
            possible, what = provider.instances is not None, "instances"
    if not possible:
        log.info("%s does not start: the cloud provider does not support %s", name, what)
    return possible
