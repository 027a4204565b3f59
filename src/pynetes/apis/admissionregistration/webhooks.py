"""MutatingWebhookConfiguration and ValidatingWebhookConfiguration."""

from typing import ClassVar

from pynetes.apimachinery import names
from pynetes.apimachinery.errors import FieldError
from pynetes.apis.admissionregistration import rules
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import WHOLE, Object, Strategy
from pynetes.apis.webhook_address import default_service, validate_client_config

_REVIEW_VERSIONS = ("v1", "v1beta1")
_SIDE_EFFECTS = ("None", "NoneOnDryRun")
_REINVOCATION = ("IfNeeded", "Never")
_TIMEOUT_SECONDS = 10
_LONGEST_TIMEOUT = 30
_LABELS_OF_A_NAME = 3


class WebhookConfigurationStrategy(Strategy):
    update_metadata = WHOLE
    qualified_finalizers = False
    maintains_generation = True
    allow_unconditional_update = False
    mutating: ClassVar[bool] = False

    def default(self, obj: Object) -> None:
        for hook in obj.get("webhooks") or ():
            if hook.get("failurePolicy") is None:
                hook["failurePolicy"] = "Fail"
            rules.default_matching(hook)
            rules.default_rules(hook.get("rules"))
            if hook.get("timeoutSeconds") is None:
                hook["timeoutSeconds"] = _TIMEOUT_SECONDS
            if self.mutating and hook.get("reinvocationPolicy") is None:
                hook["reinvocationPolicy"] = "Never"
            default_service(hook.get("clientConfig"))

    def validate(self, obj: Object) -> list[FieldError]:
        return self._validate(obj, conditions=True)

    def validate_update(self, obj: Object, old: Object) -> list[FieldError]:
        """Match conditions that were accepted once are not looked at again."""
        return self._validate(obj, conditions=_conditions(obj) != _conditions(old))

    def _validate(self, obj: Object, *, conditions: bool) -> list[FieldError]:
        found = FieldErrors()
        seen: set[str] = set()
        for i, hook in enumerate(obj.get("webhooks") or ()):
            path, name = f"webhooks[{i}]", hook.get("name") or ""
            self._webhook(found, hook, path)
            if conditions:
                rules.validate_match_conditions(found, hook.get("matchConditions") or [], f"{path}.matchConditions")
            _review_versions(found, hook.get("admissionReviewVersions") or [], f"{path}.admissionReviewVersions")
            if name and name in seen:
                found.duplicate(f"{path}.name", name)
            seen.add(name)
        return found

    def _webhook(self, found: FieldErrors, hook: Object, path: str) -> None:
        _full_name(found, hook.get("name") or "", f"{path}.name")
        for i, rule in enumerate(hook.get("rules") or ()):
            rules.validate_rule(found, rule, f"{path}.rules[{i}]")
        found.choice(f"{path}.failurePolicy", hook.get("failurePolicy"), rules.FAILURE_POLICIES)
        found.choice(f"{path}.matchPolicy", hook.get("matchPolicy"), rules.MATCH_POLICIES)
        effects = hook.get("sideEffects")
        if effects is None:
            found.required(f"{path}.sideEffects", f"must specify one of {', '.join(_SIDE_EFFECTS)}")
        elif effects not in _SIDE_EFFECTS:
            found.not_supported(f"{path}.sideEffects", effects, _SIDE_EFFECTS)
        timeout = hook.get("timeoutSeconds")
        if timeout is not None and not 1 <= timeout <= _LONGEST_TIMEOUT:
            found.invalid(f"{path}.timeoutSeconds", timeout, "the timeout value must be between 1 and 30 seconds")
        rules.validate_selectors(found, hook, path)
        if self.mutating:
            found.choice(f"{path}.reinvocationPolicy", hook.get("reinvocationPolicy"), _REINVOCATION)
        validate_client_config(found, hook.get("clientConfig") or {}, f"{path}.clientConfig")


class MutatingWebhookConfigurationStrategy(WebhookConfigurationStrategy):
    mutating = True


def _conditions(obj: Object) -> list[list[Object]]:
    return [hook.get("matchConditions") or [] for hook in obj.get("webhooks") or ()]


def _full_name(found: FieldErrors, name: str, path: str) -> None:
    messages = names.dns1123_subdomain(name)
    if not name:
        found.required(path)
    elif messages:
        found.invalid(path, name, ",".join(messages))
    elif len(name.split(".")) < _LABELS_OF_A_NAME:
        found.invalid(path, name, "should be a domain with at least three segments separated by dots")


def _review_versions(found: FieldErrors, versions: list[str], path: str) -> None:
    if not versions:
        found.required(path, f"must specify one of {', '.join(_REVIEW_VERSIONS)}")
        return
    for i, version in enumerate(versions):
        if version in versions[:i]:
            found.invalid(f"{path}[{i}]", version, "duplicate version")
        else:
            found.rule(f"{path}[{i}]", version, names.dns1035_label)
    if not set(versions) & set(_REVIEW_VERSIONS):
        found.invalid(path, versions, f"must include at least one of {', '.join(_REVIEW_VERSIONS)}")
