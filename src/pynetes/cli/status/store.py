"""The store: which engine, how it is, how large; with an etcd of our own, every member."""

import asyncio
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field, to_builtins

from pynetes.cli.layout import Layout
from pynetes.cli.settings import Settings
from pynetes.cli.status.remarks import BAD, WARN, Remark

if TYPE_CHECKING:
    from pynetes.cli.etcd import MemberConfig
    from pynetes.storage.etcd.membership import MemberHealth
    from pynetes.storage.status import StoreStatus

Object = dict[str, Any]

SECTION = "store"
SECONDS = 3.0
#: `--store` of an etcd of our own.
ETCD, _SQLITE = "etcd:", "sqlite:"
#: Of a disk; below, things begin to fail.
_LEAST_FREE, _LEAST_BYTES = 0.1, 2**30
#: Raft entries: a member so far behind is catching up.
_LAG = 1000


class Member(Struct, frozen=True):
    name: str
    address: str
    state: str
    """leader, ready, learner, or what is wrong."""
    healthy: bool
    lag: int | None = None
    size: int | None = None
    alarms: tuple[str, ...] = ()


class StoreView(Struct, frozen=True):
    """Sizes are bytes, None where unknown; `free` and `disk` those of the file system that it lies on."""

    engine: str
    location: str
    size: int | None = None
    free: int | None = None
    disk: int | None = None
    revision: int | None = None
    members: list[Member] = field(default_factory=list)
    problem: str = ""

    def document(self) -> Object:
        found: Object = to_builtins(self)
        return found


async def look(layout: Layout, settings: Settings, *, data: Path) -> StoreView:
    """Of a control plane's machine. `data` is where its state lies."""
    free = _disk(data)
    if settings.store == ETCD:
        return await _etcd(layout, settings, free)
    if settings.store.startswith(_SQLITE):
        path = Path(settings.store.removeprefix(_SQLITE) or layout.database)
        return StoreView("sqlite", str(path), _size_of(path), *_disk(path.parent))
    return await _elsewhere(layout, settings)


async def _elsewhere(layout: Layout, settings: Settings) -> StoreView:
    """Somebody else's etcd or database: how it is, without counting its keys."""
    from pynetes.cli import storeurl
    from pynetes.storage.opening import dialect, engine_of, etcd_members, located
    from pynetes.storage.status import StoreStatus, database, etcd

    try:
        with located(storeurl.load(layout).url) as location:
            status = StoreStatus(engine_of(location), str(location), in_use=True)
            async with asyncio.timeout(SECONDS):
                if status.engine == "etcd":
                    found = etcd_members(location)
                    await etcd.look(found.addresses, found.tls, status)
                else:
                    await database.look(dialect(location), status)
    except TimeoutError:
        return StoreView(settings.store.partition(":")[0], settings.store, problem=f"no answer within {SECONDS:g} s")
    replication = _replication(status)
    return StoreView(
        status.engine,
        status.where + replication,
        status.size or None,
        members=[member(health) for health in status.members],
        problem="; ".join([status.error, *status.problems] if status.error else status.problems),
    )


def _replication(status: "StoreStatus") -> str:
    found = status.replication
    if found is None or found.role == "alone":
        return ""
    return f" ({', '.join([found.role, *(f'standby {name}' for name in found.standbys)])})"


def _size_of(path: Path) -> int | None:
    """With what is not yet worked into the file."""
    sizes = [each.stat().st_size for each in (path, path.with_name(f"{path.name}-wal")) if each.exists()]
    return sum(sizes) if sizes else None


def _disk(path: Path) -> tuple[int | None, int | None]:
    try:
        usage = shutil.disk_usage(path)
    except OSError:
        return None, None
    return usage.free, usage.total


