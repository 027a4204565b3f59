"""What runs on every node for its network: the pod network and a DNS server."""

import asyncio
import logging

from pynetes.apimachinery.errors import StatusError
from pynetes.client.informer import InformerFactory
from pynetes.client.rest import Client
from pynetes.client.transport import TransportError
from pynetes.component import clock
from pynetes.component.tasks import Tasks
from pynetes.network.config import NetworkConfig
from pynetes.network.dns.forward import Forwarder, nameservers
from pynetes.network.dns.publish import Published, publish
from pynetes.network.dns.records import ClusterRecords
from pynetes.network.dns.server import Server
from pynetes.network.dns.zone import Zone
from pynetes.network.pod_network import PodNetwork

log = logging.getLogger(__name__)

_REPUBLISH, _RETRY = 30.0, 0.25


async def run(client: Client, config: NetworkConfig) -> None:
    """Runs until cancelled."""
    async with Tasks("network") as tasks:
        tasks.start(PodNetwork(client, config.node).run(), name="pod-network")
        tasks.start(serve_dns(client, config), name="dns")
        await asyncio.get_running_loop().create_future()


async def serve_dns(client: Client, config: NetworkConfig) -> None:
    """A DNS server on the node's address, published when it knows the cluster."""
    informers = InformerFactory(client)
    zone = Zone(config.domain, ClusterRecords(informers))
    forwarder = Forwarder(config.upstream or nameservers(config.resolv_conf))
    async with Tasks("dns") as tasks:
        informers.start(tasks)
        await informers.wait_for_sync()
        async with Server(zone, forwarder, config.node_ip, config.dns_port) as server:
            published = Published(config.dns_ip, config.node.node_name, config.node_ip, server.port)
            while True:
                await clock.sleep(await _published_after(client, published))


async def _published_after(client: Client, published: Published) -> float:
    """Publishes; returns the seconds until it is to be looked at again."""
    try:
        await publish(client, published)
    except (StatusError, TransportError) as error:
        log.warning("the DNS server is not published yet: %s", error)
        return _RETRY
    return _REPUBLISH
