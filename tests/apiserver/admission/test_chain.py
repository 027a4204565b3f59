"""Which plugins are on, and in which order."""

from pathlib import Path

import pytest

from pynetes.apiserver.admission import chain
from pynetes.apiserver.admission.configuration import Configurations
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
