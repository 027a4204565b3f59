"""PodSecurity: levels from labels, every rule of the standards with its message, and what the plugin does with them."""

from typing import Any

import pytest
from admission_write import outcome, write

from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.gvk import GroupVersionKind, GroupVersionResource
from pynetes.apis.names import NAMESPACES, PODS
from pynetes.apiserver.admission.attributes import Attributes
from pynetes.apiserver.admission.configuration import Configurations
from pynetes.apiserver.admission.podsecurity.configuration import Configuration, load
from pynetes.apiserver.admission.podsecurity.levels import PREFIX, LevelVersion, Policy, policy_of
from pynetes.apiserver.admission.podsecurity.plugin import (
    PodSecurity,
    exempt_warnings,
    is_significant,
    is_stricter,
    namespace_warnings,
)
from pynetes.apiserver.admission.podsecurity.standard import described, violations
from pynetes.apiserver.authentication.user import UserInfo
from pynetes.apiserver.config import ConfigurationError

Object = dict[str, Any]


def labels(**values: str) -> dict[str, str]:
    return {PREFIX + key.replace("_", "-"): value for key, value in values.items()}


@pytest.mark.parametrize(
    ("given", "enforce", "audit", "warn"),
    [
        ({}, "privileged:latest", "privileged:latest", "privileged:latest"),
        ({"enforce": "baseline"}, "baseline:latest", "privileged:latest", "baseline:latest"),
        ({"enforce": "baseline", "enforce_version": "v1.22"}, "baseline:v1.22", "privileged:latest", "baseline:v1.22"),
        (
            {"enforce": "restricted", "warn_version": "v1.30"},
            "restricted:latest",
            "privileged:latest",
            "restricted:v1.30",
        ),
        (
            {"enforce": "restricted", "warn": "privileged"},
            "restricted:latest",
            "privileged:latest",
            "privileged:latest",
        ),
        ({"audit": "baseline", "audit_version": "v1.9"}, "privileged:latest", "baseline:v1.9", "privileged:latest"),
        ({"enforce": "strong"}, "restricted:latest", "privileged:latest", "privileged:latest"),
        ({"audit": "strong", "warn": "strong"}, "privileged:latest", "privileged:latest", "privileged:latest"),
    ],
)
def test_policy_of_labels(given: dict[str, str], enforce: str, audit: str, warn: str) -> None:
    policy, _ = policy_of(labels(**given))
    assert (str(policy.enforce), str(policy.audit), str(policy.warn)) == (enforce, audit, warn)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"enforce": "strong"}, "must be one of privileged, baseline, restricted"),
        ({"warn_version": "1.30"}, 'must be "latest" or "v1.x"'),
        ({"audit_version": "v1.030"}, 'must be "latest" or "v1.x"'),
        ({"enforce_version": ""}, 'must be "latest" or "v1.x"'),
    ],
)
def test_labels_that_say_nothing(given: dict[str, str], message: str) -> None:
    _, errors = policy_of(labels(**given))
    ((key, value),) = labels(**given).items()
    assert [str(error) for error in errors] == [f'metadata.labels[{key}]: Invalid value: "{value}": {message}']


def container(name: str = "c", **fields: Any) -> Object:
    return {"name": name, "image": "i", **fields}


def secured(name: str = "c", **changes: Any) -> Object:
    """A container that violates nothing, but for the changes of its security context."""
    context = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "runAsNonRoot": True}
    context |= {"seccompProfile": {"type": "RuntimeDefault"}}
    return container(name, securityContext={**context, **changes})


def context(**fields: Any) -> Object:
    return {"containers": [container(securityContext=fields)]}


