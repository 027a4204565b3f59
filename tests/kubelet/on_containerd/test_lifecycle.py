"""The whole kubelet: a real API server in the process, a real containerd beside it."""

import pytest

pytestmark = [pytest.mark.root, pytest.mark.node]

SLEEP = {"name": "main", "command": ["sh", "-c", "trap 'exit 0' TERM; echo up; while :; do sleep 0.1; done"]}


async def test_a_pod_runs_shows_its_state_and_ends(kubelet, pods):
    await pods.create("one", {"containers": [dict(SLEEP)]})
    pod = await pods.wait(
        "one", lambda p: any(c["type"] == "Ready" and c["status"] == "True" for c in p["status"].get("conditions", []))
    )
    status = pod["status"]
    assert status["phase"] == "Running"
    assert status["podIP"].startswith("10.89.0.")
    await pods.delete("one")
    await pods.gone("one")
