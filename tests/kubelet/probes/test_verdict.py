import pytest

from pynetes.kubelet.probes.verdict import Verdict


@pytest.mark.parametrize(
    ("kind", "answers", "expected"),
    [
        ("readiness", "F", [None]),
        ("readiness", "FFF", [None, None, "failure"]),
        ("readiness", "FFTFF", [None, None, "success", None, None]),
        ("readiness", "T", ["success"]),
        ("liveness", "FFF", [None, None, "failure"]),
        ("startup", "FFF", [None, None, "failure"]),
    ],
)
def test_thresholds(kind, answers, expected):
    verdict = Verdict(kind)
    assert [verdict.add(answer == "T") for answer in answers] == expected


def test_readiness_may_ask_for_several_successes():
    verdict = Verdict("readiness", success_threshold=2)
    assert [verdict.add(True), verdict.add(True)] == [None, "success"]


@pytest.mark.parametrize(
    ("kind", "healthy", "held"),
    [("liveness", False, True), ("liveness", True, False), ("startup", True, True), ("readiness", False, False)],
)
def test_probing_stops_when_there_is_nothing_more_to_learn(kind, healthy, held):
    verdict = Verdict(kind, failure_threshold=1)
    verdict.add(healthy)
    assert verdict.on_hold is held
    verdict.new_container()
    assert not verdict.on_hold
