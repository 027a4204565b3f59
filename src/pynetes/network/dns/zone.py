"""Answers for the names of one cluster domain, by the rules of Kubernetes' DNS specification 1.1.0. Pure.

<service>.<ns>.svc.<domain>                 A, SRV
_<port>._<protocol>.<service>.<ns>.svc.…    SRV
<host name>.<service>.<ns>.svc.…            A (endpoints of headless services)
<a-b-c-d>.<ns>.pod.<domain>                 A
<reversed address>.in-addr.arpa             PTR
dns-version.<domain>                        TXT
"""

import ipaddress
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from msgspec import Struct

SCHEMA_VERSION = "1.1.0"

#: Aliases of aliases: more than this is a circle.
_LONGEST_CHAIN = 7

A, CNAME, PTR, TXT, AAAA, SRV, ANY = "A", "CNAME", "PTR", "TXT", "AAAA", "SRV", "ANY"


class Record(Struct, frozen=True):
    """`data`: an address, a name, a text, or for SRV (port, target)."""

    name: str
    type: str
    data: Any


class Answer(Struct, frozen=True):
    """`exists` False is NXDOMAIN; True without records is an empty answer (the name has other types).

    `outside` is the name that the last alias leads to if it is not in this zone: its records belong to the answer too.
    """

    records: Sequence[Record] = ()
    additional: Sequence[Record] = ()
    exists: bool = True
    outside: str = ""


NXDOMAIN = Answer(exists=False)
NODATA = Answer()


class Records(Protocol):
    """What a zone reads of the cluster."""

    def service(self, namespace: str, name: str) -> dict[str, Any] | None: ...

    def endpoint_slices(self, namespace: str, service: str) -> Iterable[dict[str, Any]]: ...

    def namespace_exists(self, namespace: str) -> bool: ...

    def service_by_ip(self, ip: str) -> dict[str, Any] | None: ...

    def slices_by_ip(self, ip: str) -> Iterable[dict[str, Any]]: ...


class _Target(Struct, frozen=True):
    """One ready address of a headless service, with the ports it serves there."""

    host: str
    ip: str
    ports: tuple[tuple[str, str, int], ...]  # name, protocol, number


