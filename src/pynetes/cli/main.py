"""The `pynetes` command."""

import gc
from typing import Any

import click

from pynetes import KUBERNETES_VERSION, __version__
from pynetes.cli import single
from pynetes.cli.commands import cluster, machines, member, node, store, token

_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 110}


class _Commands(click.Group):
    """Knows the commands of components by name, and imports one only when it is called: each brings its libraries."""

    def __call__(self, *args: Any, **extra: Any) -> Any:
        gc.disable()  # what a process imports is no garbage; components collect theirs once they have started
        return super().__call__(*args, **extra)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*super().list_commands(ctx), *single.TEXTS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return single.load(cmd_name) if cmd_name in single.TEXTS else super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        space = formatter.width - 6 - max(map(len, self.list_commands(ctx)))
        texts = {name: found.get_short_help_str(space) for name, found in sorted(self.commands.items())}
        with formatter.section("Commands"):
            formatter.write_dl([*texts.items(), *single.TEXTS.items()])


@click.group(cls=_Commands, context_settings=_CONTEXT)
@click.version_option(__version__, message=f"pynetes %(version)s, Kubernetes {KUBERNETES_VERSION}")
def main() -> None:
    """Kubernetes, whole, in Python.

    One machine: `up` starts a cluster, `status` shows it, `down` stops it, `purge` removes it. `up --masters 3
    --nodes 3` makes one of several hosts on this machine, for trying what happens when they fail (`node`).

    Several machines: `server` on the first prints the commands that make others nodes (`agent`) or further control
    planes (`server`); docs/several-machines.md leads from one to the other.

    Every component also runs alone, with the flags of the original it stands for.
    """


for _command in (
    cluster.up_command,
    cluster.status_command,
    cluster.down_command,
    cluster.purge_command,
    machines.server_command,
    machines.agent_command,
    token.token_command,
    member.member_command,
    node.node_command,
    store.store_command,
):
    main.add_command(_command)

if __name__ == "__main__":
    main()
