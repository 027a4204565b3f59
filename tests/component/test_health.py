"""Health groups answer as upstream's components do."""

from pynetes.component.health import PING, Check, HealthGroup


async def _bad() -> None:
    raise RuntimeError("disk full")


async def test_healthy_group_says_ok_and_lists_when_asked() -> None:
    group = HealthGroup("livez")
    assert await group.answer() == (200, "ok")
    assert await group.answer(verbose=True) == (200, "[+]ping ok\nlivez check passed\n")


async def test_failure_is_listed_without_its_reason() -> None:
    group = HealthGroup("readyz", [PING, Check("store", _bad)])
    assert await group.answer() == (500, "[+]ping ok\n[-]store failed: reason withheld\nreadyz check failed\n")
    assert await group.answer("store") == (500, "internal server error: disk full\n")
    assert await group.answer("ping") == (200, "ok")
    assert (await group.answer("none"))[0] == 404


async def test_excluded_checks_do_not_count_and_unknown_ones_are_told() -> None:
    group = HealthGroup("readyz", [PING, Check("store", _bad)])
    status, text = await group.answer(verbose=True, exclude=["store", "none"])
    assert status == 200
    assert "[+]store excluded: ok" in text
    assert 'no matches for "none"' in text