BASELINE = [
    ({"containers": [container()]}, ""),
    (
        {"hostNetwork": True, "hostPID": True, "hostIPC": True},
        "host namespaces (hostNetwork=true, hostPID=true, hostIPC=true)",
    ),
    (
        {"initContainers": [container("i", securityContext={"privileged": True})], **context(privileged=True)},
        'privileged (containers "i", "c" must not set securityContext.privileged=true)',
    ),
    (
        context(capabilities={"add": ["NET_RAW", "CHOWN", "SYS_ADMIN"]}),
        'non-default capabilities (container "c" must not include "NET_RAW", "SYS_ADMIN" '
        "in securityContext.capabilities.add)",
    ),
    ({"volumes": [{"name": "v", "hostPath": {"path": "/"}}]}, 'hostPath volumes (volume "v")'),
    (
        {"containers": [container(ports=[{"hostPort": 90}, {"hostPort": 80}, {"containerPort": 1}])]},
        'hostPort (container "c" uses hostPorts 80, 90)',
    ),
    (
        {
            "containers": [
                container("b", livenessProbe={"httpGet": {"host": "h"}}),
                container("a", lifecycle={"preStop": {"tcpSocket": {"host": "g"}}}),
            ]
        },
        'probe or lifecycle host (containers "a", "b" use probe or lifecycle hosts "g", "h")',
    ),
    (context(procMount="Unmasked"), 'procMount (container "c" must not set securityContext.procMount to "Unmasked")'),
    ({**context(procMount="Unmasked"), "hostUsers": False}, ""),
    (
        {"securityContext": {"seLinuxOptions": {"type": "x", "user": "u"}}, **context(seLinuxOptions={"role": "r"})},
        'seLinuxOptions (pod and container "c" set forbidden securityContext.seLinuxOptions: '
        'type "x"; user may not be set; role may not be set)',
    ),
    (context(seLinuxOptions={"type": "container_engine_t"}), ""),
    (
        {"securityContext": {"seccompProfile": {"type": "Unconfined"}}, "containers": []},
        'seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined")',
    ),
    (
        {"securityContext": {"sysctls": [{"name": "kernel.shm_rmid_forced"}, {"name": "kernel.msgmax"}]}},
        "forbidden sysctls (kernel.msgmax)",
    ),
    (
        context(windowsOptions={"hostProcess": True}),
        'hostProcess (container "c" must not set securityContext.windowsOptions.hostProcess=true)',
    ),
    (
        context(appArmorProfile={"type": "Unconfined"}),
        'forbidden AppArmor profile (container "c" must not set AppArmor profile type to "Unconfined")',
    ),
]


@pytest.mark.parametrize(("spec", "expected"), BASELINE)
def test_baseline(spec: Object, expected: str) -> None:
    assert described(violations(LevelVersion("baseline"), {}, spec)) == expected


RESTRICTED = [
    ({"containers": [secured()]}, ""),
    (
        {"containers": [container()]},
        'allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false), '
        'unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"]), '
        'runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true), '
        'seccompProfile (pod or container "c" must set securityContext.seccompProfile.type '
        'to "RuntimeDefault" or "Localhost")',
    ),
    (
        {"containers": [secured(capabilities={"drop": ["CHOWN"], "add": ["NET_BIND_SERVICE", "CHOWN"]})]},
        'unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"]; '
        'container "c" must not include "CHOWN" in securityContext.capabilities.add)',
    ),
    (
        {
            "containers": [secured()],
            "volumes": [{"name": "h", "hostPath": {}}, {"name": "n", "nfs": {}}, {"name": "e", "emptyDir": {}}],
        },
        'restricted volume types (volumes "h", "n" use restricted volume types "hostPath", "nfs")',
    ),
    (
        {"securityContext": {"runAsNonRoot": False}, "containers": [secured(runAsNonRoot=False)]},
        'runAsNonRoot != true (pod and container "c" must not set securityContext.runAsNonRoot=false)',
    ),
    ({"securityContext": {"runAsNonRoot": True}, "containers": [secured(runAsNonRoot=None)]}, ""),
    (
        {"securityContext": {"runAsUser": 0}, "containers": [secured("a", runAsUser=0), secured("b", runAsUser=1)]},
        'runAsUser=0 (pod and container "a" must not set runAsUser=0)',
    ),
    ({"hostUsers": False, "containers": [secured(runAsUser=0, runAsNonRoot=False)]}, ""),
    (
        {"hostUsers": False, "containers": [secured(procMount="Unmasked")]},
        'procMount (container "c" must not set securityContext.procMount to "Unmasked")',
    ),
    (
        {"containers": [secured(seccompProfile={"type": "Unconfined"})]},
        'seccompProfile (container "c" must not set securityContext.seccompProfile.type to "Unconfined")',
    ),
    (
        {"os": {"name": "windows"}, "containers": [container(securityContext={"runAsNonRoot": True})]},
        "",
    ),
]


