"""Role and ClusterRole."""

from pynetes.apimachinery import names
from pynetes.apimachinery.errors import FieldError
from pynetes.apimachinery.validation import validate_label_selector
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import Object, Strategy


class RoleStrategy(Strategy):
    allow_create_on_update = True
    name_rule = staticmethod(names.path_segment_name)
    namespaced = True

    def default(self, obj: Object) -> None:
        obj.setdefault("rules", None)

    def validate(self, obj: Object) -> list[FieldError]:
        found = FieldErrors()
        for index, rule in enumerate(obj.get("rules") or ()):
            validate_policy_rule(found, rule, f"rules[{index}]", namespaced=self.namespaced)
        return found


class ClusterRoleStrategy(RoleStrategy):
    namespaced = False

    def validate(self, obj: Object) -> list[FieldError]:
        found = FieldErrors(super().validate(obj))
        rule = obj.get("aggregationRule")
        if rule is not None:
            path, selectors = "aggregationRule.clusterRoleSelectors", rule.get("clusterRoleSelectors") or []
            detail = "at least one clusterRoleSelector required if aggregationRule is non-nil"
            found.present(path, selectors, detail)
            for index, selector in enumerate(selectors):
                own = f"{path}[{index}]"
                wrong = validate_label_selector(selector, own)
                found += wrong
                if wrong:
                    found.invalid(own, None, "invalid label selector.")
        return found


def validate_policy_rule(found: FieldErrors, rule: Object, path: str, *, namespaced: bool) -> None:
    found.present(f"{path}.verbs", rule.get("verbs"), "verbs must contain at least one value")
    urls = rule.get("nonResourceURLs")
    if urls:
        if namespaced:
            detail = "namespaced rules cannot apply to non-resource URLs"
            found.invalid(f"{path}.nonResourceURLs", urls, detail)
        if rule.get("apiGroups") or rule.get("resources") or rule.get("resourceNames"):
            detail = "rules cannot apply to both regular resources and non-resource URLs"
            found.invalid(f"{path}.nonResourceURLs", urls, detail)
        return
    found.present(f"{path}.apiGroups", rule.get("apiGroups"), "resource rules must supply at least one api group")
    found.present(f"{path}.resources", rule.get("resources"), "resource rules must supply at least one resource")
