"""Fixtures for pytest, had by `pytest_plugins = ["pynetes.testing.fixtures"]` in the topmost conftest.py.

`cluster` is one for all tests of a process, `namespace` one of its namespaces for each test. A project that wants
other nodes or settings has a fixture `cluster` of its own.
"""

from collections.abc import Iterator

import pytest

from pynetes.testing.cluster import Cluster, started


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    with started() as made:
        yield made


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """Deleted after the test, which does not wait for that."""
    name = cluster.run(cluster.namespace())
    yield name
    cluster.run(cluster.delete_namespace(name))
