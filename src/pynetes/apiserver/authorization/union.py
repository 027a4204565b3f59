"""All authorizers in their order: system:masters, then those of the configuration."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from pynetes.apimachinery.errors import aggregate
from pynetes.apimachinery.gvk import GroupVersionResource
from pynetes.apis import names
from pynetes.apiserver.authentication.user import PRIVILEGED, UserInfo
from pynetes.apiserver.authorization.abac import ABAC, Policy
from pynetes.apiserver.authorization.always import AlwaysAllow, AlwaysDeny
from pynetes.apiserver.authorization.attributes import ALLOW, Attributes, Authorizer, Decision
from pynetes.apiserver.authorization.node import NodeAuthorizer
from pynetes.apiserver.authorization.rbac import RBAC
from pynetes.apiserver.authorization.rules import Held, Rule, RuleResolver
from pynetes.apiserver.authorization.webhook import WebhookAuthorizer
from pynetes.apiserver.objects import Change
from pynetes.component import metrics

#: What the authorizers must be told about, roles first: feed `ClusterAuthorizer.observe` with all objects and changes.
OBSERVED: tuple[GroupVersionResource, ...] = (
    names.CLUSTER_ROLES,
    names.CLUSTER_ROLE_BINDINGS,
    names.ROLES,
    names.ROLE_BINDINGS,
    names.PODS,
    names.PERSISTENT_VOLUMES,
    names.VOLUME_ATTACHMENTS,
    names.RESOURCE_SLICES,
)


_decisions = metrics.counter(
    "apiserver_authorization_decisions_total",
    "Total number of terminal decisions made by an authorizer split by authorizer type, name, and decision.",
    ("type", "name", "decision"),
)


class ClusterAuthorizer:
    """The chain of upstream's --authorization-mode with the privileged group before it.

    `chain` has modes' names and webhooks in the order in which they are asked. RBAC's rules are known even if it is
    not among them; `policies` are ABAC's.
    """

    def __init__(
        self,
        *first: Authorizer,
        chain: Sequence[str | Authorizer] = ("Node", "RBAC"),
        policies: Sequence[Policy] = (),
    ) -> None:
        self.rbac = RBAC()
        self.node = NodeAuthorizer()
        self._first = first
        self._own: dict[str, Authorizer] = {
            "ABAC": ABAC(policies),
            "AlwaysAllow": AlwaysAllow(),
            "AlwaysDeny": AlwaysDeny(),
            "Node": self.node,
            "RBAC": self.rbac,
        }
        self.use(chain)

    def use(self, chain: Sequence[str | Authorizer]) -> None:
        """Asks these from here on."""
        self._authorizers = (*self._first, *(self._own[each] if isinstance(each, str) else each for each in chain))
        named = [*((type(each).__name__, "") for each in self._first), *map(_named, chain)]
        self._allowed = [_decisions.labels(*names, "allowed") for names in named]
        self._denied = [_decisions.labels(*names, "denied") for names in named]

    def authorize(self, attrs: Attributes) -> Decision:
        if PRIVILEGED in attrs.user.groups:
            return ALLOW
        reasons: list[str] = []
        for place, authorizer in enumerate(self._authorizers):
            decision = authorizer.authorize(attrs)
            if decision.allowed or decision.denied:
                return self._terminal(place, decision)
            if decision.ask is not None or decision.error:
                return Decision(False, ask=partial(self._ask, attrs, place, decision, reasons))
            if decision.reason:
                reasons.append(decision.reason)
        return Decision(False, reason="\n".join(reasons))

    async def _ask(self, attrs: Attributes, place: int, decision: Decision, reasons: Sequence[str]) -> Decision:
        """The rest of the chain from an authorizer that does not answer from memory, or has failed."""
        reasons, errors = list(reasons), []
        while True:
            if decision.ask is not None:
                decision = await decision.ask()
            if decision.allowed or decision.denied:
                return self._terminal(place, decision)
            if decision.reason:
                reasons.append(decision.reason)
            if decision.error:
                errors.append(decision.error)
            place += 1
            if place == len(self._authorizers):
                break
            decision = self._authorizers[place].authorize(attrs)
        return Decision(False, reason="\n".join(reasons), error=aggregate(errors))

    def _terminal(self, place: int, decision: Decision) -> Decision:
        (self._allowed if decision.allowed else self._denied)[place].inc()
        return decision

    def held(self, user: UserInfo, namespace: str) -> Held:
        """What all of the chain know of a user's rights in a namespace."""
        rules: list[Rule] = []
        incomplete, problems = False, []
        for authorizer in self._authorizers:
            if isinstance(authorizer, RuleResolver):
                found = authorizer.held(user, namespace)
                rules += found.rules
                incomplete |= found.incomplete
                problems += [found.problem] if found.problem else []
        return Held(rules, incomplete, aggregate(problems))

    def observe(self, change: Change, obj: dict[str, Any]) -> None:
        self.rbac.observe(change, obj)
        self.node.observe(change, obj)


def _named(link: str | Authorizer) -> tuple[str, str]:
    """Type and name, as metrics tell authorizers apart."""
    if isinstance(link, str):
        return link, link.lower()
    return "Webhook", link.name if isinstance(link, WebhookAuthorizer) else ""
