"""Table columns of the group."""

from pynetes.apis.cells import NONE, at, field, load_balancer_addresses, selector_text
from pynetes.apis.resource import AGE, NAME, Column, Object, schema_text

_DEFAULT_CLASS = "ingressclass.kubernetes.io/is-default-class"
_SHOWN_HOSTS = 3


def _hosts(ingress: Object) -> str:
    rules = at(ingress, "spec", "rules") or []
    shown: list[str] = []
    more = False
    for rule in rules:
        more = more or len(shown) == _SHOWN_HOSTS
        if not more and rule.get("host"):
            shown.append(rule["host"])
    if not shown:
        return "*"
    return ",".join(shown) + (f" + {len(rules) - _SHOWN_HOSTS} more..." if more else "")


INGRESS = (
    NAME,
    Column(
        "Class",
        field("spec", "ingressClassName", default=NONE),
        description="The name of the IngressClass resource that should be used for additional configuration",
    ),
    Column("Hosts", _hosts, description="Hosts that incoming requests are matched against before the ingress rule"),
    Column(
        "Address",
        lambda o: ",".join(load_balancer_addresses(at(o, "status", "loadBalancer"))),
        description="Address is a list containing ingress points for the load-balancer",
    ),
    Column(
        "Ports",
        lambda o: "80, 443" if at(o, "spec", "tls") else "80",
        description="Ports of TLS configurations that open",
    ),
    AGE,
)


def _class_name(ingress_class: Object) -> str:
    default = at(ingress_class, "metadata", "annotations", _DEFAULT_CLASS) == "true"
    return str(ingress_class["metadata"].get("name") or "") + (" (default)" if default else "")


def _parameters(ingress_class: Object) -> str:
    parameters = at(ingress_class, "spec", "parameters")
    if parameters is None:
        return NONE
    group = f".{parameters['apiGroup']}" if parameters.get("apiGroup") is not None else ""
    return f"{parameters.get('kind') or ''}{group}/{parameters.get('name') or ''}"


INGRESS_CLASS = (
    Column("Name", _class_name, format="name", description=NAME.source),
    Column(
        "Controller",
        field("spec", "controller"),
        description="Controller that is responsible for handling this class",
    ),
    Column("Parameters", _parameters, description="A reference to a resource with additional parameters"),
    AGE,
)
NETWORK_POLICY = (
    NAME,
    Column(
        "Pod-Selector",
        lambda o: selector_text(at(o, "spec", "podSelector") or {}),
        description=schema_text("networking.v1.NetworkPolicySpec.podSelector"),
    ),
    AGE,
)
SERVICE_CIDR = (
    NAME,
    Column(
        "CIDRs",
        lambda o: ",".join(at(o, "spec", "cidrs") or ()),
        description=schema_text("networking.v1.ServiceCIDRSpec.cidrs"),
    ),
    AGE,
)


def _parent(address: Object) -> str:
    parent = at(address, "spec", "parentRef")
    if parent is None:
        return NONE
    group = f".{parent['group']}" if parent.get("group") else ""
    parts = [f"{parent.get('resource') or ''}{group}".lower(), parent.get("namespace"), parent.get("name") or ""]
    return "/".join(part for part in parts if part)


IP_ADDRESS = (
    NAME,
    Column("ParentRef", _parent, description=schema_text("networking.v1.IPAddressSpec.parentRef")),
)
