"""SubjectAccessReview and its kin: may this user do that? What may I do?"""

from collections.abc import Callable
from typing import Any

from pynetes.apimachinery import errors, validation
from pynetes.apimachinery.errors import FieldError, StatusError
from pynetes.apimachinery.selectors import Requirement, parse_field_selector, parse_label_selector
from pynetes.apiserver.authentication.user import UserInfo
from pynetes.apiserver.authorization.attributes import Attributes, FieldRequirement, decide
from pynetes.apiserver.authorization.union import ClusterAuthorizer

GROUP = "authorization.k8s.io"
Object = dict[str, Any]
_FIELD_OPERATORS = {"In": "=", "NotIn": "!="}
_LABEL_OPERATORS = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "!"}


async def review_subject(authorizer: ClusterAuthorizer, review: Object, *, namespace: str | None = None) -> Object:
    """Answers a SubjectAccessReview; with `namespace`, a LocalSubjectAccessReview posted there."""
    spec = review.get("spec") or {}
    found = _check_spec(spec)
    if not spec.get("user") and not spec.get("groups"):
        text = "at least one of user or group must be specified"
        found.append(errors.invalid_value("spec.user", spec.get("user") or "", text))
    found += _check_metadata(review, local=namespace is not None)
    if namespace is not None:
        found += _check_local(review, spec, namespace)
    if found:
        raise _invalid(found)
    return await _answered(authorizer, review, subject(spec), spec)


async def review_self(authorizer: ClusterAuthorizer, user: UserInfo, review: Object) -> Object:
    """Answers a SelfSubjectAccessReview."""
    spec = review.get("spec") or {}
    found = _check_spec(spec) + _check_metadata(review, local=False)
    if found:
        raise _invalid(found)
    return await _answered(authorizer, review, user, spec)


def review_rules(authorizer: ClusterAuthorizer, user: UserInfo, review: Object) -> Object:
    """Answers a SelfSubjectRulesReview: `kubectl auth can-i --list`."""
    namespace = (review.get("spec") or {}).get("namespace")
    if not namespace:
        raise errors.bad_request("no namespace on request")
    held, incomplete, problem = authorizer.held(user, namespace)
    status: Object = {
        "resourceRules": [
            _keep(rule, "verbs", "apiGroups", "resources", "resourceNames") for rule in held if rule.get("resources")
        ],
        "nonResourceRules": [_keep(rule, "verbs", "nonResourceURLs") for rule in held if rule.get("nonResourceURLs")],
        "incomplete": incomplete,
    }
    if problem:
        status["evaluationError"] = problem
    return {
        "kind": "SelfSubjectRulesReview",
        "apiVersion": f"{GROUP}/v1",
        "metadata": {},
        "spec": {},
        "status": status,
    }


def _invalid(found: list[FieldError]) -> StatusError:
    """The original names no kind here."""
    return errors.invalid("", GROUP, "", found)


def subject(spec: Object) -> UserInfo:
    """The user that a review asks about."""
    extra = {key: tuple(values or ()) for key, values in (spec.get("extra") or {}).items()}
    return UserInfo(spec.get("user") or "", spec.get("uid") or "", tuple(spec.get("groups") or ()), extra)


def attributes(user: UserInfo, spec: Object) -> tuple[Attributes, str]:
    """What a review asks, and what of it could not be understood."""
    path = spec.get("nonResourceAttributes")
    if path is not None:
        question = Attributes(user, path.get("verb") or "", path=path.get("path") or "", is_resource=False)
        return question, ""
    asked = spec["resourceAttributes"]
    fields, fields_problem = _field_selector(asked.get("fieldSelector") or {})
    labels, labels_problem = _label_selector(asked.get("labelSelector") or {})
    question = Attributes(
        user,
        asked.get("verb") or "",
        group=asked.get("group") or "",
        version=asked.get("version") or "*",
        resource=asked.get("resource") or "",
        subresource=asked.get("subresource") or "",
        namespace=asked.get("namespace") or "",
        name=asked.get("name") or "",
        field_selector=fields,
        label_selector=labels,
    )
    return question, errors.aggregate(filter(None, (fields_problem, labels_problem)))


async def _answered(authorizer: ClusterAuthorizer, review: Object, user: UserInfo, spec: Object) -> Object:
    question, problem = attributes(user, spec)
    decision = await decide(authorizer, question)
    status: Object = {"allowed": decision.allowed}
    if decision.denied:
        status["denied"] = True
    if decision.reason:
        status["reason"] = decision.reason
    if decision.error or problem:
        status["evaluationError"] = "; ".join(filter(None, (decision.error, problem)))
    return {**review, "metadata": review.get("metadata") or {}, "status": status}


