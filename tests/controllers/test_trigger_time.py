"""From when on it counts how long endpoints took: the oldest change of readiness that they show anew."""

from pynetes.controllers.endpoints.trigger_time import ANNOTATION, TriggerTimes, annotate

SERVICE = {"metadata": {"namespace": "ns", "name": "web", "creationTimestamp": "2026-01-01T00:00:05Z"}}


def pod(name, since):
    conditions = [{"type": "Ready", "status": "True", "lastTransitionTime": since}] if since else []
    return {"metadata": {"name": name}, "status": {"conditions": conditions}}


def test_the_oldest_change_since_the_last_time():
    times = TriggerTimes()
    assert times.next(SERVICE, [pod("a", "2026-01-01T00:00:01Z")]) == "2026-01-01T00:00:05Z", "new: its creation"
    assert times.next(SERVICE, [pod("a", "2026-01-01T00:00:01Z")]) == ""
    changed = [pod("a", "2026-01-01T00:00:09Z"), pod("b", "2026-01-01T00:00:08Z"), pod("c", "")]
    assert times.next(SERVICE, changed) == "2026-01-01T00:00:08Z"
    assert times.next(SERVICE, changed) == ""
    times.forget("ns/web")
    assert times.next(SERVICE, changed) == "2026-01-01T00:00:05Z"


def test_the_annotation_comes_and_goes_and_leaves_the_object_itself_alone():
    slice_ = {"metadata": {"name": "web-1", "annotations": {"mine": "kept"}}, "endpoints": []}
    marked = annotate(slice_, "2026-01-01T00:00:08Z")
    assert marked["metadata"]["annotations"] == {"mine": "kept", ANNOTATION: "2026-01-01T00:00:08Z"}
    assert annotate(marked, "") == slice_
    assert slice_["metadata"]["annotations"] == {"mine": "kept"}
    assert "annotations" not in annotate({"metadata": {"name": "web-1"}}, "")["metadata"]
