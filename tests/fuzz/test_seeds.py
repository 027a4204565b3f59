"""Every target of `python -m fuzz` reads its own examples, so that a run starts from what is good."""

import importlib
from types import ModuleType

import pytest

from fuzz.__main__ import TARGETS


@pytest.fixture(params=TARGETS)
def target(request: pytest.FixtureRequest) -> ModuleType:
    return importlib.import_module(f"fuzz.{request.param}")


def test_seeds_are_no_findings_nor_are_their_halves(target: ModuleType) -> None:
    for seed in target.SEEDS:
        target.check(seed)
        target.check(seed[: len(seed) // 2])
    target.check(b"")
