"""The command line answers without importing what its commands run."""

import subprocess
import sys

_SCRIPT = """
import sys
from click.testing import CliRunner
from pynetes.cli import single
from pynetes.cli.main import main

def shown(*arguments):
    found = CliRunner().invoke(main, [*arguments, "--help"])
    assert found.exit_code == 0, found.output
    return " ".join(found.output.split())

whole = shown()
assert not any(name.startswith("pynetes.cli.single.") for name in sys.modules)
for name, text in single.TEXTS.items():
    assert f"{name} {text[:20]}" in whole, name
    assert text in shown(name), name
print(*sorted({"aiohttp", "asyncpg", "cryptography", "grpc", "numpy", "pyroute2", "uvloop"} & sys.modules.keys()))
"""


def test_helps_of_all_components_come_without_a_component() -> None:
    done = subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.returncode) == ("", 0), done.stderr
