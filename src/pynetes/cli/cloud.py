"""What a cluster with load balancers has beside: rights of the cloud controller manager and of the announcers, and the
AddressPool `default`.

The pool is made from `--load-balancer-pool` once, then it is its user's: what was made is noted at the manager's
ClusterRole, and only another value of the flag is applied again, without force, so that edits of the pool stay.
"""

import logging

from pynetes.apimachinery import meta
from pynetes.apimachinery.errors import StatusError
from pynetes.apis.names import CLUSTER_ROLES
from pynetes.cli import addons
from pynetes.cli.addons import Owned
from pynetes.cli.settings import Settings
from pynetes.client.rest import Client
from pynetes.client.transport import TransportError
from pynetes.component.pki import CLOUD_CONTROLLER_MANAGER_USER, NETWORK_USER, NODES_GROUP

log = logging.getLogger(__name__)

DEFAULT_POOL = "default"
FIELD_MANAGER = "pynetes"
_MADE_FROM = "pynetes.io/load-balancer-pool"


def rights() -> list[Owned]:
    """The manager's user may do what upstream's controllers and those of the provider `local` need; announcers, which
    act as the network or as a joined node, may read pools."""
    from pynetes.cloud import providers
    from pynetes.cloud.providers.local.addresspool import ADDRESS_POOLS
    from pynetes.cloud.rights import rule, rules

    manager, announcer = CLOUD_CONTROLLER_MANAGER_USER, "pynetes:announcer"
    read = rule(ADDRESS_POOLS.group, ADDRESS_POOLS.resource, "get list watch")
    users = addons.subject("User", NETWORK_USER), addons.subject("Group", NODES_GROUP)
    return [
        addons.role(manager, rules(providers.load("local"))),
        addons.binding(manager, manager, addons.subject("User", manager)),
        addons.role(announcer, [read]),
        addons.binding(announcer, announcer, *users),
    ]


async def install_rights(client: Client, settings: Settings) -> None:
    """Creates what is missing and brings the rest up to date, if there are load balancers."""
    if settings.load_balancer_pool:
        await addons.ensure(client, rights())


async def ensure_pool(client: Client, settings: Settings) -> str:
    """Makes the pool unless it was made from the same value before; empty once that is done, else why it is not yet."""
    wanted = settings.load_balancer_pool
    try:
        role = await client.get(CLUSTER_ROLES, CLOUD_CONTROLLER_MANAGER_USER)
        if meta.annotations(role).get(_MADE_FROM) != wanted:
            await _apply_pool(client, wanted.replace(" ", "").split(","))
            noted = {"metadata": {"annotations": {_MADE_FROM: wanted}}}
            await client.patch(CLUSTER_ROLES, CLOUD_CONTROLLER_MANAGER_USER, noted)
    except StatusError as error:
        return "the cloud controller manager has not brought AddressPools yet" if error.code == 404 else str(error)
    except TransportError as error:
        return str(error)
    return ""


async def _apply_pool(client: Client, ranges: list[str]) -> None:
    from pynetes.cloud.providers.local.addresspool import ADDRESS_POOLS, manifest

    try:
        pool = manifest(DEFAULT_POOL, ranges)
        await client.patch(ADDRESS_POOLS, DEFAULT_POOL, pool, type="apply", field_manager=FIELD_MANAGER)
    except StatusError as error:
        if error.code != 409:
            raise
        log.warning("the AddressPool %s stays as it was edited: %s", DEFAULT_POOL, error)
