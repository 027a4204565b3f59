"""A machine with a cluster for each test that asks for one. A test that fails tells what its machines' logs said at
last: they go with the machines, and CI keeps only output."""

from collections.abc import Generator, Iterator

import pytest

from tests.e2e import cluster


@pytest.fixture
def machine() -> Iterator[cluster.Machine]:
    with cluster.up() as machine:
        yield machine


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    cluster.last_words.clear()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:  # a fixture that failed has closed its machines already
        tails = cluster.last_words | {machine.directory: machine.tails() for machine in cluster.running}
        report.sections += [(f"logs below {directory}", text) for directory, text in tails.items() if text]
    return report
