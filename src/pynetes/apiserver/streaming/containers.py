"""Which container of a pod is meant, with upstream's words when that is unclear."""

from typing import Any

from pynetes.apimachinery.errors import bad_request

_FIELDS = ("initContainers", "containers", "ephemeralContainers")


def choose(pod: dict[str, Any], asked: str) -> str:
    """The container asked for, or the only one there is; 400 otherwise."""
    spec, name = pod.get("spec") or {}, pod["metadata"]["name"]
    every = [container["name"] for field in _FIELDS for container in spec.get(field) or ()]
    if asked:
        if asked not in every:
            raise bad_request(f"container {asked} is not valid for pod {name}")
        return asked
    main = spec.get("containers") or []
    if len(main) == 1:
        return str(main[0]["name"])
    if not main:
        raise bad_request(f"a container name must be specified for pod {name}")
    raise bad_request(f"a container name must be specified for pod {name}, choose one of: [{' '.join(every)}]")


def node_of(pod: dict[str, Any]) -> str:
    """The node that a pod runs on; 400 if it is on none yet."""
    node = (pod.get("spec") or {}).get("nodeName")
    if not node:
        raise bad_request(f"pod {pod['metadata']['name']} does not have a host assigned")
    return str(node)
