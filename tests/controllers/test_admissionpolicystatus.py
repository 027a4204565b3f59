"""Warnings of type checking in the status of policies."""

from pathlib import Path
from typing import Any

from controller_cluster import running

from pynetes.apis.names import VALIDATING_ADMISSION_POLICIES

RULE = {"operations": ["CREATE"], "apiGroups": ["apps"], "apiVersions": ["v1"], "resources": ["deployments"]}


def policy(expression: str) -> dict[str, Any]:
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": "p"},
        "spec": {
            "matchConstraints": {"resourceRules": [RULE]},
            "validations": [{"expression": expression}],
        },
    }


async def test_policies_are_checked_when_they_change(tmp_path: Path) -> None:
    async with running(tmp_path, controllers=("validatingadmissionpolicy-status-controller",)) as cluster:
        created = await cluster.client.create(VALIDATING_ADMISSION_POLICIES, policy("object.spec.nothing == 1"))

        async def observed(generation: int) -> bool:
            found = await cluster.client.get(VALIDATING_ADMISSION_POLICIES, "p")
            return bool((found.get("status") or {}).get("observedGeneration") == generation)

        await cluster.eventually(lambda: observed(1))
        found = await cluster.client.get(VALIDATING_ADMISSION_POLICIES, "p")
        (warning,) = found["status"]["typeChecking"]["expressionWarnings"]
        assert warning["fieldRef"] == "spec.validations[0].expression"
        assert warning["warning"].startswith("apps/v1, Kind=Deployment: ERROR: <input>:1:12: undefined field 'nothing'")
        assert found["metadata"]["generation"] == created["metadata"]["generation"]

        found["spec"]["validations"][0]["expression"] = "object.spec.replicas == 1"
        await cluster.client.update(VALIDATING_ADMISSION_POLICIES, found)
        await cluster.eventually(lambda: observed(2))
        found = await cluster.client.get(VALIDATING_ADMISSION_POLICIES, "p")
        assert found["status"]["typeChecking"] == {}
