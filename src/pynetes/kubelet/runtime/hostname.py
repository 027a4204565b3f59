"""The host name of a pod: its own or its name's, the domain of its subdomain, and what the kernel is told."""

from collections.abc import Mapping
from typing import Any

from pynetes.apimachinery import names

_HOSTNAME_MAX = 63
_KERNEL_MAX = 64


def hostname_and_domain(pod: Mapping[str, Any], cluster_domain: str) -> tuple[str, str]:
    """Raises ValueError with upstream's text for names that are none."""
    spec, metadata = pod["spec"], pod["metadata"]
    override = spec.get("hostnameOverride")
    if override is not None:
        _check(names.dns1123_subdomain(override), f'pod HostnameOverride "{override}" is not a valid DNS subdomain')
        return _truncate(override, metadata["name"]), ""
    hostname = metadata["name"]
    if own := spec.get("hostname"):
        _check(names.dns1123_label(own), f'pod Hostname "{own}" is not a valid DNS label')
        hostname = own
    domain = ""
    if subdomain := spec.get("subdomain"):
        _check(names.dns1123_label(subdomain), f'pod Subdomain "{subdomain}" is not a valid DNS label')
        domain = f"{subdomain}.{metadata['namespace']}.svc.{cluster_domain}"
    return _truncate(hostname, metadata["name"]), domain


def kernel_hostname(pod: Mapping[str, Any], cluster_domain: str) -> str:
    """What `hostname` prints inside: the full name only with setHostnameAsFQDN."""
    hostname, domain = hostname_and_domain(pod, cluster_domain)
    if not domain or not pod["spec"].get("setHostnameAsFQDN"):
        return hostname
    full = f"{hostname}.{domain}"
    if len(full) > _KERNEL_MAX:
        raise ValueError(
            f"failed to construct FQDN from pod hostname and cluster domain, FQDN {full} is too long "
            f"({_KERNEL_MAX} characters is the max, {len(full)} characters requested)"
        )
    return full


def _check(errors: list[str], text: str) -> None:
    if errors:
        raise ValueError(f"{text}: {';'.join(errors)}")


def _truncate(hostname: str, pod_name: str) -> str:
    if len(hostname) <= _HOSTNAME_MAX:
        return hostname
    short = hostname[:_HOSTNAME_MAX].rstrip("-.")
    if not short:
        raise ValueError(f'hostname for pod "{pod_name}" was invalid: "{hostname}"')
    return short
