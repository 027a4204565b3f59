"""Flags that kube-apiserver is started with start ours: those of controller-runtime's envtest among them."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography.x509 import SubjectAlternativeName

from pynetes.apiserver.config import APIServerConfig
from pynetes.cli import apiserver_flags, components, running, single
from pynetes.component import certificates


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[APIServerConfig]:
    """What the command would start."""
    found: list[APIServerConfig] = []
    monkeypatch.setattr(components, "apiserver", found.append)
    monkeypatch.setattr(running, "run_component", lambda make, **_: make())
    return found


def run(*arguments: Any) -> Result:
    return CliRunner().invoke(single.load("apiserver"), [*map(str, arguments)])


def test_what_envtest_says(started: list[APIServerConfig], tmp_path: Path) -> None:
    result = run(
        "--allow-privileged=true", "--authorization-mode=RBAC", "--bind-address=127.0.0.1", f"--cert-dir={tmp_path}",
        f"--client-ca-file={tmp_path / 'ca.crt'}", "--disable-admission-plugins=ServiceAccount",
        "--etcd-servers=http://127.0.0.1:1,http://127.0.0.1:2", "--secure-port=0", "--anonymous-auth=false",
        f"--service-account-key-file={tmp_path / 'sa.crt'}", "--service-cluster-ip-range=10.0.0.0/24",
        "--tls-sni-cert-key=a.crt,a.key", "--tls-sni-cert-key", "b.crt,b.key:*.b,b",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    (config,) = started
    assert config.storage == "etcd://127.0.0.1:1,127.0.0.1:2"
    assert config.tls_cert_file == tmp_path / "apiserver.crt"
    assert config.tls_private_key_file == tmp_path / "apiserver.key"
    assert config.service_account_key_files == (tmp_path / "sa.crt",)
    assert config.authorization_modes == ("RBAC",)
    assert not config.anonymous_auth
    assert [str(each) for each in config.tls_sni_certificates] == ["a.crt,a.key", "b.crt,b.key:*.b,b"]


def test_a_certificate_directory_keeps_what_is_in_it(tmp_path: Path) -> None:
    first = apiserver_flags.serving_pair(tmp_path, "192.0.2.1")
    made = certificates.load(*first).certificate
    names = made.extensions.get_extension_for_class(SubjectAlternativeName).value
    assert [str(name.value) for name in names] == ["localhost", "127.0.0.1", "::1", "192.0.2.1"]
    assert apiserver_flags.serving_pair(tmp_path, "192.0.2.2") == first
    assert certificates.load(*first).certificate == made


def test_etcd_with_certificates() -> None:
    url = apiserver_flags.storage_url("https://a:2379, https://b:2379", Path("/ca"), Path("/c"), Path("/k"))
    assert url == "etcds://a:2379,b:2379?cacert=/ca&cert=/c&key=/k"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--allow-privileged=false",), "Pod Security Admission"),
        (("--etcd-servers=http://a:1", "--storage=memory:"), "name two stores"),
        (("--etcd-servers=a:1",), "no list of http:// or https:// URLs"),
        (("--tls-sni-cert-key=a.crt",), "expected comma separated certificate and key file paths"),
        (("--tls-sni-cert-key=a.crt,a.key:",), "empty names list is not allowed"),
        (("--anonymous-auth=maybe",), "invalid syntax"),
    ],
)
def test_flags_that_make_no_sense(started: list[APIServerConfig], arguments: tuple[str, ...], complaint: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert complaint in result.output
    assert started == []


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--foo",), "unknown flag: --foo"),
        (("--max-requests-inflight",), "flag needs an argument: --max-requests-inflight"),
        (
            ("--max-requests-inflight=x",),
            'invalid argument "x" for "--max-requests-inflight" flag: strconv.ParseInt: parsing "x": invalid syntax',
        ),
        (
            ("--request-timeout=1m2x",),
            'invalid argument "1m2x" for "--request-timeout" flag: time: unknown unit "x" in duration "1m2x"',
        ),
        (
            ("--profiling=x",),
            'invalid argument "x" for "--profiling" flag: strconv.ParseBool: parsing "x": invalid syntax',
        ),
        (("--version=v1.36.1",), 'version "v1.36.1" must match major/minor/patch of default version "v1.36.0"'),
        (("--feature-gates=WatchList",), "missing bool value for WatchList"),
        (("--feature-gates=WatchList=x",), 'invalid value of WatchList=x, err: strconv.ParseBool: parsing "x"'),
        (("--emulated-version=1.20",), "emulation version 1.20 is not between [1.36, 1.36.0]"),
        (("--goaway-chance=1",), "--goaway-chance can not be less than 0 or greater than 0.02"),
        (("--storage-backend=foo",), "--storage-backend invalid, allowed values: etcd3."),
        (("--vmodule=x",), 'invalid argument "x" for "--vmodule" flag: "x" does not have the pattern=N format'),
        (("--egress-selector-config-file=x",), "--egress-selector-config-file: connections to nodes"),
        (("--enable-garbage-collector=false",), "--enable-garbage-collector: owners and finalizers"),
        (("--show-hidden-metrics-for-version=1.30",), "must be omitted or have the value '1.35'"),
    ],
)
def test_complaints_are_the_originals(
    started: list[APIServerConfig], arguments: tuple[str, ...], complaint: str
) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert complaint in result.output
    assert started == []


def test_flags_are_written_as_for_the_original(started: list[APIServerConfig]) -> None:
    result = run(
        "--request-timeout=1m30s", "--event_ttl", "2h", "--min-request-timeout=300", "--goaway-chance=0.01",
        "--runtime-config=api/beta=false,apps/v1/deployments=true", "--runtime-config=batch/v1", "--profiling=false",
        "--feature-gates=kube:WatchList=true,JobSuccessPolicy=true", "--http2-max-streams-per-connection=100",
        "--enable-admission-plugins=A,B", "--enable-admission-plugins=C", "--service-node-port-range=30000-30100",
        "--storage-backend=etcd3", "--emulated-version=kube=1.36", "--enable-garbage-collector", "--watch-cache=false",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    (config,) = started
    assert (config.request_timeout, config.event_ttl, config.min_request_timeout) == (90, 7200, 300)
    assert config.runtime_config == {"api/beta": "false", "apps/v1/deployments": "true", "batch/v1": ""}
    assert config.feature_gates == {"WatchList": True, "JobSuccessPolicy": True}
    assert config.enable_admission_plugins == ("A", "B", "C")
    assert config.service_node_port_range == (30000, 30100)


def test_the_version_is_told(started: list[APIServerConfig]) -> None:
    assert run("--version").output == "Kubernetes v1.36.0\n"
    assert run("--version=raw").output.startswith("Kubernetes v1.36.0, pynetes ")
    assert run("--version=v1.36.0-mine", "--storage=memory:").exit_code == 0
    assert len(started) == 1
