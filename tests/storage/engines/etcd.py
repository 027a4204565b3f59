"""etcd: a cluster of one member. Its revision cannot begin anew, so an empty store is a new member: half a second."""

import shutil
import urllib.error
import urllib.request
from collections.abc import Sequence

from tests.ports import free_port
from tests.storage.engines.engine import Engine


class Etcd(Engine):
    name = "etcd"
    durability: Sequence[str] = ("--unsafe-no-fsync",)
    """Most tests are about something else."""

    def command(self) -> Sequence[str]:
        client, peer = f"http://127.0.0.1:{self.port}", f"http://127.0.0.1:{self._peer}"
        return [
            "etcd", "--name=one", f"--data-dir={self.data}", "--log-level=error", *self.durability,
            f"--listen-client-urls={client}", f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}", f"--initial-cluster=one={peer}",
            # The shortest time to live follows from the election timeout; and an election of one is over in it.
            "--heartbeat-interval=10", "--election-timeout=100", "--max-request-bytes=8388608",
        ]  # fmt: skip

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self._peer = free_port()

    def is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=1) as answer:
                return b'"true"' in answer.read()
        except (OSError, urllib.error.URLError):
            return False

    def empty(self) -> str:
        self.kill()
        shutil.rmtree(self.data, ignore_errors=True)
        self.start()
        return f"etcd://127.0.0.1:{self.port}"
