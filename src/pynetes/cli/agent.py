"""`pynetes agent`: makes this machine a node of a cluster that runs elsewhere, and starts it again later."""

import asyncio
from typing import Any

from msgspec.structs import replace

from pynetes.cli import cluster, join, readiness, supervisor, up
from pynetes.cli.join import JoinError
from pynetes.cli.layout import Layout
from pynetes.cli.progress import Progress
from pynetes.cli.settings import Settings, check_role, load, of_running
from pynetes.client import kubeconfig


def agent(layout: Layout, given: dict[str, Any], token: str | None, hashes: tuple[str, ...]) -> None:
    """Joins unless this machine has joined before; starts the node's processes and waits until it is ready."""
    progress = Progress()
    if supervisor.running_pid(layout.supervisor_pid) is not None:
        check_role(of_running(layout), "agent")
        progress.say("The node is up already: nothing was changed.")
        return
    given |= {"role": "agent", "api_server": _server(layout, given.pop("server"))}
    with progress.step("Check the machine") as step:
        settings = up.check(layout, given)
        step.result = f"node {settings.node_name}, {settings.node_ip}"
    if join.has_joined(layout, settings.node_name):
        layout.make()
    else:
        settings = _join(layout, settings, token, hashes, progress)
    with progress.step("Start the processes") as step:
        settings.save(layout.settings)
        cluster.prepare_blocking(layout, settings)
        up.start(layout, settings)
    try:
        asyncio.run(_wait(layout, settings, progress))
    except readiness.NotReady as error:
        raise up.UpError(f"{error}\nThe logs are in {layout.logs}. `pynetes down` ends what was started.") from None
    progress.say(f"Ready after {progress.elapsed:.1f} s.")


def _server(layout: Layout, given: str | None) -> str:
    existing = load(layout)
    server = given or (existing.api_server if existing else "")
    if not server:
        raise JoinError("which cluster? give --server and --token, as `pynetes server` prints them")
    return join.address(server)


def _join(
    layout: Layout, settings: Settings, text: str | None, hashes: tuple[str, ...], progress: Progress
) -> Settings:
    if not text:
        raise JoinError(
            "this machine has not joined yet, or its certificate has expired: give --token; "
            "`pynetes token create --print-join-command` on the server makes one"
        )
    token = join.parse_token(text)
    join.check_hashes(hashes)

    async def steps() -> Settings:
        with progress.step("Find the cluster") as step:
            config = await join.discover(settings.api_server, token, hashes)
            shared = await join.read_settings(config)
            config = replace(config, servers=await join.read_servers(config))
            step.result = settings.api_server
        joined = replace(settings, **shared)
        layout.make()
        with progress.step("Join") as step:
            await join.obtain_certificate(layout, joined, config)
            step.result = f"system:node:{joined.node_name}"
        return joined

    return asyncio.run(steps())


async def _wait(layout: Layout, settings: Settings, progress: Progress) -> None:
    client = kubeconfig.client_from_kubeconfig(layout.kubeconfig("kubelet"), "pynetes-agent")
    try:
        await up.wait_for_node(layout, settings, client, progress)
    finally:
        await client.close()
