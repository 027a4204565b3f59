"""Nobody grants what he does not hold: the checks before a role or binding is written.

Free of them are system:masters, holders of the verb `escalate` on the role, and holders of `bind` on the role that a
binding refers to.
"""

from collections.abc import Sequence
from typing import Any

from pynetes.apimachinery import errors
from pynetes.apiserver.authentication.user import PRIVILEGED, UserInfo
from pynetes.apiserver.authorization import rules
from pynetes.apiserver.authorization.attributes import Attributes, decide
from pynetes.apiserver.authorization.rbac import GROUP, KINDS
from pynetes.apiserver.authorization.rules import Rule
from pynetes.apiserver.authorization.union import ClusterAuthorizer

_COLLECTOR_FIELDS = ("ownerReferences", "finalizers")


async def check(
    authorizer: ClusterAuthorizer,
    user: UserInfo,
    obj: dict[str, Any],
    old: dict[str, Any] | None = None,
    *,
    named: bool = True,
) -> None:
    """Raises a 403 `StatusError` if writing `obj` (over `old`) would give more rights than `user` has.

    For the four RBAC kinds, before admission; other kinds pass. `named`: the request's path has the role's name, so
    that `escalate` by that name counts.
    """
    kind = obj.get("kind") or ""
    if kind not in KINDS or PRIVILEGED in user.groups:
        return
    if old is not None and _only_collection_changed(obj, old):
        return
    if kind.endswith("Binding"):
        await _check_binding(authorizer, user, obj)
    else:
        await _check_role(authorizer, user, obj, old, named)


async def _check_role(
    authorizer: ClusterAuthorizer, user: UserInfo, role: dict[str, Any], old: dict[str, Any] | None, named: bool
) -> None:
    name, namespace = role["metadata"].get("name") or "", role["metadata"].get("namespace") or ""
    plural = role["kind"].lower() + "s"
    question = Attributes(user, "escalate", GROUP, "*", plural, namespace=namespace, name=name if named else "")
    if (await decide(authorizer, question)).allowed:
        return
    _confirm(authorizer, user, namespace, role.get("rules") or (), plural, name)
    if (_aggregates(role) or (old is not None and _aggregates(old))) and _missing(
        authorizer, user, namespace, rules.EVERYTHING
    ):
        why = "must have cluster-admin privileges to use the aggregationRule"
        raise errors.forbidden(f"{plural}.{GROUP}", name, why)


async def _check_binding(authorizer: ClusterAuthorizer, user: UserInfo, binding: dict[str, Any]) -> None:
    name, namespace = binding["metadata"].get("name") or "", binding["metadata"].get("namespace") or ""
    reference = binding.get("roleRef") or {}
    kind, role = reference.get("kind") or "", reference.get("name") or ""
    if kind in ("Role", "ClusterRole"):
        group = reference.get("apiGroup") or GROUP
        question = Attributes(user, "bind", group, "*", kind.lower() + "s", namespace=namespace, name=role)
        if (await decide(authorizer, question)).allowed:
            return
    try:
        granted = authorizer.rbac.rules_of((kind, namespace if kind == "Role" else "", role))
    except LookupError as error:
        if kind in ("Role", "ClusterRole"):
            # The original names the binding's resource, and the role's name.
            raise errors.not_found(f"{binding['kind'].lower()}s.{GROUP}", role) from error
        raise errors.internal(str(error.args[0])) from error
    _confirm(authorizer, user, namespace, granted, binding["kind"].lower() + "s", name)


def _confirm(
    authorizer: ClusterAuthorizer, user: UserInfo, namespace: str, granted: Sequence[Rule], plural: str, name: str
) -> None:
    missing = _missing(authorizer, user, namespace, granted)
    if missing:
        why = (
            f'user "{user.name}" (groups={rules.quoted(user.groups)}) is attempting to grant RBAC permissions '
            "not currently held:\n" + "\n".join(rules.describe(missing))
        )
        problem = authorizer.rbac.held(user, namespace).problem
        if problem:
            why += f"; resolution errors: [{problem}]"
        raise errors.forbidden(f"{plural}.{GROUP}", name, why)


def _missing(authorizer: ClusterAuthorizer, user: UserInfo, namespace: str, granted: Sequence[Rule]) -> list[Rule]:
    return rules.uncovered(authorizer.rbac.held(user, namespace).rules, granted)


def _aggregates(role: dict[str, Any]) -> bool:
    return bool((role.get("aggregationRule") or {}).get("clusterRoleSelectors"))


def _only_collection_changed(obj: dict[str, Any], old: dict[str, Any]) -> bool:
    """Whether only fields that lead to garbage collection differ: no rights can come from that."""
    return _without_collection(obj) == _without_collection(old)


def _without_collection(obj: dict[str, Any]) -> dict[str, Any]:
    hidden = (*_COLLECTOR_FIELDS, "managedFields", "resourceVersion", "generation")
    metadata = {key: value for key, value in obj["metadata"].items() if key not in hidden}
    return {**obj, "metadata": metadata}
