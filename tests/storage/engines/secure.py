"""Engines that let in over TLS alone, with a client certificate: `login` is those options of a URL."""

import ssl
import urllib.request
from collections.abc import Sequence

from tests.storage.engines import certificates
from tests.storage.engines.certificates import Certificates
from tests.storage.engines.etcd import Etcd
from tests.storage.engines.mariadb import MariaDB
from tests.storage.engines.postgres import Postgres


class SecureEtcd(Etcd):
    """Speaks TLS and demands client certificates."""

    durability = ()

    def __init__(self) -> None:
        super().__init__()
        self.files: Certificates = certificates.make(self.directory / "certificates")

    def command(self) -> Sequence[str]:
        url = f"https://127.0.0.1:{self.port}"
        return [
            *super().command(), f"--listen-client-urls={url}", f"--advertise-client-urls={url}", "--client-cert-auth",
            f"--trusted-ca-file={self.files.ca}", f"--cert-file={self.files.cert('server')}",
            f"--key-file={self.files.key('server')}",
        ]  # fmt: skip

    def is_ready(self) -> bool:
        context = ssl.create_default_context(cafile=self.files.ca)
        context.load_cert_chain(self.files.cert("client"), self.files.key("client"))
        try:
            with urllib.request.urlopen(f"https://127.0.0.1:{self.port}/health", context=context, timeout=1) as answer:
                return b'"true"' in answer.read()
        except OSError:
            return False

    @property
    def login(self) -> str:
        return f"cert={self.files.cert('client')}&key={self.files.key('client')}"

    def empty(self) -> str:
        super().empty()
        return f"etcd://127.0.0.1:{self.port}?cacert={self.files.ca}&{self.login}"


class SecurePostgres(Postgres):
    """Lets in over TLS alone, with a client certificate."""

    def __init__(self) -> None:
        super().__init__()
        self.files: Certificates = certificates.make(self.directory / "tls", user=self.user, client="postgres")

    def install(self) -> None:
        super().install()
        access = "hostssl all all 127.0.0.1/32 cert\n"
        (self.data / "pg_hba.conf").write_text(access)

    def command(self) -> list[str]:
        files = self.files
        return [
            *super().command(), "-cssl=on", f"-cssl_ca_file={files.ca}", f"-cssl_cert_file={files.cert('server')}",
            f"-cssl_key_file={files.key('server')}",
        ]  # fmt: skip

    @property
    def base(self) -> str:
        return f"postgres://postgres@127.0.0.1:{self.port}/postgres"

    @property
    def login(self) -> str:
        return f"sslcert={self.files.cert('client')}&sslkey={self.files.key('client')}"

    def empty(self) -> str:
        self._number += 1
        return f"{self.base}?sslmode=verify-full&sslrootcert={self.files.ca}&{self.login}&schema=store{self._number}"


class SecureMariaDB(MariaDB):
    """Has a user that must show a certificate."""

    def __init__(self) -> None:
        super().__init__()
        self.files: Certificates = certificates.make(self.directory / "tls", user=self.user)

    def command(self) -> list[str]:
        files = self.files
        return [
            *super().command(), f"--ssl-ca={files.ca}", f"--ssl-cert={files.cert('server')}",
            f"--ssl-key={files.key('server')}",
        ]  # fmt: skip

    @property
    def login(self) -> str:
        return f"ssl-cert={self.files.cert('client')}&ssl-key={self.files.key('client')}"

    def base(self, database: str) -> str:
        return f"mysql://x@127.0.0.1:{self.port}/{database}"

    def empty(self) -> str:
        database = super().empty().rpartition("/")[2]
        self.sql(f"CREATE USER IF NOT EXISTS x REQUIRE X509; GRANT ALL ON {database}.* TO x")
        return f"{self.base(database)}?ssl-ca={self.files.ca}&{self.login}"
