"""clusterrole-aggregation-controller: fills ClusterRoles that gather the rules of others (admin, edit, view)."""

from collections.abc import Iterable
from typing import Any

from pynetes.apimachinery import meta
from pynetes.apimachinery.selectors import from_label_selector
from pynetes.apis.names import CLUSTER_ROLES
from pynetes.controllers.base import BaseController
from pynetes.controllers.context import ControllerContext

Object = dict[str, Any]


class ClusterRoleAggregationController(BaseController):
    name = "clusterrole-aggregation-controller"
    queue_name = "ClusterRoleAggregator"
    account = "clusterrole-aggregation-controller"

    def __init__(self, context: ControllerContext) -> None:
        super().__init__(context, workers=1)
        self.roles = self.informer(CLUSTER_ROLES)
        self.roles.add_handler(self._changed, lambda old, new: self._changed(new), self._changed)

    def _changed(self, role: Object) -> None:
        """Any role may belong to any aggregate."""
        for other in self.roles.list():
            if selectors(other):
                self.queue.add(meta.key(other))

    async def sync(self, key: str) -> None:
        role = self.roles.get(key)
        if role is None or not selectors(role):
            return
        rules = aggregated_rules(role, self.roles.list())
        if rules != (role.get("rules") or []):
            await self.client.update(CLUSTER_ROLES, {**role, "rules": rules})


def selectors(role: Object) -> list[Object]:
    return (role.get("aggregationRule") or {}).get("clusterRoleSelectors") or []


def aggregated_rules(role: Object, roles: Iterable[Object]) -> list[Object]:
    """The rules of all other roles that the selectors choose: by name, each rule once."""
    others = sorted((other for other in roles if meta.name(other) != meta.name(role)), key=meta.name)
    found: list[Object] = []
    for selector in selectors(role):
        parsed = from_label_selector(selector)
        for other in others:
            if parsed.matches(meta.labels(other)):
                found += [rule for rule in other.get("rules") or () if rule not in found]
    return found
