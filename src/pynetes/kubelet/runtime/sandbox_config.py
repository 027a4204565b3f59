"""What the runtime is told about a pod's sandbox."""

from collections.abc import Mapping
from typing import Any

from pynetes.kubelet import pod as pods
from pynetes.kubelet.cri import runtime_pb2 as pb
from pynetes.kubelet.dns import DNSConfig
from pynetes.kubelet.runtime import labels
from pynetes.kubelet.runtime.hostname import kernel_hostname
from pynetes.kubelet.runtime.security_context import groups_policy, namespaces, selinux, supplemental_groups

_PROTOCOLS: Mapping[str, pb.Protocol] = {"TCP": pb.TCP, "UDP": pb.UDP, "SCTP": pb.SCTP}


def sandbox_config(
    pod: Mapping[str, Any],
    attempt: int,
    *,
    dns: DNSConfig,
    log_directory: str,
    cgroup_parent: str,
    cluster_domain: str,
    user_namespace: pb.UserNamespace | None = None,
) -> pb.PodSandboxConfig:
    """Raises ValueError for a host name that is none."""
    metadata = pod["metadata"]
    return pb.PodSandboxConfig(
        metadata=pb.PodSandboxMetadata(
            name=metadata["name"], uid=metadata["uid"], namespace=metadata["namespace"], attempt=attempt
        ),
        # On the host's network the name is the host's: setting one would be refused.
        hostname="" if pods.uses_host_network(pod) else kernel_hostname(pod, cluster_domain),
        log_directory=log_directory,
        dns_config=pb.DNSConfig(servers=dns.servers, searches=dns.searches, options=dns.options),
        port_mappings=port_mappings(pod),
        labels=labels.sandbox_labels(pod),
        annotations=labels.sandbox_annotations(pod),
        linux=pb.LinuxPodSandboxConfig(
            cgroup_parent=cgroup_parent,
            sysctls=sysctls(pod),
            security_context=_security_context(pod, user_namespace),
        ),
    )


def port_mappings(pod: Mapping[str, Any]) -> list[pb.PortMapping]:
    """Every port of the regular containers and sidecars; those without hostPort tell plug-ins what is served."""
    sidecars = [c for c in pods.init_containers(pod) if pods.is_sidecar(c)]
    return [
        pb.PortMapping(
            protocol=_PROTOCOLS.get(port.get("protocol") or "TCP", pb.TCP),
            container_port=port["containerPort"],
            host_port=port.get("hostPort") or 0,
            host_ip=port.get("hostIP") or "",
        )
        for container in [*sidecars, *pods.containers(pod)]
        for port in container.get("ports") or ()
    ]


def sysctls(pod: Mapping[str, Any]) -> dict[str, str]:
    """Names with dots: runc knows no other form."""
    listed = (pod["spec"].get("securityContext") or {}).get("sysctls") or ()
    return {_dotted(item["name"]): item.get("value") or "" for item in listed}


def _dotted(name: str) -> str:
    """`net/ipv4/conf/eth0.1/x` → `net.ipv4.conf.eth0/1.x`: the first separator decides which one it is."""
    first = next((char for char in name if char in "./"), ".")
    return name.translate(str.maketrans("./", "/.")) if first == "/" else name


def _security_context(
    pod: Mapping[str, Any], user_namespace: pb.UserNamespace | None
) -> pb.LinuxSandboxSecurityContext:
    context = pod["spec"].get("securityContext") or {}
    options = namespaces(pod)
    if user_namespace is not None:
        options.userns_options.CopyFrom(user_namespace)
    out = pb.LinuxSandboxSecurityContext(
        namespace_options=options,
        privileged=any((c.get("securityContext") or {}).get("privileged") for _, c in pods.all_containers(pod)),
        # The sandbox's own process needs nothing: it always gets the least (upstream #84623).
        seccomp=pb.SecurityProfile(profile_type=pb.SecurityProfile.RuntimeDefault),
        supplemental_groups=supplemental_groups(pod),
        supplemental_groups_policy=groups_policy(pod),
        selinux_options=selinux(context.get("seLinuxOptions")),
    )
    if context.get("runAsUser") is not None:
        out.run_as_user.value = int(context["runAsUser"])
    if context.get("runAsGroup") is not None:
        out.run_as_group.value = int(context["runAsGroup"])
    return out
