"""Table columns of the group. Roles show name and creation time only, as upstream's."""

from typing import Any

from pynetes.apis.resource import AGE, NAME, Column, Object

# Upstream's table has the texts of an earlier version.
_ROLE = "RoleRef can {} the global namespace. If the RoleRef cannot be resolved, the Authorizer must return an error."
_ROLES = {
    "ClusterRoleBinding": _ROLE.format("only reference a ClusterRole in"),
    "RoleBinding": _ROLE.format("reference a Role in the current namespace or a ClusterRole in"),
}


def _role(binding: Object) -> str:
    reference = binding.get("roleRef") or {}
    return f"{reference.get('kind') or ''}/{reference.get('name') or ''}"


def _subjects(kind: str) -> Any:
    def cell(binding: Object) -> str:
        chosen = [s for s in binding.get("subjects") or () if s.get("kind") == kind]
        if kind == "ServiceAccount":
            return ", ".join(f"{s.get('namespace') or ''}/{s.get('name') or ''}" for s in chosen)
        return ", ".join(s.get("name") or "" for s in chosen)

    return cell


def _binding(definition: str, shown: str) -> tuple[Column, ...]:
    wide = (("Users", "User"), ("Groups", "Group"), ("ServiceAccounts", "ServiceAccount"))
    return (
        NAME,
        Column("Role", _role, description=_ROLES[definition]),
        AGE,
        *(Column(n, _subjects(kind), description=f"{n} in the {shown}", priority=1) for n, kind in wide),
    )


ROLE_BINDING = _binding("RoleBinding", "roleBinding")
CLUSTER_ROLE_BINDING = _binding("ClusterRoleBinding", "clusterRoleBinding")
