"""Flow control's own objects are brought back to what they have to be, unless somebody has taken them over."""

from typing import Any

import pytest

from pynetes.apis.flowcontrol.mandatory import AUTO_UPDATE, MANDATORY_LEVELS, SUGGESTED_LEVELS
from pynetes.apiserver.bootstrap.flowcontrol import revised

Object = dict[str, Any]
SUGGESTED = SUGGESTED_LEVELS[0]
EXEMPT = MANDATORY_LEVELS[0]
OTHER: Object = {"type": "Limited", "limited": {"nominalConcurrencyShares": 99}}


def present(wanted: Object, spec: Object, stated: str | None = "true", generation: int = 2) -> Object:
    annotations = {} if stated is None else {AUTO_UPDATE: stated}
    metadata = {"name": wanted["metadata"]["name"], "annotations": annotations, "generation": generation}
    return {**wanted, "metadata": metadata, "spec": spec}


@pytest.mark.parametrize(
    ("stated", "generation", "always", "follows"),
    [
        ("true", 2, False, True),
        ("false", 1, False, False),
        (None, 1, False, True),
        (None, 2, False, False),
        ("maybe", 2, False, False),
        ("false", 2, True, True),
    ],
)
def test_who_is_followed(stated: str | None, generation: int, always: bool, follows: bool) -> None:
    found = revised(present(SUGGESTED, OTHER, stated, generation), SUGGESTED, always=always)
    told = "true" if follows else "false"
    if found is None:
        assert (stated, follows) == ("false", False)
        return
    assert found["spec"] == (SUGGESTED["spec"] if follows else OTHER)
    assert found["metadata"]["annotations"] == {AUTO_UPDATE: told}


def test_what_is_so_is_left_alone() -> None:
    assert revised(present(SUGGESTED, SUGGESTED["spec"]), SUGGESTED, always=False) is None


def test_shares_of_the_exempt_level_are_kept() -> None:
    chosen = {**EXEMPT["spec"], "exempt": {"nominalConcurrencyShares": 9, "lendablePercent": 50}}
    assert revised(present(EXEMPT, chosen), EXEMPT, always=True) is None
