"""`pynetes status`: the whole cluster on one screen, or as JSON; exit code 1 unless all is well.

A section a file: `masters`, `leaders`, `store`, `nodes`, `pods`, `dns`, `certs`, `machine`. Each has pure
functions from what was seen to a section's data and its remarks (what is wrong, and what to do about it). `view` asks
for everything at once, each question with a time limit, so that a dead part says so and holds nothing up; `screen`
shows it.
"""

import asyncio
import json

from pynetes.cli.layout import Layout
from pynetes.cli.status import hosts
from pynetes.cli.status.remarks import BAD, worst
from pynetes.cli.status.view import collect


def show(layout: Layout, output: str) -> bool:
    """Prints the status; whether all is well."""
    found = asyncio.run(collect(layout, hosts.read(layout)))
    if output == "json":
        print(json.dumps(found.document(), indent=2))
    else:
        from pynetes.cli.status import screen

        screen.show(found)
    return found.running and worst(found.remarks) != BAD
