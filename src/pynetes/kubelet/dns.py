"""The resolv.conf of pods, by `dnsPolicy` and `dnsConfig`, within the limits that resolvers have."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct, field

MAX_NAMESERVERS = 3
MAX_SEARCH_PATHS = 32
MAX_SEARCH_CHARS = 2048
_MAX_DOMAIN = 253
_MAX_FILE = 10 << 20


class DNSConfig(Struct, frozen=True):
    servers: list[str] = field(default_factory=list)
    searches: list[str] = field(default_factory=list)
    options: list[str] = field(default_factory=list)
    #: What was cut, as the texts of DNSConfigForming (or MissingClusterDNS) events.
    warnings: list[tuple[str, str]] = field(default_factory=list)


class DNSSettings(Protocol):
    """The part of the kubelet's configuration that matters here."""

    @property
    def cluster_dns(self) -> Sequence[str]: ...
    @property
    def cluster_domain(self) -> str: ...
    @property
    def resolv_conf(self) -> str: ...


def parse_resolv_conf(text: str) -> DNSConfig:
    """Nameservers add up, of `search` lines the last one counts, of equal options too. Raises ValueError."""
    servers: list[str] = []
    searches: list[str] = []
    options: dict[str, str] = {}
    for line in text.splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        match words[0]:
            case "nameserver":
                if len(words) < 2:
                    raise ValueError("nameserver list is empty ")
                servers.append(words[1])
            case "search":
                searches = [word.removesuffix(".") for word in words[1:] if word != "."]
            case "options":
                options.update((word.split(":")[0], word) for word in words[1:])
    return DNSConfig(servers, searches, list(options.values()))


def _unique(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))


def _uses_cluster_dns(pod: Mapping[str, Any]) -> bool:
    policy = pod["spec"].get("dnsPolicy") or "ClusterFirst"
    return policy == "ClusterFirstWithHostNet" or (policy == "ClusterFirst" and not pod["spec"].get("hostNetwork"))


def config_for(pod: Mapping[str, Any], config: DNSSettings, *, host: DNSConfig | None = None) -> DNSConfig:
    """The pod's resolver settings. `host` replaces reading `config.resolv_conf`. Raises OSError, ValueError."""
    if host is None:
        host = read_host(config.resolv_conf)
    warnings: list[tuple[str, str]] = []
    if pod["spec"].get("dnsPolicy") == "None":
        base = DNSConfig()
    elif _uses_cluster_dns(pod) and config.cluster_dns:
        base = DNSConfig(list(config.cluster_dns), _cluster_searches(pod, config, host), ["ndots:5"])
    else:
        if _uses_cluster_dns(pod):
            warnings.append(("MissingClusterDNS", _missing_cluster_dns(pod)))
        base = host if config.resolv_conf else DNSConfig([*host.servers, "127.0.0.1"], ["."], host.options)
    merged = _merge(base, pod["spec"].get("dnsConfig") or {})
    return _within_limits(merged, warnings)


def read_host(path: str) -> DNSConfig:
    """The node's own settings; none for an empty path."""
    if not path:
        return DNSConfig()
    with Path(path).open() as file:
        return parse_resolv_conf(file.read(_MAX_FILE))


def _cluster_searches(pod: Mapping[str, Any], config: DNSSettings, host: DNSConfig) -> list[str]:
    domain = config.cluster_domain
    if not domain:
        return host.searches
    return _unique((f"{pod['metadata']['namespace']}.svc.{domain}", f"svc.{domain}", domain, *host.searches))


def _missing_cluster_dns(pod: Mapping[str, Any]) -> str:
    meta = pod["metadata"]
    return (
        f'pod: "{meta["name"]}_{meta.get("namespace")}({meta.get("uid")})". kubelet does not have ClusterDNS IP '
        'configured and cannot create Pod using "ClusterFirst" policy. Falling back to "Default" policy.'
    )


def _merge(base: DNSConfig, extra: Mapping[str, Any]) -> DNSConfig:
    options: dict[str, str] = {}
    for option in base.options:
        name, _, value = option.partition(":")
        options[name] = value
    for wanted in extra.get("options") or ():
        options[wanted.get("name", "")] = wanted.get("value") or ""
    return DNSConfig(
        _unique((*base.servers, *(extra.get("nameservers") or ()))),
        _unique((*base.searches, *(extra.get("searches") or ()))),
        [f"{name}:{value}" if value else name for name, value in options.items()],
    )


def _within_limits(config: DNSConfig, warnings: list[tuple[str, str]]) -> DNSConfig:
    servers = config.servers[:MAX_NAMESERVERS]
    if len(servers) < len(config.servers):
        warnings.append(
            (
                "DNSConfigForming",
                "Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line "
                f"is: {' '.join(servers)}",
            )
        )
    searches = [path for path in config.searches[:MAX_SEARCH_PATHS] if len(path) <= _MAX_DOMAIN]
    while len(" ".join(searches)) > MAX_SEARCH_CHARS:
        searches.pop()
    if len(searches) < len(config.searches):
        warnings.append(
            (
                "DNSConfigForming",
                "Search Line limits were exceeded, some search paths have been omitted, the applied search line "
                f"is: {' '.join(searches)}",
            )
        )
    return DNSConfig(servers, searches, config.options, warnings)
