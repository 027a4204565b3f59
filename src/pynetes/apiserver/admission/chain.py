"""The order of admission plugins (upstream's), and running them: all that mutate, later all that validate."""

from collections.abc import Callable, Sequence

from pynetes.apiserver.admission.attributes import Attributes, Objects, Plugin
from pynetes.apiserver.admission.certificates import CertificateSubjectRestriction
from pynetes.apiserver.admission.defaultingressclass import DefaultIngressClass
from pynetes.apiserver.admission.defaultstorageclass import DefaultStorageClass
from pynetes.apiserver.admission.defaulttolerationseconds import DefaultTolerationSeconds
from pynetes.apiserver.admission.limitranger import LimitRanger
from pynetes.apiserver.admission.namespacelifecycle import NamespaceLifecycle
from pynetes.apiserver.admission.podsecurity import PodSecurity
from pynetes.apiserver.admission.podtopologylabels import PodTopologyLabels
from pynetes.apiserver.admission.priority import Priority
from pynetes.apiserver.admission.runtimeclass import RuntimeClass
from pynetes.apiserver.admission.taintnodesbycondition import TaintNodesByCondition
from pynetes.apiserver.config import APIServerConfig

#: Plugins that need the authorizer or know tokens are made by the server; these are their places.
_FIRST = ("RBACEscalation", "ParameterPermission")
_SECOND = ("ServiceAccount", "NodeRestriction")
_THIRD = ("CertificateApproval", "CertificateSigning")
#: What a cluster's users have configured, and quota at the very end: what is refused otherwise must not be charged.
_LAST = (
    "MutatingAdmissionPolicy",
    "MutatingAdmissionWebhook",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionWebhook",
    "ResourceQuota",
)


class Chain:
    """Plugins in order. The first that refuses ends a request."""

    def __init__(self, plugins: Sequence[Plugin]) -> None:
        self.plugins = tuple(plugins)
        self._admit = [p for p in self.plugins if type(p).admit is not Plugin.admit]
        self._validate = [p for p in self.plugins if type(p).validate is not Plugin.validate]

    async def admit(self, attrs: Attributes) -> None:
        """Once, and a second time if a webhook or a policy has changed what others had seen before it."""
        await self._admit_all(attrs)
        if attrs.reinvocation.asked:
            attrs.reinvocation.running = True
            await self._admit_all(attrs)

    async def _admit_all(self, attrs: Attributes) -> None:
        for plugin in self._admit:
            if plugin.handles(attrs):
                await plugin.admit(attrs)

    async def validate(self, attrs: Attributes) -> None:
        for plugin in self._validate:
            if plugin.handles(attrs):
                await plugin.validate(attrs)


def build(config: APIServerConfig, objects: Objects, security: Sequence[Plugin] = ()) -> Chain:
    """All plugins that the configuration leaves on; `security` are those named above."""
    by_name: dict[str, Plugin] = {plugin.name: plugin for plugin in security}
    made: list[Callable[[], Plugin | None]] = [
        *((lambda name=name: by_name.get(name)) for name in _FIRST),
        lambda: NamespaceLifecycle(objects),
        lambda: LimitRanger(objects),
        *((lambda name=name: by_name.get(name)) for name in _SECOND),
        lambda: TaintNodesByCondition(),
        lambda: PodSecurity(objects),
        lambda: Priority(objects),
        lambda: DefaultTolerationSeconds(
            config.default_not_ready_toleration_seconds, config.default_unreachable_toleration_seconds
        ),
        lambda: DefaultStorageClass(objects),
        lambda: RuntimeClass(objects),
        *((lambda name=name: by_name.get(name)) for name in _THIRD),
        lambda: CertificateSubjectRestriction(),
        lambda: DefaultIngressClass(objects),
        lambda: PodTopologyLabels(objects),
        *((lambda name=name: by_name.get(name)) for name in _LAST),
    ]
    plugins = [plugin for plugin in (make() for make in made) if plugin is not None]
    return Chain([plugin for plugin in plugins if plugin.name not in config.disable_admission_plugins])
