"""A server whose policies are written by tests, over HTTPS."""

from typing import Any

import pytest

from pynetes.apiserver.server import APIServer
from tests.apiserver.endpoints.conftest import Answer, Web, config, kubectl, web
from tests.apiserver.settling import settled

__all__ = ["config", "kubectl", "web"]

Object = dict[str, Any]

REGISTRATION = "/apis/admissionregistration.k8s.io/v1/"
NAMESPACED = "/api/v1/namespaces/default/"
CONFIG_MAPS = NAMESPACED + "configmaps"


def matching(*resources: str, operations: tuple[str, ...] = ("CREATE", "UPDATE"), **rule: Any) -> Object:
    """Constraints of one rule for the core group."""
    return {
        "resourceRules": [
            {
                "operations": list(operations),
                "apiGroups": [""],
                "apiVersions": ["v1"],
                "resources": list(resources),
                **rule,
            }
        ]
    }


class Cluster:
    """Writes through the server, and policies that take effect before they return."""

    def __init__(self, web: Web, server: APIServer) -> None:
        self.web = web
        self._server = server

    async def policy(self, kind: str, name: str = "p", **spec: Any) -> Any:
        """`kind` is Validating or Mutating; of config maps unless `matchConstraints` say otherwise."""
        body = {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": f"{kind}AdmissionPolicy",
            "metadata": {"name": name},
            "spec": {"matchConstraints": matching("configmaps"), **spec},
        }
        return await self.web("POST", f"{REGISTRATION}{kind.lower()}admissionpolicies", body)

    async def binding(self, kind: str, policy: str = "p", name: str = "b", **spec: Any) -> Any:
        body = {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": f"{kind}AdmissionPolicyBinding",
            "metadata": {"name": name},
            "spec": {"policyName": policy, **spec},
        }
        return await self.web("POST", f"{REGISTRATION}{kind.lower()}admissionpolicybindings", body)

    async def validating(self, *, binding: Object | None = None, name: str = "p", **spec: Any) -> None:
        answer = await self.policy("Validating", name, **spec)
        assert answer.status == 201, answer.body
        actions = {"validationActions": ["Deny"], **(binding or {})}
        answer = await self.binding("Validating", name, f"{name}-b", **actions)
        assert answer.status == 201, answer.body
        await self.settled()

    async def settled(self) -> None:
        """What was written is in force."""
        await settled(self._server)

    async def create(self, name: str = "a", *, query: str = "", **changes: Any) -> Answer:
        """A config map."""
        metadata = {"name": name, **changes.pop("metadata", {})}
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, **changes}
        return await self.web("POST", CONFIG_MAPS + query, body)


@pytest.fixture
def cluster(web: Web, server: APIServer) -> Cluster:
    return Cluster(web, server)