class Zone:
    """Answers questions below `domain` and about the addresses of services."""

    def __init__(self, domain: str, records: Records) -> None:
        self.domain = domain.strip(".").lower()
        self._labels = self.domain.split(".")
        self._records = records

    def lookup(self, name: str, qtype: str) -> Answer | None:
        """None: not a name of this zone. `name` has no final dot. Aliases are followed as far as this zone goes."""
        answer = self._find(name, qtype)
        if answer is None or qtype in (CNAME, ANY):
            return answer
        return self._follow(answer, qtype)

    def _follow(self, answer: Answer, qtype: str) -> Answer:
        records = list(answer.records)
        for _ in range(_LONGEST_CHAIN):
            if not records or records[-1].type != CNAME:
                break
            further = self._find(records[-1].data, qtype)
            if further is None:
                return Answer(records, outside=records[-1].data)
            if not further.records:
                break
            records += further.records
        return Answer(records, answer.additional, answer.exists)

    def _find(self, name: str, qtype: str) -> Answer | None:
        name = name.lower()
        labels = name.split(".")
        if name.endswith(".in-addr.arpa"):
            return self._reverse(name, qtype)
        if labels[-len(self._labels) :] != self._labels:
            return None
        return self._below(name, labels[: -len(self._labels)], qtype)

    def _below(self, name: str, labels: list[str], qtype: str) -> Answer:
        match labels:
            case [] | ["svc"] | ["pod"]:
                return NODATA
            case ["dns-version"]:
                return _only(Record(name, TXT, SCHEMA_VERSION), qtype)
            case [namespace, "svc" | "pod"]:
                return NODATA if self._records.namespace_exists(namespace) else NXDOMAIN
            case [address, namespace, "pod"]:
                return self._pod(name, address, namespace, qtype)
            case [service, namespace, "svc"]:
                return self._service(name, namespace, service, qtype)
            case [host, service, namespace, "svc"] if not host.startswith("_"):
                return self._host(name, namespace, service, host, qtype)
            case [protocol, service, namespace, "svc"]:
                return self._srv(name, namespace, service, None, protocol, qtype)
            case [port, protocol, service, namespace, "svc"]:
                return self._srv(name, namespace, service, port, protocol, qtype)
        return NXDOMAIN

    def _pod(self, name: str, address: str, namespace: str, qtype: str) -> Answer:
        try:
            ip = str(ipaddress.IPv4Address(address.replace("-", ".")))
        except ValueError:
            return NXDOMAIN
        if not self._records.namespace_exists(namespace):
            return NXDOMAIN
        return _only(Record(name, A, ip), qtype)

    def _service(self, name: str, namespace: str, service_name: str, qtype: str) -> Answer:
        service = self._records.service(namespace, service_name)
        if service is None:
            return NXDOMAIN
        spec = service.get("spec", {})
        if spec.get("type") == "ExternalName":
            return Answer([Record(name, CNAME, spec.get("externalName", "").rstrip("."))])
        if qtype == SRV:
            return self._srv(name, namespace, service_name, None, None, qtype)
        if _headless(service):
            addresses = list(dict.fromkeys(target.ip for target in self._targets(namespace, service_name)))
            if not addresses:
                return NXDOMAIN
        else:
            addresses = [ip for ip in _cluster_ips(spec) if ":" not in ip]
        if qtype not in (A, ANY):
            return NODATA
        return Answer([Record(name, A, address) for address in addresses])

    def _host(self, name: str, namespace: str, service_name: str, host: str, qtype: str) -> Answer:
        service = self._records.service(namespace, service_name)
        if service is None or not _headless(service):
            return NXDOMAIN
        addresses = list(
            dict.fromkeys(target.ip for target in self._targets(namespace, service_name) if target.host == host)
        )
        if not addresses:
            return NXDOMAIN
        if qtype not in (A, ANY):
            return NODATA
        return Answer([Record(name, A, address) for address in addresses])

    def _srv(
        self, name: str, namespace: str, service_name: str, port: str | None, protocol: str | None, qtype: str
    ) -> Answer:
        """SRV records; `port` and `protocol` are `_http` and `_tcp`, or None for all."""
        if (port is not None and not port.startswith("_")) or (protocol is not None and not protocol.startswith("_")):
            return NXDOMAIN
        service = self._records.service(namespace, service_name)
        if service is None or service.get("spec", {}).get("type") == "ExternalName":
            return NXDOMAIN
        base = f"{service_name}.{namespace}.svc.{self.domain}"

        def wanted(port_name: str, port_protocol: str) -> bool:
            if port is not None and port[1:] != port_name:
                return False
            return protocol is None or protocol[1:] == port_protocol.lower()

        found: dict[tuple[int, str], str] = {}
        if _headless(service):
            for target in self._targets(namespace, service_name):
                for port_name, port_protocol, number in target.ports:
                    if wanted(port_name, port_protocol):
                        found[number, f"{target.host}.{base}"] = target.ip
        else:
            spec = service["spec"]
            for entry in spec.get("ports", ()):
                if wanted(entry.get("name", ""), entry.get("protocol", "TCP")):
                    found[entry["port"], base] = spec["clusterIP"]
        if not found:
            return NXDOMAIN
        if qtype not in (SRV, ANY):
            return NODATA
        addresses = {target: ip for (_, target), ip in found.items() if ":" not in ip}
        return Answer(
            [Record(name, SRV, (number, target)) for number, target in found],
            [Record(target, A, ip) for target, ip in addresses.items()],
        )

    def _reverse(self, name: str, qtype: str) -> Answer | None:
        octets = name.removesuffix(".in-addr.arpa").split(".")
        ip = ".".join(reversed(octets))
        names = []
        if (service := self._records.service_by_ip(ip)) is not None:
            metadata = service["metadata"]
            names.append(f"{metadata['name']}.{metadata['namespace']}.svc.{self.domain}")
        for slice_ in self._records.slices_by_ip(ip):
            names += self._endpoint_names(slice_, ip)
        if not names:
            return None  # an address of the world outside
        if qtype not in (PTR, ANY):
            return NODATA
        return Answer([Record(name, PTR, target) for target in dict.fromkeys(names)])

    def _endpoint_names(self, slice_: dict[str, Any], ip: str) -> list[str]:
        metadata = slice_["metadata"]
        namespace = metadata["namespace"]
        service_name = (metadata.get("labels") or {}).get("kubernetes.io/service-name", "")
        service = self._records.service(namespace, service_name)
        if service is None or not _headless(service):
            return []
        return [
            f"{target.host}.{service_name}.{namespace}.svc.{self.domain}"
            for target in _slice_targets(slice_)
            if target.ip == ip
        ]

    def _targets(self, namespace: str, service_name: str) -> list[_Target]:
        slices = self._records.endpoint_slices(namespace, service_name)
        return [target for slice_ in slices for target in _slice_targets(slice_)]


def _only(record: Record, qtype: str) -> Answer:
    """One record, to those who ask for its type."""
    return Answer([record]) if qtype in (record.type, ANY) else NODATA


def _headless(service: dict[str, Any]) -> bool:
    return bool(service.get("spec", {}).get("clusterIP") == "None")


def _cluster_ips(spec: dict[str, Any]) -> list[str]:
    return spec.get("clusterIPs") or [ip for ip in (spec.get("clusterIP"),) if ip]


def _slice_targets(slice_: dict[str, Any]) -> Iterable[_Target]:
    if slice_.get("addressType") != "IPv4":
        return
    ports = tuple(
        (port.get("name", ""), port.get("protocol", "TCP"), port["port"])
        for port in slice_.get("ports") or ()
        if port.get("port")
    )
    for endpoint in slice_.get("endpoints") or ():
        if not (endpoint.get("conditions") or {}).get("ready", True):
            continue
        for ip in endpoint.get("addresses", ()):
            yield _Target(endpoint.get("hostname") or ip.replace(".", "-"), ip, ports)
