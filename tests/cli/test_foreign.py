"""What starts the originals, as kubeadm's manifests and others do, starts ours; what is not done is refused."""

import re
from pathlib import Path

import msgspec
import pytest
from click import UsageError

import pynetes
from pynetes.apiserver.config import APIServerConfig
from pynetes.cli import single
from pynetes.controllers.config import ControllerManagerConfig
from pynetes.kubelet.config import KubeletConfig
from pynetes.scheduler.scheduler import SchedulerConfig

_CONTROLLER_MANAGER = """
--allocate-node-cidrs=true --authentication-kubeconfig=/k --authorization-kubeconfig=/k --bind-address=127.0.0.1
--client-ca-file=/ca --cluster-cidr=10.244.0.0/16 --cluster-name=kubernetes --cluster-signing-cert-file=/ca
--cluster-signing-key-file=/key --controllers=*,bootstrap-signer-controller,token-cleaner-controller --kubeconfig=/k
--leader-elect=true --requestheader-client-ca-file=/front --service-cluster-ip-range=10.96.0.0/12
--service-account-private-key-file=/sa --use-service-account-credentials=true --node-monitor-period=5s
--feature-gates=WatchList=true --kube-api-qps=20 --profiling=false
"""
_SCHEDULER = """
--authentication-kubeconfig=/k --authorization-kubeconfig=/k --bind-address=127.0.0.1 --kubeconfig=/k
--leader-elect=true --kube-api-burst=30 --leader-elect-resource-lock=leases
"""


@pytest.mark.parametrize(("name", "words"), [("controller-manager", _CONTROLLER_MANAGER), ("scheduler", _SCHEDULER)])
def test_manifests_of_the_originals_are_understood(name: str, words: str) -> None:
    assert single.load(name).make_context(name, words.split()).params["kubeconfig"]


@pytest.mark.parametrize(
    ("name", "flag", "complaint"),
    [
        ("controller-manager", "--use-service-account-credentials=false", "always acts as its own account"),
        ("controller-manager", "--cloud-provider=aws", "aws is not built in"),
        ("controller-manager", "--feature-gates=Nonsense=true", "unrecognized feature gate: Nonsense"),
        ("scheduler", "--config=/x", "there is one profile"),
        ("scheduler", "--leader-elect-resource-lock=endpoints", "resourceLock value must be leases"),
        ("scheduler", "--nonsense", "unknown flag: --nonsense"),
    ],
)
def test_what_is_not_done_is_refused(name: str, flag: str, complaint: str) -> None:
    with pytest.raises(UsageError) as told:
        single.load(name).make_context(name, ["--kubeconfig=/k", flag])
    assert complaint in told.value.message


@pytest.mark.parametrize("config", [APIServerConfig, ControllerManagerConfig, KubeletConfig, SchedulerConfig])
def test_every_setting_is_read_somewhere(config: type[msgspec.Struct]) -> None:
    """A flag that means nothing is among the foreign ones, and says so."""
    sources = (path.read_text() for path in Path(pynetes.__file__).parent.rglob("*.py"))
    read = {name for text in sources for name in re.findall(r"\.([a-z_0-9]+)\b", text)}
    assert {field.name for field in msgspec.structs.fields(config)} <= read
