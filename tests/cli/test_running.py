"""A component's process: what it sets up before it runs."""

import subprocess
import sys

_SCRIPT = """
import resource
from pynetes.cli.running import run_component

most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (64, most))

async def main():
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (most, most)
    print("ran")

run_component(main)
"""


def test_a_component_may_open_as_many_files_as_there_may_be() -> None:
    done = subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("ran\n", 0), done.stderr


_GARBAGE = """
import asyncio, gc
from pynetes.cli import running

running._START_SECONDS = 0.01

async def main():
    assert not gc.isenabled()
    await asyncio.sleep(0.05)
    print(gc.isenabled(), gc.get_freeze_count() > 10_000)

running.run_component(main)
"""


def test_garbage_is_collected_once_a_component_has_started() -> None:
    done = subprocess.run([sys.executable, "-c", _GARBAGE], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("True True\n", 0), done.stderr