@pytest.mark.parametrize(("spec", "expected"), RESTRICTED)
def test_restricted(spec: Object, expected: str) -> None:
    assert described(violations(LevelVersion("restricted"), {}, spec)) == expected


_RESERVED_PORTS = {
    "containers": [secured()],
    "securityContext": {"sysctls": [{"name": "net.ipv4.ip_local_reserved_ports"}]},
}


@pytest.mark.parametrize(
    ("version", "spec", "violated"),
    [
        ("v1.0", {"containers": [secured(allowPrivilegeEscalation=True)]}, False),
        ("v1.8", {"containers": [secured(allowPrivilegeEscalation=True)]}, True),
        ("v1.21", {"containers": [secured(capabilities=None)]}, False),
        ("v1.22", {"containers": [secured(capabilities=None)]}, True),
        ("v1.33", {"containers": [secured() | {"livenessProbe": {"httpGet": {"host": "h"}}}]}, False),
        ("v1.34", {"containers": [secured() | {"livenessProbe": {"httpGet": {"host": "h"}}}]}, True),
        ("v1.30", {"containers": [secured(seLinuxOptions={"type": "container_engine_t"})]}, True),
        ("v1.26", _RESERVED_PORTS, True),
        ("v1.27", _RESERVED_PORTS, False),
        ("v1.34", {"hostUsers": False, "containers": [secured(runAsUser=0)]}, True),
        ("v1.99", {"hostUsers": False, "containers": [secured(runAsUser=0)]}, False),
    ],
)
def test_rules_count_from_their_version_on(version: str, spec: Object, violated: bool) -> None:
    assert bool(violations(LevelVersion("restricted", version), {}, spec)) == violated


def test_annotations_of_old_pods() -> None:
    metadata = {"annotations": {"container.apparmor.security.beta.kubernetes.io/c": "unconfined"}}
    found = described(violations(LevelVersion("baseline"), metadata, {"containers": [container()]}))
    assert found.startswith("forbidden AppArmor profile (annotation must not set AppArmor profile type to ")
    metadata = {"annotations": {"seccomp.security.alpha.kubernetes.io/pod": "unconfined"}}
    old = LevelVersion("baseline", "v1.18")
    assert described(violations(old, metadata, {"containers": [container()]})) == (
        'seccompProfile (forbidden annotation seccomp.security.alpha.kubernetes.io/pod="unconfined")'
    )
    assert violations(LevelVersion("baseline"), metadata, {"containers": [container()]}) == []


# --- the plugin


def attributes(
    obj: Object, old: Object | None = None, gvr: GroupVersionResource = PODS, kind: str = "Pod"
) -> Attributes:
    operation = "CREATE" if old is None else "UPDATE"
    gvk = GroupVersionKind(gvr.group, gvr.version, kind)
    name = obj["metadata"]["name"]
    namespace = name if kind == "Namespace" else "a"
    return Attributes(operation, gvr, gvk, namespace, name, obj, old, UserInfo("alice"))  # type: ignore[arg-type]


def namespace(objects: Any, **values: str) -> Object:
    made = {"metadata": {"name": "a", "labels": labels(**values)}}
    objects.add("namespaces", made)
    return made


def pod(name: str = "p", **spec: Any) -> Object:
    return {"metadata": {"name": name, "namespace": "a"}, "spec": {"containers": [container()], **spec}}


