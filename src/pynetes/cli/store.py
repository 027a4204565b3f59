"""`pynetes store snapshot` and `restore`: what the cluster holds, in a file and back.

The commands read the engine beside the API server, or without one; `storage.snapshot` says why, and why that is safe.
"""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import click
import orjson
from msgspec.structs import replace

from pynetes.cli import cluster, etcdrestore, settings, storeurl, supervisor
from pynetes.cli.layout import Layout
from pynetes.cli.settings import Settings, SettingsError
from pynetes.cli.storeurl import StoreChoice
from pynetes.storage import StoreError
from pynetes.storage import snapshot as snapshots
from pynetes.storage.snapshot import Restored, Taken, View

T = TypeVar("T")

#: The namespace whose uid is taken for the cluster's, as most tools do.
_IDENTITY = "/registry/core/namespaces/kube-system"


def snapshot(layout: Layout, file: Path, store: str | None, *, runs: bool | None = None) -> None:
    """Takes a snapshot of the cluster's store, or of another. `runs`: whether the cluster does, if that is known."""
    made = settings.load(layout)
    managed = made is not None and made.store == storeurl.ETCD and store is None
    if made is not None and managed and not (_runs(layout) if runs is None else runs):
        taken = _run(etcdrestore.with_member(layout, made, lambda url: _take(url, file)))
    else:
        taken = _run(_take(url_of(layout, store), file))
    header = taken.header
    click.echo(
        f"{file}: revision {header.revision} of the {header.engine} store, {taken.keys} keys, {taken.size} bytes."
    )
    click.echo(
        f"The certificates and keys in {layout.pki} are no part of it: without them, tokens and kubeconfigs of this"
        " cluster are worth nothing."
    )


async def _take(url: str, file: Path) -> Taken:
    async with snapshots.open_view(url) as view:
        return await snapshots.take(view, file, cluster=await _identity(view))


async def _identity(view: View) -> str:
    value = await snapshots.value_of(view, _IDENTITY)
    try:
        return str(orjson.loads(value or b"")["metadata"]["uid"])
    except (ValueError, LookupError, TypeError):
        return ""


def restore(layout: Layout, file: Path, store: str | None, *, overwrite: bool, switch: bool, bump: int) -> None:
    """Restores a snapshot to the cluster's store, or to another, to which the cluster may then be switched."""
    made = settings.load(layout)
    if _runs(layout):
        raise SettingsError(f"a cluster runs on {layout.data}: stop it with `pynetes down` first")
    if made is not None and not made.runs_control_plane:
        raise SettingsError("this machine is a node of another machine's cluster: restore where its control plane is")
    choice = storeurl.parse(store) if store else storeurl.load(layout)
    if switch and made is None:
        raise SettingsError(f"there is no cluster in {layout.data} to be switched: start one there with --store")
    restored = _run(_restore(layout, made, choice, file, overwrite=overwrite, bump=bump))
    header = restored.header
    click.echo(
        f"Restored {restored.keys} keys, revision {header.revision} of the {header.engine} store at {header.time}."
        f" The store goes on from revision {restored.revision}."
    )
    if made is None or choice.identity == made.store:
        return
    if switch:
        replace(made, store=choice.identity).save(layout.settings)
        storeurl.save(layout, choice)
        click.echo(f"The cluster in {layout.data} keeps its state in {choice.identity} from now on.")
    else:
        click.echo(f"The cluster in {layout.data} still keeps its state in {made.store}; --switch changes that.")


async def _restore(
    layout: Layout, made: Settings | None, choice: StoreChoice, file: Path, *, overwrite: bool, bump: int
) -> Restored:
    if not choice.managed:
        return await snapshots.restore(file, _plain_url(layout, choice), overwrite=overwrite, bump=bump)
    if made is None:
        raise SettingsError(
            "an etcd of our own needs the cluster's certificates: start a control plane here with --store etcd:, "
            "stop it with `pynetes down`, and restore with --overwrite"
        )
    made = replace(made, store=choice.identity)
    cluster.ensure_pki(layout, made)
    return await etcdrestore.restore(layout, made, file, overwrite=overwrite, bump=bump)


def url_of(layout: Layout, store: str | None) -> str:
    """The URL given, or that of the cluster on this disk."""
    if store is not None:
        choice = storeurl.parse(store)
        if choice.managed:
            raise SettingsError("--store etcd: names no hosts; without --store, it is the cluster's own store")
        return _plain_url(layout, choice)
    made = settings.load(layout)
    if made is not None and not made.runs_control_plane:
        raise SettingsError(
            "this machine is a node of another machine's cluster: the store is where its control plane is"
        )
    return cluster.storage_url(layout, made) if made is not None else _plain_url(layout, storeurl.load(layout))


def _plain_url(layout: Layout, choice: StoreChoice) -> str:
    return f"sqlite://{layout.database}" if choice.url == storeurl.SQLITE else choice.url


def _runs(layout: Layout) -> bool:
    return supervisor.running_pid(layout.supervisor_pid) is not None


def _run(work: Coroutine[Any, Any, T]) -> T:
    """SettingsError with the store's words."""
    try:
        return asyncio.run(work)
    except StoreError as error:
        raise SettingsError(str(error)) from None
