"""Whether a container that ended is run again: the pod's policy, the container's own, and its rules on exit codes."""

from pynetes.apis.strategy import Object

_STATUS_FIELDS = {"containerStatuses": "containers", "initContainerStatuses": "initContainers"}


def is_sidecar(container: Object) -> bool:
    """An init container that runs beside the others until the end."""
    return container.get("restartPolicy") == "Always"


def rule_action(container: Object, exit_code: int) -> str:
    """The action of the first restart rule that matches, or empty."""
    for rule in container.get("restartPolicyRules") or ():
        codes = rule.get("exitCodes") or {}
        listed = exit_code in (codes.get("values") or ())
        if listed == (codes.get("operator") == "In") and codes.get("operator") in ("In", "NotIn"):
            return str(rule.get("action") or "")
    return ""


def should_restart(container: Object, spec: Object, exit_code: int) -> bool:
    """For containers of the ordinary list and for init containers."""
    if rule_action(container, exit_code):
        return True
    policy = container.get("restartPolicy") or spec.get("restartPolicy") or "Always"
    return policy == "Always" or (policy == "OnFailure" and exit_code != 0)


def all_containers_could_restart(spec: Object) -> bool:
    """Some rule may restart the whole pod, which no state can be ruled out for."""
    return any(
        rule.get("action") == "RestartAllContainers"
        for field in ("containers", "initContainers")
        for container in spec.get(field) or ()
        for rule in container.get("restartPolicyRules") or ()
    )


def could_restart(spec: Object, status_field: str, name: str, exit_code: int) -> bool:
    """For a status entry of the container `name`; ephemeral containers never restart."""
    field = _STATUS_FIELDS.get(status_field)
    if field is None:
        return False
    if all_containers_could_restart(spec):
        return True
    container = next((c for c in spec.get(field) or () if c.get("name") == name), None)
    return container is not None and should_restart(container, spec, exit_code)
