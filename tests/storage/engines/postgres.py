"""PostgreSQL; an empty store is a new schema."""

from collections.abc import Sequence
from pathlib import Path

from tests.storage.engines.engine import Engine


def binaries() -> Path:
    """Debian keeps them beside each other by version, off the path."""
    return max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))


class Postgres(Engine):
    name = "postgres"
    user = "postgres"  # it refuses to run as root

    def install(self) -> None:
        self.run(
            f"{binaries()}/initdb", f"--pgdata={self.data}", "--username=postgres", "--auth=trust", "--no-locale",
            "--encoding=UTF8", "--no-sync",
        )  # fmt: skip

    def command(self) -> Sequence[str]:
        return [
            f"{binaries()}/postgres", f"-D{self.data}", f"-p{self.port}", "-clisten_addresses=127.0.0.1",
            "-cunix_socket_directories=", "-cmax_connections=100",
        ]  # fmt: skip

    def is_ready(self) -> bool:
        ready = [f"{binaries()}/pg_isready", "-q", "-h127.0.0.1", f"-p{self.port}", "-t1"]
        return self.succeeds(*ready)

    def sql(self, text: str) -> str:
        return self.run(
            f"{binaries()}/psql", "-h127.0.0.1", f"-p{self.port}", "-Upostgres", "-qAt", "-vON_ERROR_STOP=1", text=text
        )

    def empty(self) -> str:
        self._number += 1
        return f"postgres://postgres@127.0.0.1:{self.port}/postgres?schema=store{self._number}"