async def _etcd(layout: Layout, settings: Settings, disk: tuple[int | None, int | None]) -> StoreView:
    from pynetes.cli import etcd, etcdmember
    from pynetes.storage import StoreUnavailable

    config = etcd.member_config(layout, settings)
    try:
        async with asyncio.timeout(SECONDS), etcdmember.membership(config) as cluster:
            found = [member(health) for health in await cluster.survey()]
        size = max((each.size or 0 for each in found), default=0)
        return StoreView("etcd", "a member on every control plane's machine", size, *disk, members=found)
    except StoreUnavailable as error:
        problem = str(error)
    except TimeoutError:
        problem = f"no answer within {SECONDS:g} s"
    known = await _known(config)
    return StoreView("etcd", "a member on every control plane's machine", None, *disk, members=known, problem=problem)


async def _known(config: "MemberConfig") -> list[Member]:
    """The members as they were written down, and which of them can be reached: for when they have no quorum."""
    from pynetes.cli import etcd

    known = etcd.load_members(config.members_file) or [config.own]
    addresses = [(each.name, each.addresses[0]) for each in known if each.addresses]
    reached = await asyncio.gather(*(_reached(address) for _, address in addresses))
    return [
        Member(name, address, "it listens" if ok else "it does not answer", ok)
        for (name, address), ok in zip(addresses, reached, strict=True)
    ]


async def _reached(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        async with asyncio.timeout(1.0):
            _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


def member(health: "MemberHealth") -> Member:
    role = "leader" if health.leader else "learner" if health.member.learner else "ready"
    return Member(
        health.member.name or "(not started)",
        next(iter(health.member.addresses), ""),
        _short(health.problem) or role,
        health.healthy,
        health.lag if health.healthy else None,
        health.db_size if health.healthy else None,
        health.alarms,
    )


def _short(problem: str) -> str:
    """gRPC tells a failed connection at length; its last words are the system's."""
    if "failed to connect" not in problem:
        return problem
    return f"does not answer ({problem.rpartition(': ')[2].lower()})"


def remarks(view: StoreView) -> list[Remark]:
    said = []
    dead = [each for each in view.members if not each.healthy]
    if view.problem:
        needed = len(view.members) // 2 + 1
        what = f"{view.engine} does not answer: {view.problem}"
        remedy = f"{needed} of its {len(view.members)} members must run" if view.members else ""
        said.append(Remark(BAD, SECTION, what, remedy))
    else:
        said += [
            Remark(BAD, SECTION, f"member {each.name}: {each.state}", _remedy(each, view.members)) for each in dead
        ]
    for each in view.members:
        said += _member_remarks(each)
    return [*said, *_disk_remarks(view)]


def _remedy(dead: Member, members: Iterable[Member]) -> str:
    total = len(list(members))
    left = sum(1 for each in members if each.healthy) - (total // 2 + 1)
    spare = "one more may fail" if left == 1 else f"{left} more may fail" if left else "none more may fail"
    return f"start its machine again, or `pynetes member remove {dead.name}` if it is gone for good; {spare}"


def _member_remarks(each: Member) -> Iterable[Remark]:
    if "NOSPACE" in each.alarms:
        remedy = "delete what is not needed: room is made by itself within minutes"
        yield Remark(BAD, SECTION, f"member {each.name} is full and takes no writes", remedy)
    elif each.alarms:
        yield Remark(BAD, SECTION, f"member {each.name}: {', '.join(each.alarms)}", "restore a snapshot")
    if each.healthy and (each.lag or 0) > _LAG:
        yield Remark(WARN, SECTION, f"member {each.name} is {each.lag} entries behind", "it catches up by itself")


def _disk_remarks(view: StoreView) -> Iterable[Remark]:
    if view.free is None or not view.disk:
        return
    if view.free < min(_LEAST_BYTES, _LEAST_FREE * view.disk):
        level = BAD if view.free < 0.02 * view.disk else WARN
        free = f"{view.free / 2**20:.0f} MiB of {view.disk / 2**20:.0f} MiB are free on its disk"
        yield Remark(level, SECTION, free, "make room: a full disk stops all writes")
