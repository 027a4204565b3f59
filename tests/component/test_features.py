"""Feature gates: parsing and setting."""

import pytest

from pynetes.component.features import Feature, FeatureGates, parse

KNOWN = {"A": Feature(True), "B": Feature(False, "ALPHA"), "C": Feature(True, "BETA"), "L": Feature(True, locked=True)}


def test_flag_is_parsed() -> None:
    assert parse("A=true, B=false,") == {"A": True, "B": False}
    for wrong in ("A", "A=maybe"):
        with pytest.raises(ValueError):
            parse(wrong)


def test_gates_have_defaults_and_can_be_set() -> None:
    gates = FeatureGates(KNOWN)
    gates.set({"A": False, "AllAlpha": True})
    assert gates.all() == {"A": False, "B": True, "C": True, "L": True}


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"X": True}, "unrecognized feature gate: X"),
        ({"L": False}, "cannot set feature gate L to false, feature is locked to true"),
    ],
)
def test_unknown_and_locked_gates_are_refused(values: dict[str, bool], text: str) -> None:
    gates = FeatureGates(KNOWN)
    with pytest.raises(ValueError, match=text):
        gates.set({"A": False, **values})
    assert gates.enabled("A")
