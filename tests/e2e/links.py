"""A link between the machines of a test."""

import subprocess
import sys
from pathlib import Path

from pynetes.testing.netns import NetworkNamespace, connect


class Link:
    """A switch: what is plugged in can be unplugged, delayed and damaged."""

    def __init__(self) -> None:
        self.switch = NetworkNamespace("switch")
        self.switch.run("ip link add br0 type bridge")
        self.switch.run("ip link set br0 up")
        self._ports: dict[str, str] = {}
        self._cables: dict[str, subprocess.Popen[bytes]] = {}

    def plug(self, host: NetworkNamespace, name: str, address: str) -> None:
        _, port = connect(host, f"{address}/24", self.switch, "")
        self.switch.run(f"ip link set {port} master br0")
        self._ports[name] = port

    def cut(self, name: str) -> None:
        self.switch.run(f"ip link set {self._ports[name]} down")

    def mend(self, name: str) -> None:
        self.switch.run(f"ip link set {self._ports[name]} up")

    def damage(self, name: str, *, delay: float, jitter: float, loss: float) -> None:
        """Puts a bad cable in: milliseconds, and per cent of the frames, in each direction."""
        bridge, near, far = f"slow-{name}", f"{name}-near", f"{name}-far"
        script = str(Path(__file__).with_name("slow_cable.py"))
        words = (sys.executable, script, near, far, str(delay), str(jitter), str(loss))
        cable = self._cables[name] = self.switch.start(*words, stdout=subprocess.PIPE)
        assert cable.stdout is not None
        assert cable.stdout.readline() == b"ready\n"
        self.switch.run(f"ip link add {bridge} type bridge")
        for device, where in ((near, bridge), (far, "br0"), (self._ports[name], bridge)):
            self.switch.run(f"ip link set {device} master {where}")
        for device in (bridge, near, far):
            self.switch.run(f"ip link set {device} up")

    def repair(self, name: str) -> None:
        """A good cable again."""
        cable = self._cables.pop(name)
        cable.kill()
        cable.wait()
        self.switch.run(f"ip link set {self._ports[name]} master br0")
        self.switch.run(f"ip link del slow-{name}")

    def close(self) -> None:
        self.switch.close()
