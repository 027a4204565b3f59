"""Nobody writes a role or binding that gives more than he has.

Upstream checks this in the registry of the four RBAC kinds; here it takes part as the first admission plugin.
"""

from pynetes.apiserver.admission.attributes import Attributes, Plugin
from pynetes.apiserver.authorization import escalation
from pynetes.apiserver.authorization.union import ClusterAuthorizer


class RBACEscalation(Plugin):
    name = "RBACEscalation"
    asks_only_kind = True

    def __init__(self, authorizer: ClusterAuthorizer) -> None:
        self._authorizer = authorizer

    def handles(self, attrs: Attributes) -> bool:
        return attrs.gvr.group == "rbac.authorization.k8s.io" and attrs.operation in ("CREATE", "UPDATE")

    async def validate(self, attrs: Attributes) -> None:
        assert attrs.obj is not None
        # The name of what is made is no part of the question, as upstream takes it from the request's path.
        named = attrs.old is not None or attrs.patch
        await escalation.check(self._authorizer, attrs.user, attrs.obj, attrs.old, named=named)
