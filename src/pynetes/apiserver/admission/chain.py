"""The order of admission plugins (upstream's), which of them are on, and running them: all that mutate, then all that
validate."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from msgspec import Struct

from pynetes.apimachinery.gvk import GroupVersionResource
from pynetes.apiserver.admission.always import AlwaysAdmit, AlwaysDeny
from pynetes.apiserver.admission.alwayspullimages import AlwaysPullImages
from pynetes.apiserver.admission.attributes import Attributes, Plugin
from pynetes.apiserver.admission.certificates import (
    CertificateApproval,
    CertificateSigning,
    CertificateSubjectRestriction,
)
from pynetes.apiserver.admission.configuration import Configurations
from pynetes.apiserver.admission.defaultingressclass import DefaultIngressClass
from pynetes.apiserver.admission.defaultstorageclass import DefaultStorageClass
from pynetes.apiserver.admission.defaulttolerationseconds import DefaultTolerationSeconds
from pynetes.apiserver.admission.denyserviceexternalips import DenyServiceExternalIPs
from pynetes.apiserver.admission.eventratelimit import EventRateLimit
from pynetes.apiserver.admission.extendedresourcetoleration import ExtendedResourceToleration
from pynetes.apiserver.admission.imagepolicywebhook import ImagePolicyWebhook
from pynetes.apiserver.admission.limitpodhardantiaffinitytopology import LimitPodHardAntiAffinityTopology
from pynetes.apiserver.admission.limitranger import LimitRanger
from pynetes.apiserver.admission.measures import CONTROLLER_SECONDS, STEP_SECONDS
from pynetes.apiserver.admission.namespaceexists import NamespaceAutoProvision, NamespaceExists
from pynetes.apiserver.admission.namespacelifecycle import NamespaceLifecycle
from pynetes.apiserver.admission.nodedeclaredfeaturevalidator import NodeDeclaredFeatureValidator
from pynetes.apiserver.admission.noderestriction import NodeRestriction
from pynetes.apiserver.admission.ownerreferencespermissionenforcement import OwnerReferencesPermissionEnforcement
from pynetes.apiserver.admission.persistentvolumeclaimresize import PersistentVolumeClaimResize
from pynetes.apiserver.admission.podnodeselector import PodNodeSelector
from pynetes.apiserver.admission.podresizevalidator import PodResizeValidator
from pynetes.apiserver.admission.podsecurity import PodSecurity, configuration
from pynetes.apiserver.admission.podtolerationrestriction import PodTolerationRestriction
from pynetes.apiserver.admission.podtopologylabels import PodTopologyLabels
from pynetes.apiserver.admission.priority import Priority
from pynetes.apiserver.admission.resourcequota import ResourceQuota
from pynetes.apiserver.admission.runtimeclass import RuntimeClass
from pynetes.apiserver.admission.serviceaccount import ServiceAccount
from pynetes.apiserver.admission.storageobjectinuseprotection import StorageObjectInUseProtection
from pynetes.apiserver.admission.taintnodesbycondition import TaintNodesByCondition
from pynetes.apiserver.authorization.attributes import Authorizer
from pynetes.apiserver.config import APIServerConfig, ConfigurationError
from pynetes.apiserver.registry.registry import Registry
from pynetes.client.rest import Client
from pynetes.component import clock


class Parts(Struct, frozen=True):
    """What plugins are made of. `given` are those that others have made, by name."""

    config: APIServerConfig
    registry: Registry
    client: Client
    authorizer: Authorizer
    configurations: Configurations
    given: Mapping[str, Plugin]


#: Before all others, and no plugins to users: rules of the registry that need the authorizer.
_RULES = ("RBACEscalation", "ParameterPermission", "ResourceClaimAuthorization")
#: What a cluster's users have configured. Quota comes after it: what is refused otherwise must not be charged.
_DYNAMIC = (
    "MutatingAdmissionPolicy",
    "MutatingAdmissionWebhook",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionWebhook",
)


def _given(name: str) -> Callable[[Parts], Plugin]:
    return lambda parts: parts.given[name]


_PLUGINS: Mapping[str, Callable[[Parts], Plugin]] = {
    "AlwaysAdmit": lambda p: AlwaysAdmit(),
    "NamespaceAutoProvision": lambda p: NamespaceAutoProvision(p.registry, p.client),
    "NamespaceLifecycle": lambda p: NamespaceLifecycle(p.registry),
    "NamespaceExists": lambda p: NamespaceExists(p.registry),
    "LimitPodHardAntiAffinityTopology": lambda p: LimitPodHardAntiAffinityTopology(),
    "LimitRanger": lambda p: LimitRanger(p.registry),
    "ServiceAccount": lambda p: ServiceAccount(p.registry),
    "NodeRestriction": lambda p: NodeRestriction(p.registry, p.authorizer),
    "TaintNodesByCondition": lambda p: TaintNodesByCondition(),
    "AlwaysPullImages": lambda p: AlwaysPullImages(),
    "ImagePolicyWebhook": lambda p: ImagePolicyWebhook.of(p.configurations),
    "PodSecurity": lambda p: PodSecurity(p.registry, configuration.load(p.configurations)),
    "PodNodeSelector": lambda p: PodNodeSelector.of(p.registry, p.configurations),
    "Priority": lambda p: Priority(p.registry),
    "DefaultTolerationSeconds": lambda p: DefaultTolerationSeconds(
        p.config.default_not_ready_toleration_seconds, p.config.default_unreachable_toleration_seconds
    ),
    "PodTolerationRestriction": lambda p: PodTolerationRestriction.of(p.registry, p.configurations),
    "EventRateLimit": lambda p: EventRateLimit.of(p.configurations),
    "ExtendedResourceToleration": lambda p: ExtendedResourceToleration(),
    "DefaultStorageClass": lambda p: DefaultStorageClass(p.registry),
    "StorageObjectInUseProtection": lambda p: StorageObjectInUseProtection(),
    "OwnerReferencesPermissionEnforcement": lambda p: OwnerReferencesPermissionEnforcement(p.registry, p.authorizer),
    "PersistentVolumeClaimResize": lambda p: PersistentVolumeClaimResize(p.registry),
    "RuntimeClass": lambda p: RuntimeClass(p.registry),
    "CertificateApproval": lambda p: CertificateApproval(p.authorizer),
    "CertificateSigning": lambda p: CertificateSigning(p.authorizer),
    "CertificateSubjectRestriction": lambda p: CertificateSubjectRestriction(),
    "DefaultIngressClass": lambda p: DefaultIngressClass(p.registry),
    "DenyServiceExternalIPs": lambda p: DenyServiceExternalIPs(),
    "PodTopologyLabels": lambda p: PodTopologyLabels(p.registry),
    "NodeDeclaredFeatureValidator": lambda p: NodeDeclaredFeatureValidator(p.registry),
    "PodResizeValidator": lambda p: PodResizeValidator(p.registry),
    **{name: _given(name) for name in _DYNAMIC},
    "ResourceQuota": lambda p: ResourceQuota.of(p.registry, p.client, p.configurations),
    "AlwaysDeny": lambda p: AlwaysDeny(),
}
#: Upstream's, but for NodeRestriction, which kubeadm switches on, too.
OFF_BY_DEFAULT = frozenset(
    (
        "AlwaysAdmit",
        "AlwaysDeny",
        "AlwaysPullImages",
        "DenyServiceExternalIPs",
        "EventRateLimit",
        "ExtendedResourceToleration",
        "ImagePolicyWebhook",
        "LimitPodHardAntiAffinityTopology",
        "NamespaceAutoProvision",
        "NamespaceExists",
        "OwnerReferencesPermissionEnforcement",
        "PodNodeSelector",
        "PodTolerationRestriction",
    )
)


_Step = Callable[[Attributes], Awaitable[None]]


class _Steps:
    """What plugins have to do in one of the two phases."""

    def __init__(self, steps: Sequence[tuple[Plugin, _Step]]) -> None:
        self._all = steps
        self._of: dict[tuple[str, GroupVersionResource, str], list[tuple[Plugin, _Step]]] = {}

    def of(self, attrs: Attributes) -> list[tuple[Plugin, _Step]]:
        """Without the plugins that have no say about such writes. Most have none about most."""
        key = (attrs.operation, attrs.gvr, attrs.subresource)
        found = self._of.get(key)
        if found is None:
            found = self._of[key] = [s for s in self._all if not s[0].asks_only_kind or s[0].handles(attrs)]
        return found


class Chain:
    """Plugins in order. The first that refuses ends a request."""

    def __init__(self, plugins: Sequence[Plugin]) -> None:
        self.plugins = tuple(plugins)
        self._admit = _Steps([(p, p.admit) for p in self.plugins if type(p).admit is not Plugin.admit])
        self._validate = _Steps([(p, p.validate) for p in self.plugins if type(p).validate is not Plugin.validate])

    async def admit(self, attrs: Attributes) -> None:
        """Once, and a second time if a webhook or a policy has changed what others had seen before it."""
        time = clock.timer()
        began, rejected = time(), "true"
        try:
            await _run("admit", self._admit.of(attrs), attrs, time)
            if attrs.reinvocation.asked:
                attrs.reinvocation.running = True
                await _run("admit", self._admit.of(attrs), attrs, time)
            rejected = "false"
        finally:
            STEP_SECONDS.note(("admit", attrs.operation, rejected), time() - began)

    async def validate(self, attrs: Attributes) -> None:
        time = clock.timer()
        began, rejected = time(), "true"
        try:
            await _run("validate", self._validate.of(attrs), attrs, time)
            rejected = "false"
        finally:
            STEP_SECONDS.note(("validate", attrs.operation, rejected), time() - began)

    async def close(self) -> None:
        for plugin in self.plugins:
            await plugin.close()


async def _run(
    step: str, plugins: Sequence[tuple[Plugin, _Step]], attrs: Attributes, time: Callable[[], float]
) -> None:
    """Each plugin is timed from where the one before it ended: the clock is read once for each."""
    began, operation, note = time(), attrs.operation, CONTROLLER_SECONDS.note
    for plugin, act in plugins:
        if plugin.asks_only_kind or plugin.handles(attrs):
            rejected = "true"
            try:
                await act(attrs)
                rejected = "false"
            finally:
                ended = time()
                note((plugin.name, step, operation, rejected), ended - began)
                if plugin.waits:
                    attrs.waits.append(ended - began)
                began = ended


def enabled(config: APIServerConfig) -> list[str]:
    """The plugins that are on, in order; ConfigurationError for names that are none or both on and off."""
    on, off = config.enable_admission_plugins, config.disable_admission_plugins
    for flag, names in (("enable", on), ("disable", off)):
        for name in names:
            if name not in _PLUGINS:
                raise ConfigurationError(f'{flag}-admission-plugins plugin "{name}" is unknown')
    if both := sorted(set(on) & set(off)):
        shown = " ".join(both)
        raise ConfigurationError(f"[{shown}] in enable-admission-plugins and disable-admission-plugins overlapped")
    return [name for name in _PLUGINS if name in on or name not in OFF_BY_DEFAULT.union(off)]


def build(
    config: APIServerConfig,
    registry: Registry,
    client: Client,
    authorizer: Authorizer,
    configurations: Configurations,
    given: Sequence[Plugin] = (),
) -> Chain:
    """The plugins that the configuration leaves on; `given` are the rules above and those that users configure."""
    by_name = {plugin.name: plugin for plugin in given}
    parts = Parts(config, registry, client, authorizer, configurations, by_name)
    rules = [by_name[name] for name in _RULES if name in by_name]
    return Chain([*rules, *(_PLUGINS[name](parts) for name in enabled(config))])
