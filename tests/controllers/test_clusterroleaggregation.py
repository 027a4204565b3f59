"""ClusterRoles that gather the rules of others."""

from pathlib import Path
from typing import Any

from controller_cluster import running

from pynetes.apis.names import CLUSTER_ROLES
from pynetes.controllers.clusterroleaggregation import aggregated_rules


def role(name: str, *verbs: str, **labels: str) -> dict[str, Any]:
    rules = [{"verbs": [verb], "apiGroups": [""], "resources": ["pods"]} for verb in verbs]
    return {"metadata": {"name": name, "labels": labels}, "rules": rules}


def gathering(name: str, *label_sets: dict[str, str], **labels: str) -> dict[str, Any]:
    selectors = [{"matchLabels": found} for found in label_sets]
    return {**role(name, **labels), "aggregationRule": {"clusterRoleSelectors": selectors}}


def verbs(rules: list[dict[str, Any]]) -> list[str]:
    return [rule["verbs"][0] for rule in rules]


def test_rules_come_by_name_and_once():
    admin = gathering("admin", {"to": "admin"})
    roles = [role("b", "list", "get", to="admin"), role("a", "get", "watch", to="admin"), role("c", "delete", to="x")]
    assert verbs(aggregated_rules(admin, [*roles, admin])) == ["get", "watch", "list"]


def test_a_role_does_not_gather_itself():
    own = {**gathering("own", {"to": "own"}, to="own"), "rules": role("x", "get")["rules"]}
    assert aggregated_rules(own, [own]) == []


def test_several_selectors_add_up():
    both = gathering("both", {"to": "a"}, {"to": "b"})
    roles = [role("one", "get", to="b"), role("two", "list", to="a")]
    assert verbs(aggregated_rules(both, roles)) == ["list", "get"]


async def test_admin_gets_the_rules_of_edit_which_gets_those_of_view(tmp_path: Path) -> None:
    async with running(tmp_path, controllers=("clusterrole-aggregation-controller",)) as cluster:

        async def filled() -> bool:
            found = await cluster.client.get(CLUSTER_ROLES, "admin")
            gathered = {resource for rule in found.get("rules") or () for resource in rule.get("resources") or ()}
            return {"pods/log", "pods/exec", "rolebindings"} <= gathered

        await cluster.eventually(filled)
