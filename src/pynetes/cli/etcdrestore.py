"""The managed etcd while its cluster is stopped: read by a member that runs for it, restored as a new etcd.

A restored etcd is a new one of a single member, on this machine: it is built beside the old data and takes their place
when it is whole. The other control planes' members belong to the old one: they purge and join again, as they do after
`etcdctl snapshot restore`.
"""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from msgspec.structs import replace

from pynetes.cli import etcd, etcdmember
from pynetes.cli.etcd import EtcdError, MemberConfig
from pynetes.cli.layout import Layout
from pynetes.cli.settings import Settings, SettingsError
from pynetes.storage import StoreUnavailable, snapshot
from pynetes.storage.etcd.membership import Membership
from pynetes.storage.opening import open_patiently
from pynetes.storage.snapshot import Restored, StoreNotEmpty

T = TypeVar("T")

_START_SECONDS = 60.0
_STOP_SECONDS = 10.0


async def with_member(layout: Layout, settings: Settings, work: Callable[[str], Awaitable[T]]) -> T:
    """Runs this machine's member for the time of `work`, which is given the store's URL."""
    config = etcd.member_config(layout, settings)
    if not config.has_data:
        raise SettingsError(f"there are no data of an etcd member in {config.data}")
    async with _running(config, etcd.command(config, "", "existing"), layout.logs / "etcd.log"):
        return await work(etcd.url(config))


async def restore(layout: Layout, settings: Settings, file: Path, *, overwrite: bool, bump: int) -> Restored:
    """StoreError, SettingsError: the old member is as it was."""
    config = etcd.member_config(layout, settings)
    if config.has_data and not overwrite:
        raise StoreNotEmpty(str(config.data))
    await _see_no_other(config)
    new = replace(config, data=config.data.with_name(config.data.name + ".restoring"))
    shutil.rmtree(new.data, ignore_errors=True)
    try:
        new.data.mkdir(mode=0o700, parents=True)
        alone = f"{new.name}={new.peer_url}"
        async with _running(new, etcd.command(new, alone, "new"), layout.logs / "etcd.log"):
            restored = await snapshot.restore(file, _alone(new), bump=bump)
        _replace(new.data, config)
        return restored
    finally:
        shutil.rmtree(new.data, ignore_errors=True)


def _replace(data: Path, config: MemberConfig) -> None:
    old = config.data.with_name(config.data.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if config.data.exists():
        config.data.rename(old)
    # Who knows of no members is the first.
    config.members_file.unlink(missing_ok=True)
    data.rename(config.data)
    shutil.rmtree(old, ignore_errors=True)


async def _see_no_other(config: MemberConfig) -> None:
    """SettingsError while another control plane's member runs: two clusters of one name would go on."""
    for address in etcd.others(config):
        async with Membership([address], etcdmember.client_tls(config.pki)) as other:
            try:
                await other.alarms()
            except StoreUnavailable:
                continue
        raise SettingsError(f"etcd's member at {address} runs: stop the other control planes first")


@asynccontextmanager
async def _running(config: MemberConfig, words: list[str], log: Path) -> AsyncIterator[None]:
    """This member's etcd, until the block ends."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        try:
            process = await asyncio.create_subprocess_exec(
                *words, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        except FileNotFoundError:
            raise EtcdError("etcd is not installed: it is Debian's package etcd-server") from None
    try:
        opened = await open_patiently(_alone(config), _START_SECONDS)
        await opened.close()
        yield
    except StoreUnavailable as error:
        if process.returncode is not None:
            raise EtcdError(f"etcd ended with exit code {process.returncode}, see {log}") from error
        raise
    finally:
        await _stop(process)


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


def _alone(config: MemberConfig) -> str:
    """The URL of this member and no other."""
    pki, pair = config.pki, config.pki.apiserver_etcd_client
    return f"etcd://{config.client}?cacert={pki.etcd_ca.certificate}&cert={pair.certificate}&key={pair.key}"
