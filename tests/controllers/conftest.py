"""Lets the tests of this folder import `controller_objects` and `controller_cluster`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import pytest


@pytest.fixture
async def cluster(tmp_path):
    """A control plane with all controllers and one hollow node."""
    from controller_cluster import running

    async with running(tmp_path) as made:
        yield made
