"""A server whose admission is tested. Lets the tests of this folder import `admission_write`."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pynetes.apiserver.server import APIServer
from pynetes.component.pki import PKI
from tests.apiserver.endpoints.conftest import config_of, serving

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
async def server(files: PKI) -> AsyncIterator[APIServer]:
    async with serving(config_of(files, storage="memory:")) as server:
        yield server
