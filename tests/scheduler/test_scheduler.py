"""What the scheduler writes of pods that it could not place."""

from datetime import UTC, datetime

from pynetes.scheduler.scheduler import unscheduled

NOW = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
CONDITION = {
    "type": "PodScheduled",
    "status": "False",
    "reason": "Unschedulable",
    "message": "0/1 nodes are available",
    "observedGeneration": 3,
    "lastTransitionTime": "2024-01-02T03:04:05Z",
}


def test_the_condition_tells_of_the_generation_and_keeps_the_time_of_the_first_failure():
    pod = {"metadata": {"name": "p", "generation": 3}, "status": {"phase": "Pending"}}
    assert unscheduled(pod, CONDITION["message"], "n1", NOW) == {"conditions": [CONDITION], "nominatedNodeName": "n1"}
    since = {**CONDITION, "lastTransitionTime": "2024-01-01T00:00:00Z", "observedGeneration": 2}
    pod["status"] |= {"conditions": [since], "nominatedNodeName": "n1"}
    kept = {**CONDITION, "lastTransitionTime": "2024-01-01T00:00:00Z"}
    assert unscheduled(pod, CONDITION["message"], "", NOW) == {"conditions": [kept], "nominatedNodeName": None}
    pod["status"] = {"conditions": [kept]}
    assert unscheduled(pod, CONDITION["message"], "", NOW) == {}