def _field_selector(given: Object) -> tuple[tuple[FieldRequirement, ...], str]:
    """Requirements that can be understood. Those that cannot are left out: this only widens the question."""
    problem = "spec.resourceAttributes.fieldSelector ignored due to parse error"
    if given.get("rawSelector"):
        try:
            return parse_field_selector(given["rawSelector"]).requirements, ""
        except ValueError:
            return (), problem
    found: list[FieldRequirement] = []
    requirements = given.get("requirements") or ()
    for requirement in requirements:
        operator, values = (
            _FIELD_OPERATORS.get(requirement.get("operator") or ""),
            list(requirement.get("values") or ()),
        )
        if operator and len(values) == 1:
            found.append((requirement.get("key") or "", operator, values[0]))
    if len(found) == len(requirements):
        return tuple(found), ""
    return tuple(found), problem.replace(" ignored", " partially ignored") if found else problem


def _label_selector(given: Object) -> tuple[tuple[Requirement, ...], str]:
    problem = "spec.resourceAttributes.labelSelector ignored due to parse error"
    if given.get("rawSelector"):
        try:
            return parse_label_selector(given["rawSelector"]).requirements, ""
        except ValueError:
            return (), problem
    found: list[Requirement] = []
    requirements = given.get("requirements") or ()
    for requirement in requirements:
        operator, values = (
            _LABEL_OPERATORS.get(requirement.get("operator") or ""),
            tuple(requirement.get("values") or ()),
        )
        if operator and bool(values) == (operator in ("in", "notin")):
            found.append(Requirement(requirement.get("key") or "", operator, values))
    if len(found) == len(requirements):
        return tuple(found), ""
    return tuple(found), problem.replace(" ignored", " partially ignored") if found else problem


def _check_spec(spec: Object) -> list[FieldError]:
    resource, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    found = []
    if resource is not None and path is not None:
        text = "cannot be specified in combination with resourceAttributes"
        found.append(_path_problem(path, text))
    if resource is None and path is None:
        text = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        found.append(errors.invalid_value("spec.resourceAttributes", None, text))
    for field, check in (("fieldSelector", _check_field), ("labelSelector", _check_label)):
        selector = (resource or {}).get(field)
        if selector is not None:
            found += _check_selector(selector, f"spec.resourceAttributes.{field}", check)
    return found


def _path_problem(given: Object, text: str) -> FieldError:
    """The original shows the names of its own fields."""
    shown = {"Path": given.get("path") or "", "Verb": given.get("verb") or ""}
    return errors.invalid_value("spec.nonResourceAttributes", shown, text)


def _check_selector(selector: Object, path: str, check: Callable[[Object, str], list[FieldError]]) -> list[FieldError]:
    raw, requirements = selector.get("rawSelector"), selector.get("requirements")
    if raw and requirements:
        text = "may not specified at the same time as requirements"
        return [errors.invalid_value(f"{path}.rawSelector", raw, text)]
    if not raw and not requirements:
        text = f"when {path} is specified, requirements or rawSelector is required"
        return [errors.required(f"{path}.requirements", text)]
    return [
        problem
        for index, requirement in enumerate(requirements or ())
        for problem in check(requirement, f"{path}.requirements[{index}]")
    ]


def _check_field(requirement: Object, path: str) -> list[FieldError]:
    found = [] if requirement.get("key") else [errors.required(f"{path}.key", "must be specified")]
    return found + validation.validate_operator(requirement, path, allow_unknown=True)


def _check_label(requirement: Object, path: str) -> list[FieldError]:
    return validation.validate_requirement(requirement, path, allow_unknown_operator=True)


def _check_metadata(review: Object, *, local: bool) -> list[FieldError]:
    hidden = {"managedFields", "creationTimestamp", *(("namespace",) if local else ())}
    left = {key: value for key, value in (review.get("metadata") or {}).items() if value and key not in hidden}
    if not left:
        return []
    text = "must be empty except for namespace" if local else "must be empty"
    return [errors.invalid_value("metadata", left, text)]


def _check_local(review: Object, spec: Object, namespace: str) -> list[FieldError]:
    found = []
    own = (review.get("metadata") or {}).get("namespace") or namespace
    resource = spec.get("resourceAttributes")
    if resource is not None and (resource.get("namespace") or "") != own:
        field = "spec.resourceAttributes.namespace"
        found.append(errors.invalid_value(field, resource.get("namespace") or "", "must match metadata.namespace"))
    if spec.get("nonResourceAttributes") is not None:
        text = "disallowed on this kind of request"
        found.append(_path_problem(spec["nonResourceAttributes"], text))
    return found


def _keep(rule: Object, *fields: str) -> Object:
    return {field: rule[field] for field in fields if rule.get(field)}
