"""Members of a managed etcd, as processes on loopback."""

import shutil
import subprocess
from pathlib import Path

from pynetes.cli import etcd, etcdkeeper, etcdmember
from pynetes.cli.etcd import MemberConfig
from pynetes.component import pki
from pynetes.component.pki import PKI, Node
from pynetes.storage.etcd.membership import MemberHealth
from tests.ports import free_port


class Member:
    """One control plane's member, with a PKI directory of its own. `first` gives it what a join would."""

    def __init__(self, directory: Path, name: str, first: "Member | None" = None, **options: int) -> None:
        keys = PKI(directory / name / "pki")
        if first is not None:
            (keys.directory / "etcd").mkdir(parents=True)
            for file in ("ca.crt", "ca.key"):
                shutil.copy(first.config.pki.directory / "etcd" / file, keys.directory / "etcd" / file)
        pki.ensure_etcd(keys, Node(name, ("127.0.0.1",)))
        members_file = directory / name / "members.json"
        self.config = MemberConfig(
            name,
            "127.0.0.1",
            directory / name / "data",
            keys,
            members_file,
            free_port(),
            free_port(),
            free_port(),
            **options,
        )
        if first is not None:
            etcd.save_members(members_file, etcd.load_members(first.config.members_file) or [first.config.own])
        self._log = directory / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        self._run(await etcdmember.prepare(self.config))

    def _run(self, words: list[str]) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def lose_data(self) -> None:
        self.kill()
        shutil.rmtree(self.config.data)

    async def round(self) -> None:
        """What the keeper does every few seconds."""
        await etcdkeeper.look_after(self.config)

    async def survey(self) -> list[MemberHealth]:
        async with etcdmember.membership(self.config) as cluster:
            return await cluster.survey()
