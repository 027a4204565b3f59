"""The packet filter's library under cancellation; what it does otherwise is proved by the proxy's tests."""

import asyncio
from collections.abc import Iterator

import pytest

from pynetes.component.nftables import Nftables, NftablesError
from pynetes.testing.netns import NetworkNamespace

pytestmark = pytest.mark.root

ELEMENTS = ", ".join(f"10.0.{number >> 8}.{number & 255}" for number in range(5000))
LONG = f"add table ip t\nadd set ip t s {{ type ipv4_addr; }}\nadd element ip t s {{ {ELEMENTS} }}\n"


@pytest.fixture
def host() -> Iterator[NetworkNamespace]:
    with NetworkNamespace() as made:
        yield made


def test_a_context_is_freed_only_when_the_cancelled_transaction_has_ended(host: NetworkNamespace) -> None:
    async def main() -> None:
        nft = Nftables()
        running = asyncio.ensure_future(nft.run(LONG))
        while not nft._in_use.locked() and not running.done():  # noqa: ASYNC110
            await asyncio.sleep(0)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        nft.close()
        nft.close()
        with pytest.raises(NftablesError, match="the context is closed"):
            nft.run_blocking("list tables")

    host.call(asyncio.run, main())
    assert "table ip t" in host.run("nft list tables").stdout, "a transaction is whole"
