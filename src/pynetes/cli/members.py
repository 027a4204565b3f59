"""`pynetes member`: the members of the managed etcd, seen from a control plane's machine."""

import asyncio
from typing import Any

import click

from pynetes.cli import etcd, etcdmember, settings, storeurl
from pynetes.cli.etcd import MemberConfig
from pynetes.cli.layout import Layout
from pynetes.cli.settings import SettingsError
from pynetes.storage import StoreUnavailable
from pynetes.storage.etcd.membership import MemberHealth

_COLUMNS = ("NAME", "ADDRESS", "STATE", "LAG", "SIZE", "VERSION")


async def survey(layout: Layout) -> list[MemberHealth]:
    """Every member and how it is; SettingsError if this machine has none, or no member answers."""
    try:
        async with etcdmember.membership(config_of(layout)) as cluster:
            return await cluster.survey()
    except StoreUnavailable as error:
        raise SettingsError(f"no member tells of the others: {error}") from None


def config_of(layout: Layout) -> MemberConfig:
    """This machine's member. SettingsError if it has none."""
    cluster = settings.load(layout)
    if cluster is None or not cluster.runs_control_plane:
        raise SettingsError("there is no control plane on this machine")
    if cluster.store != storeurl.ETCD:
        raise SettingsError(f"this cluster's store is {cluster.store}: there are members with --store etcd: only")
    return etcd.member_config(layout, cluster)


def state(health: MemberHealth) -> str:
    """In a few words."""
    words = [health.problem or ("leader" if health.leader else "learner" if health.member.learner else "ready")]
    return ", ".join([*words, *health.alarms])


def row(health: MemberHealth) -> tuple[str, ...]:
    member = health.member
    size = f"{health.db_in_use / 2**20:.0f}/{health.db_size / 2**20:.0f} MiB"
    return member.name, ",".join(member.addresses), state(health), str(health.lag), size, health.version


def list_command(layout: Layout) -> None:
    rows: list[Any] = [_COLUMNS, *map(row, asyncio.run(survey(layout)))]
    widths = [max(len(each[column]) for each in rows) for column in range(len(_COLUMNS))]
    for each in rows:
        click.echo("   ".join(text.ljust(width) for text, width in zip(each, widths, strict=True)).rstrip())


def remove_command(layout: Layout, name: str) -> None:
    config = config_of(layout)
    if name == config.name:
        raise SettingsError("this machine's own member goes with `pynetes purge`")
    asyncio.run(etcdmember.remove(config, name))
    click.echo(f'etcd member "{name}" removed')
