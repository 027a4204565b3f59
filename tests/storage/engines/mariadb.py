"""MariaDB; an empty store is a new database."""

import os
import shutil
from collections.abc import Sequence

from tests.storage.engines.engine import Engine


class MariaDB(Engine):
    name = "mysql"
    user = "nobody"

    @property
    def _temporary(self) -> str:
        """Its own: a server that starts removes what looks like a temporary table, another server's too."""
        return f"--tmpdir={self.directory / 'tmp'}"

    def install(self) -> None:
        (self.directory / "tmp").mkdir()
        if self._as_user():
            shutil.chown(self.directory / "tmp", self.user)
        self.run(
            "mariadb-install-db", "--no-defaults", f"--datadir={self.data}", self._temporary, "--skip-test-db",
            "--auth-root-authentication-method=normal",
        )  # fmt: skip

    def command(self) -> Sequence[str]:
        binary = "/usr/sbin/mariadbd" if os.path.exists("/usr/sbin/mariadbd") else "mariadbd"
        return [
            binary, "--no-defaults", f"--datadir={self.data}", f"--port={self.port}", "--bind-address=127.0.0.1",
            f"--socket={self.data}/socket", f"--pid-file={self.data}/pid", "--innodb-buffer-pool-size=64M",
            self._temporary,
        ]  # fmt: skip

    def is_ready(self) -> bool:
        return self.succeeds("mariadb", "--no-defaults", *self._login(), "--connect-timeout=1", "--execute=SELECT 1")

    def _login(self) -> list[str]:
        return ["--host=127.0.0.1", f"--port={self.port}", "--user=root"]

    def sql(self, text: str) -> str:
        return self.run("mariadb", "--no-defaults", *self._login(), "--batch", "--skip-column-names", text=text)

    def empty(self) -> str:
        self._number += 1
        self.sql(f"CREATE DATABASE store{self._number}")
        return f"mysql://root@127.0.0.1:{self.port}/store{self._number}"
