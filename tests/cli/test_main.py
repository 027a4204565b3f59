"""The command line imports no more than it needs."""

import subprocess
import sys

import pytest

_HELPS = """
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
    told = shown(name)
    assert text in told, name
    assert "-v, --v INTEGER" in told, "manifests of the original say --v=2"
print(*sorted({"aiohttp", "asyncpg", "cryptography", "grpc", "numpy", "pyroute2", "uvloop"} & sys.modules.keys()))
"""


_IMPORTS = """
import os, ssl
before, made, make = dict(os.environ), [], ssl.create_default_context

def noted():
    made.append(make())
    return made[-1]

ssl.create_default_context = noted
import pynetes.cli.{module}
assert made and os.environ == before
print(*(context.cert_store_stats()["x509"] for context in made))
"""


def test_helps_of_all_components_come_without_a_component() -> None:
    done = subprocess.run([sys.executable, "-c", _HELPS], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.returncode) == ("", 0), done.stderr


@pytest.mark.parametrize("module", ["components", "up", "server", "status"])
def test_no_process_reads_the_authorities_of_the_machine_in_passing(module: str) -> None:
    script = _IMPORTS.format(module=module)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.returncode) == ("0", 0), done.stderr