async def test_a_pod_that_violates_what_is_enforced_is_refused(objects: Any) -> None:
    namespace(objects, enforce="baseline")
    plugin, attrs = PodSecurity(objects), attributes(pod(hostPID=True))
    assert plugin.handles(attrs)
    with pytest.raises(StatusError) as refused:
        await plugin.validate(attrs)
    assert refused.value.code == 403
    assert refused.value.message == (
        'pods "p" is forbidden: violates PodSecurity "baseline:latest": host namespaces (hostPID=true)'
    )
    assert attrs.annotations[PREFIX + "enforce-policy"] == "baseline:latest"
    assert attrs.warnings == []


async def test_other_modes_warn_and_note(objects: Any) -> None:
    namespace(objects, warn="baseline", audit="baseline", audit_version="v1.30")
    attrs = attributes(pod(hostPID=True))
    await PodSecurity(objects).validate(attrs)
    text = 'would violate PodSecurity "{}": host namespaces (hostPID=true)'
    assert attrs.warnings == [text.format("baseline:latest")]
    assert attrs.annotations[PREFIX + "audit-violations"] == text.format("baseline:v1.30")


async def test_what_makes_pods_is_warned_of_only(objects: Any) -> None:
    namespace(objects, enforce="restricted")
    gvr = GroupVersionResource("batch", "v1", "cronjobs")
    template = {"spec": {"containers": [secured()], "hostNetwork": True}}
    obj = {"metadata": {"name": "j"}, "spec": {"jobTemplate": {"spec": {"template": template}}}}
    attrs = attributes(obj, gvr=gvr, kind="CronJob")
    plugin = PodSecurity(objects)
    assert plugin.handles(attrs)
    await plugin.validate(attrs)
    expected = 'would violate PodSecurity "restricted:latest": host namespaces (hostNetwork=true)'
    assert attrs.warnings == [expected]


async def test_labels_that_say_nothing_enforce_the_strictest_level(objects: Any) -> None:
    namespace(objects, enforce="strong")
    attrs = attributes(pod())
    with pytest.raises(StatusError, match='violates PodSecurity "restricted:latest"'):
        await PodSecurity(objects).validate(attrs)
    assert attrs.annotations[PREFIX + "error"].startswith("Failed to parse policy: metadata.labels[")


async def test_an_update_that_changes_no_image_passes(objects: Any) -> None:
    namespace(objects, enforce="restricted")
    old = pod()
    await PodSecurity(objects).validate(attributes(pod(activeDeadlineSeconds=5), old))
    changed = pod(containers=[container() | {"image": "other"}])
    with pytest.raises(StatusError):
        await PodSecurity(objects).validate(attributes(changed, old))


def test_containers_that_come_are_significant() -> None:
    added = {"ephemeralContainers": [container("debug")]}
    assert is_significant(pod(**added), pod())
    assert not is_significant(pod(**added), pod(**added))
    assert is_significant(pod(initContainers=[container("i")]), pod())


async def test_a_namespace_with_wrong_labels_is_invalid_unless_it_was(objects: Any) -> None:
    wrong = {"metadata": {"name": "a", "labels": labels(enforce="strong")}}
    plugin = PodSecurity(objects)
    with pytest.raises(StatusError) as refused:
        await plugin.validate(attributes(wrong, gvr=NAMESPACES, kind="Namespace"))
    assert (refused.value.code, refused.value.reason) == (422, "Invalid")
    right = {"metadata": {"name": "a"}}
    with pytest.raises(StatusError):
        await plugin.validate(attributes(wrong, right, NAMESPACES, "Namespace"))
    await plugin.validate(attributes(wrong, wrong, NAMESPACES, "Namespace"))


async def test_a_stricter_level_tells_of_the_pods_that_are_there(objects: Any) -> None:
    old = namespace(objects)
    for name in ("b", "a", "fine"):
        objects.add("pods", pod(name) if name == "fine" else pod(name, hostPID=True))
    new = {"metadata": {"name": "a", "labels": labels(enforce="baseline")}}
    attrs = attributes(new, old, NAMESPACES, "Namespace")
    await PodSecurity(objects).validate(attrs)
    assert attrs.warnings == [
        'existing pods in namespace "a" violate the new PodSecurity enforce level "baseline:latest"',
        "a (and 1 other pod): host namespaces",
    ]


