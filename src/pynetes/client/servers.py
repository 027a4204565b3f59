"""The API servers of one cluster, and which of them a client uses."""

from collections.abc import Sequence


class Servers:
    """`current` is in use. The first address is the configured one, which stays whatever the cluster tells: it may be
    a load balancer's. With `prefer_first` it is used whenever it serves.
    """

    def __init__(self, addresses: Sequence[str], *, prefer_first: bool = False) -> None:
        self.addresses = [address.rstrip("/") for address in addresses]
        self.preferred = self.addresses[0] if prefer_first else ""
        self.current = self.addresses[0]
        #: Addresses that the cluster has told, once at least.
        self._told = set(self.addresses[1:])

    @property
    def several(self) -> bool:
        return len(self.addresses) > 1

    @property
    def others(self) -> list[str]:
        """All but the current one, in the order in which they are to be tried."""
        at = self.addresses.index(self.current)
        return [*self.addresses[at + 1 :], *self.addresses[:at]]

    def leave(self, address: str) -> None:
        """Goes to the next one, unless somebody did so already."""
        if address == self.current and self.several:
            self.current = self.others[0]

    def take(self, address: str) -> None:
        """Goes to one that serves, if it is still one of them."""
        if address in self.addresses:
            self.current = address

    def update(self, addresses: Sequence[str]) -> bool:
        """The servers that live are these; whether that is news. One that lived and does no more is left."""
        living = [address.rstrip("/") for address in addresses]
        if not living:
            return False
        before = (set(self.addresses), self.current)
        self._told |= set(living)
        if self.current in self._told and self.current not in living:
            self.current = next((address for address in self.others if address in living), living[0])
        kept = [self.addresses[0], *(address for address in self.addresses[1:] if address in living)]
        self.addresses = list(dict.fromkeys([*kept, *living]))
        return (set(self.addresses), self.current) != before
