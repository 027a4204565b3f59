"""RoleBinding and ClusterRoleBinding."""

from typing import ClassVar

from pynetes.apimachinery import names
from pynetes.apimachinery.errors import FieldError
from pynetes.apis.core.container_defaults import default_if_empty
from pynetes.apis.equality import semantic_equal
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import Object, Strategy

GROUP = "rbac.authorization.k8s.io"
_SUBJECTS = ("ServiceAccount", "User", "Group")


class RoleBindingStrategy(Strategy):
    allow_create_on_update = True
    name_rule = staticmethod(names.path_segment_name)
    roles: ClassVar[tuple[str, ...]] = ("Role", "ClusterRole")
    namespaced = True

    def default(self, obj: Object) -> None:
        if obj.get("roleRef") is None:
            obj["roleRef"] = {}
        default_if_empty(obj["roleRef"], apiGroup=GROUP)
        for subject in obj.get("subjects") or ():
            if subject.get("kind") in ("User", "Group"):
                default_if_empty(subject, apiGroup=GROUP)

    def validate(self, obj: Object) -> list[FieldError]:
        found, reference = FieldErrors(), obj["roleRef"]
        if reference.get("apiGroup") != GROUP:
            found.not_supported("roleRef.apiGroup", reference.get("apiGroup") or "", (GROUP,))
        if reference.get("kind") not in self.roles:
            found.not_supported("roleRef.kind", reference.get("kind") or "", self.roles)
        found.required_rule("roleRef.name", reference.get("name"), names.path_segment_name)
        for index, subject in enumerate(obj.get("subjects") or ()):
            _subject(found, subject, f"subjects[{index}]", namespaced=self.namespaced)
        return found

    def validate_update(self, obj: Object, old: Object) -> list[FieldError]:
        found = FieldErrors(self.validate(obj))
        if not semantic_equal(obj["roleRef"], old["roleRef"]):
            reference = obj["roleRef"]
            fields = (("APIGroup", "apiGroup"), ("Kind", "kind"), ("Name", "name"))
            shown = {name: reference.get(field) or "" for name, field in fields}
            found.invalid("roleRef", shown, "cannot change roleRef")
        return found


class ClusterRoleBindingStrategy(RoleBindingStrategy):
    roles = ("ClusterRole",)
    namespaced = False


def _subject(found: FieldErrors, subject: Object, path: str, *, namespaced: bool) -> None:
    kind, name, group = subject.get("kind") or "", subject.get("name") or "", subject.get("apiGroup") or ""
    found.present(f"{path}.name", name)
    if kind == "ServiceAccount":
        if name:
            found.rule(f"{path}.name", name, names.dns1123_subdomain)
        if group:
            found.not_supported(f"{path}.apiGroup", group, ("",))
        if not namespaced:
            found.present(f"{path}.namespace", subject.get("namespace"))
    elif kind in ("User", "Group"):
        if group != GROUP:
            found.not_supported(f"{path}.apiGroup", group, (GROUP,))
    else:
        found.not_supported(f"{path}.kind", kind, _SUBJECTS)
