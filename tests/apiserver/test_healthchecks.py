"""What the API server's health endpoints ask, and of whom."""

from types import SimpleNamespace

import pytest

from pynetes.apiserver import healthchecks
from pynetes.apiserver.config import APIServerConfig
from pynetes.component.health import Check, HealthGroup, answering
from pynetes.storage import open_store


async def endpoints(caches=(), encryption=None, stopping=False):
    registry = SimpleNamespace(stores=caches)
    step = Check("poststarthook/rbac/bootstrap-roles", answering)
    store = await open_store("memory://")
    try:
        found = healthchecks.checks(APIServerConfig(), store, registry, encryption, [step], lambda: stopping)
        return {name: await HealthGroup(name, checks).answer(verbose=True) for name, checks in found.items()}
    finally:
        await store.close()


def cache(name: str, ready: bool) -> SimpleNamespace:
    return SimpleNamespace(group_resource=name, cacher=SimpleNamespace(is_ready=ready))


async def test_only_readiness_asks_for_caches_and_for_the_end():
    told = await endpoints(caches=[cache("pods", False)], stopping=True)
    assert [told[name][0] for name in ("healthz", "livez", "readyz")] == [200, 200, 500]
    assert "informer-sync" not in told["livez"][1]
    assert "[-]informer-sync failed: reason withheld" in told["readyz"][1]
    assert "[-]shutdown failed: reason withheld" in told["readyz"][1]


@pytest.mark.parametrize("has_check", [True, False])
async def test_key_services_count_for_health_and_readiness_but_end_no_process(has_check):
    told = await endpoints(encryption=SimpleNamespace(has_check=has_check, check=answering))
    asked = [name for name, (_, text) in told.items() if "[+]kms-providers ok" in text]
    assert asked == (["healthz", "readyz"] if has_check else [])
    assert all("[+]poststarthook/rbac/bootstrap-roles ok" in text for _, text in told.values())
