"""Real database servers out of Debian's packages, on loopback, with their data in a directory of their own.

Each module is one engine: a class with `start`, `kill` (as a power switch would: kill -9 of all its processes),
`empty` (makes room for an empty store and gives its URL) and `close`. They take no root, but may be run by it.
"""

from tests.storage.engines.engine import Engine
from tests.storage.engines.etcd import Etcd
from tests.storage.engines.mariadb import MariaDB
from tests.storage.engines.postgres import Postgres
from tests.storage.engines.secure import SecureEtcd, SecureMariaDB, SecurePostgres

__all__ = ["Engine", "Etcd", "MariaDB", "Postgres", "SecureEtcd", "SecureMariaDB", "SecurePostgres"]
