"""A host's files, seen from the machine."""

from pathlib import Path

from msgspec import Struct

from pynetes.cli.layout import DEFAULT_DATA, Layout


class Places(Struct, frozen=True):
    """`home` is the host's directory on the machine; `power` says which process is its first."""

    home: Path
    power: Path

    @property
    def var(self) -> Path:
        """The host's disk: its /var."""
        return self.home / "var"

    @property
    def console(self) -> Path:
        """What its init and the command that it runs have said."""
        return self.home / "console.log"

    @property
    def machine_id(self) -> Path:
        return self.home / "machine-id"

    @property
    def resolv_conf(self) -> Path:
        return self.home / "resolv.conf"

    @property
    def layout(self) -> Layout:
        """Its cluster's files that outlive a boot; the others are in its own /run."""
        return Layout(self.var / DEFAULT_DATA.relative_to("/var"))


def of(layout: Layout, name: str) -> Places:
    return Places(layout.data / "hosts" / name, layout.run / "hosts" / f"{name}.json")
