"""Table columns of the group."""

from pynetes.apis.cells import UNSET, at, count, field
from pynetes.apis.resource import AGE, NAME, Column, Object

WEBHOOK_CONFIGURATION = (
    NAME,
    Column(
        "Webhooks",
        count("webhooks"),
        "integer",
        description="Webhooks indicates the number of webhooks registered in this configuration",
    ),
    AGE,
)


def _param_kind(policy: Object) -> str:
    kind = at(policy, "spec", "paramKind")
    return UNSET if kind is None else f"{kind.get('apiVersion') or ''}/{kind.get('kind') or ''}"


def _param_reference(binding: Object) -> str:
    reference = at(binding, "spec", "paramRef") or {}
    if reference.get("name"):
        return f"{reference.get('namespace') or '*'}/{reference['name']}"
    selector = reference.get("selector")
    return UNSET if selector is None else _selector_text(selector)


def _selector_text(selector: Object) -> str:
    """How upstream's generated code prints a label selector."""
    labels = selector.get("matchLabels") or {}
    pairs = "".join(f"{key}: {labels[key]}," for key in sorted(labels))
    requirements = "".join(
        f"LabelSelectorRequirement{{Key:{r.get('key') or ''},Operator:{r.get('operator') or ''},"
        f"Values:[{' '.join(r.get('values') or ())}],}},"
        for r in selector.get("matchExpressions") or ()
    )
    return (
        f"&LabelSelector{{MatchLabels:map[string]string{{{pairs}}},"
        f"MatchExpressions:[]LabelSelectorRequirement{{{requirements}}},}}"
    )


_PARAM_KIND = Column(
    "ParamKind",
    _param_kind,
    description="ParamKind specifies the kind of resources used to parameterize this policy",
)
VALIDATING_POLICY = (
    NAME,
    Column(
        "Validations",
        count("spec", "validations"),
        "integer",
        description="Validations indicates the number of validation rules defined in this configuration",
    ),
    _PARAM_KIND,
    AGE,
)
MUTATING_POLICY = (
    NAME,
    Column(
        "Mutations",
        count("spec", "mutations"),
        "integer",
        description="Mutation indicates the number of mutations rules defined in this configuration",
    ),
    _PARAM_KIND,
    AGE,
)
POLICY_BINDING = (
    NAME,
    Column(
        "PolicyName",
        field("spec", "policyName"),
        description="PolicyName indicates the policy definition which the policy binding binded to",
    ),
    Column(
        "ParamRef",
        _param_reference,
        description="ParamRef indicates the param resource which sets the configuration param",
    ),
    AGE,
)
