"""Which plugins are on, and in which order."""

from itertools import product
from pathlib import Path
from typing import Any, get_args

import pytest

from pynetes.apimachinery.gvk import GroupVersionKind, GroupVersionResource
from pynetes.apis.names import CONFIG_MAPS, PODS
from pynetes.apis.registry import RESOURCES
from pynetes.apiserver.admission import chain
from pynetes.apiserver.admission.attributes import Attributes, Operation, Plugin
from pynetes.apiserver.admission.configuration import Configurations
from pynetes.apiserver.authentication.user import LOOPBACK_USER
from pynetes.apiserver.config import APIServerConfig, ConfigurationError

#: The order that kube-apiserver 1.36 logs.
DEFAULT = [
    "NamespaceLifecycle",
    "LimitRanger",
    "ServiceAccount",
    "NodeRestriction",
    "TaintNodesByCondition",
    "PodSecurity",
    "Priority",
    "DefaultTolerationSeconds",
    "DefaultStorageClass",
    "StorageObjectInUseProtection",
    "PersistentVolumeClaimResize",
    "RuntimeClass",
    "CertificateApproval",
    "CertificateSigning",
    "CertificateSubjectRestriction",
    "DefaultIngressClass",
    "PodTopologyLabels",
    "NodeDeclaredFeatureValidator",
    "PodResizeValidator",
    "MutatingAdmissionPolicy",
    "MutatingAdmissionWebhook",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionWebhook",
    "ResourceQuota",
]


def test_what_is_on_by_default_is_in_upstreams_order() -> None:
    assert chain.enabled(APIServerConfig()) == DEFAULT


def test_plugins_are_switched_on_and_off_by_name() -> None:
    config = APIServerConfig(
        enable_admission_plugins=("AlwaysPullImages", "Priority"), disable_admission_plugins=("PodSecurity",)
    )
    found = chain.enabled(config)
    assert found.index("AlwaysPullImages") == found.index("TaintNodesByCondition") + 1
    assert set(DEFAULT) - set(found) == {"PodSecurity"}


@pytest.mark.parametrize(
    ("on", "off", "message"),
    [
        (("Nope",), (), 'enable-admission-plugins plugin "Nope" is unknown'),
        ((), ("RBACEscalation",), 'disable-admission-plugins plugin "RBACEscalation" is unknown'),
        (
            ("Priority",),
            ("Priority",),
            "[Priority] in enable-admission-plugins and disable-admission-plugins overlapped",
        ),
    ],
)
def test_names_that_cannot_be_end_the_start(on: tuple[str, ...], off: tuple[str, ...], message: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        chain.enabled(APIServerConfig(enable_admission_plugins=on, disable_admission_plugins=off))
    assert str(refused.value) == message


HEAD = "apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\n"


def test_configurations_are_in_the_file_or_beside_it(tmp_path: Path) -> None:
    (tmp_path / "selectors.yaml").write_text("podNodeSelectorPluginConfig: {a: b=c}\n")
    file = tmp_path / "admission.yaml"
    file.write_text(
        HEAD + "plugins:\n- {name: A, configuration: {x: 1}}\n- {name: PodNodeSelector, path: selectors.yaml}\n"
    )
    found = Configurations.load(file)
    assert (found.raw("A"), found.raw("B")) == ({"x": 1}, None)
    assert found.raw("PodNodeSelector") == {"podNodeSelectorPluginConfig": {"a": "b=c"}}
    assert Configurations.load(tmp_path / "selectors.yaml").raw("PodNodeSelector") == found.raw("PodNodeSelector")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEAD + "plugin: []", 'strict decoding error: unknown field "plugin"'),
        ("kind: X\napiVersion: v1", 'no kind "X" is registered for version "v1"'),
        ("a: b", "Object 'Kind' is missing"),
        (HEAD + "plugins: [{name: A, path: nowhere}]", "unable to read admission control configuration"),
        (HEAD + "plugins: {}", "cannot unmarshal object into Go struct field plugins"),
    ],
)
def test_files_that_cannot_be_end_the_start(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "admission.yaml"
    file.write_text(text)
    with pytest.raises(ConfigurationError) as refused:
        Configurations.load(file)
    assert message in str(refused.value)


class _Kind:
    """What a plugin may look at that says to ask for the kind alone."""

    is_resource = Attributes.is_resource

    def __init__(self, operation: Operation, gvr: GroupVersionResource, subresource: str) -> None:
        self.operation = operation
        self.gvr = gvr
        self.subresource = subresource


def test_plugins_that_ask_only_for_the_kind_look_at_nothing_else() -> None:
    plugins = [each for each in Plugin.__subclasses__() if each.asks_only_kind]
    kinds = [(each.gvr, name) for each in RESOURCES for name in ("", *(sub.name for sub in each.subresources))]
    for plugin in plugins:
        answers = {
            plugin.handles(object.__new__(plugin), _Kind(operation, gvr, subresource))  # type: ignore[arg-type]
            for operation, (gvr, subresource) in product(get_args(Operation), kinds)
        }
        assert answers == {True, False}, plugin.name
    assert {"NamespaceLifecycle", "PodSecurity", "Priority"} <= {plugin.name for plugin in plugins}


class _OfPods(Plugin):
    """Of the named pod alone, unless it asks for the kind alone."""

    def __init__(self, *, asks_only_kind: bool) -> None:
        self.asks_only_kind = asks_only_kind
        self.asked: list[str] = []
        self.seen: list[str] = []

    def handles(self, attrs: Attributes) -> bool:
        self.asked.append(attrs.name)
        return attrs.gvr == PODS and (self.asks_only_kind or attrs.name == "b")

    async def validate(self, attrs: Attributes) -> None:
        self.seen.append(attrs.name)


async def test_a_plugin_that_asks_for_the_kind_is_asked_once_for_each() -> None:
    kind, single = _OfPods(asks_only_kind=True), _OfPods(asks_only_kind=False)
    plugins = chain.Chain([kind, single])
    for gvr, name in ((PODS, "a"), (CONFIG_MAPS, "b"), (PODS, "b"), (PODS, "c"), (CONFIG_MAPS, "c")):
        obj: dict[str, Any] = {"metadata": {"name": name}}
        who = GroupVersionKind(gvr.group, gvr.version, "Any")
        await plugins.validate(Attributes("CREATE", gvr, who, "default", name, obj, None, LOOPBACK_USER))
    assert (kind.asked, kind.seen) == (["a", "b"], ["a", "b", "c"])
    assert (single.asked, single.seen) == (["a", "b", "b", "c", "c"], ["b"])