@pytest.mark.parametrize(
    ("new", "old", "expected"),
    [
        (LevelVersion("baseline"), LevelVersion(), True),
        (LevelVersion("baseline"), LevelVersion("restricted"), False),
        (LevelVersion("baseline", "v1.30"), LevelVersion("restricted"), True),
        (LevelVersion("privileged", "v1.30"), LevelVersion("privileged"), False),
    ],
)
def test_when_pods_are_looked_at_again(new: LevelVersion, old: LevelVersion, expected: bool) -> None:
    assert is_stricter(new, old) == expected


def test_of_many_pods_one_of_each_controller_is_looked_at_first() -> None:
    owner = {"ownerReferences": [{"uid": "u", "controller": True}]}
    many = [{"metadata": {"name": f"p{n}", **owner}, "spec": {"hostPID": True}} for n in range(3001)]
    alone = {"metadata": {"name": "alone"}, "spec": {"hostIPC": True}}
    found = namespace_warnings("a", LevelVersion("baseline"), [*many, alone])
    assert found[0] == "new PodSecurity enforce level only checked against the first 3000 of 3002 existing pods"
    assert found[2] == "alone (and 2999 other pods): host namespaces"


HEAD = {"apiVersion": "pod-security.admission.config.k8s.io/v1", "kind": "PodSecurityConfiguration"}


def configured(**sections: Object) -> Configuration:
    return load(Configurations({"PodSecurity": {**HEAD, **sections}}))


def test_namespaces_without_labels_have_the_configured_levels() -> None:
    defaults = configured(defaults={"enforce": "baseline", "warn": "restricted", "warn-version": "v1.25"}).defaults
    policy, _ = policy_of({}, defaults)
    assert (str(policy.enforce), str(policy.warn)) == ("baseline:latest", "restricted:v1.25")
    policy, _ = policy_of(labels(enforce="privileged"), defaults)
    assert (str(policy.enforce), str(policy.warn)) == ("privileged:latest", "restricted:v1.25")


@pytest.mark.parametrize(
    ("sections", "problem"),
    [
        ({"defaults": {"enforce": "strong"}}, 'defaults.enforce: Invalid value: "strong": must be one of privileged'),
        ({"defaults": {"audit-version": "1"}}, 'defaults.audit-version: Invalid value: "1": must be "latest" or'),
        ({"exemptions": {"namespaces": ["a", "a"]}}, 'exemptions.namespaces[1]: Duplicate value: "a"'),
        ({"exemptions": {"usernames": [""]}}, "username must not be empty"),
        ({"exemptions": {"users": []}}, 'strict decoding error: unknown field "exemptions.users"'),
    ],
)
def test_configurations_that_cannot_be_are_refused(sections: Object, problem: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        configured(**sections)
    assert problem in str(refused.value)


@pytest.mark.parametrize(
    ("exemptions", "reason"),
    [
        ({"namespaces": ["a"]}, "namespace"),
        ({"usernames": ["jane"]}, "user"),
        ({"runtimeClasses": ["kata"]}, "runtimeClass"),
        ({}, ""),
    ],
)
async def test_what_is_exempt_is_let_in_and_noted(objects: Any, exemptions: Object, reason: str) -> None:
    plugin = PodSecurity(objects, configured(defaults={"enforce": "baseline"}, exemptions=exemptions))
    objects.add("namespaces", {"metadata": {"name": "a"}})
    attrs = write(pod(hostNetwork=True, runtimeClassName="kata"))
    assert (await outcome(plugin, attrs) == "") == bool(reason)
    assert attrs.annotations.get(PREFIX + "exempt", "") == reason


def test_who_labels_an_exempt_namespace_is_told() -> None:
    given = labels(enforce="restricted", warn="baseline")
    told = exempt_warnings("a", policy_of(given)[0], given, Policy())
    stated = "enforce=restricted:latest, warn=baseline:latest"
    assert told == [f'namespace "a" is exempt from Pod Security, and the policy ({stated}) will be ignored']
