"""Topology hints of endpoints, as a Service's trafficDistribution asks for."""

from typing import Any

Object = dict[str, Any]

SAME_ZONE = frozenset(("PreferClose", "PreferSameZone", "PreferSameNode"))


def apply(endpoints: list[Object], distribution: str | None) -> list[Object]:
    """The endpoints with the right hints; those that need no change are the same objects."""
    return [_hinted(endpoint, distribution) for endpoint in endpoints]


def _hinted(endpoint: Object, distribution: str | None) -> Object:
    wanted: Object = {}
    if distribution in SAME_ZONE:
        if not (endpoint.get("conditions") or {}).get("ready"):
            return endpoint  # the proxy looks at ready endpoints' hints only
        if endpoint.get("zone"):
            wanted["forZones"] = [{"name": endpoint["zone"]}]
        if endpoint.get("nodeName") and distribution == "PreferSameNode":
            wanted["forNodes"] = [{"name": endpoint["nodeName"]}]
    if (endpoint.get("hints") or {}) == wanted:
        return endpoint
    out = {k: v for k, v in endpoint.items() if k != "hints"}
    if wanted:
        out["hints"] = wanted
    return out
