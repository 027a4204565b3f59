"""The way to kubelets."""

from pathlib import Path

import pytest

from pynetes.apimachinery.errors import StatusError
from pynetes.apiserver.streaming.kubelet import KubeletClient, KubeletSettings
from pynetes.component import certificates

from .conftest import Cluster, Objects


async def test_renewed_certificates_are_taken_and_damaged_ones_are_not(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pynetes.client.https.TOKEN_RELOAD_PERIOD", 0.0)
    certificate, key = tmp_path / "client.crt", tmp_path / "client.key"
    certificates.store(certificates.self_issued(certificates.LOCALHOST), certificate, key)
    async with KubeletClient(Objects(), KubeletSettings(certificate, key)) as kubelets:
        first = kubelets.tls
        assert kubelets.tls is first
        certificates.store(certificates.self_issued(certificates.LOCALHOST), certificate, key)
        second = kubelets.tls
        assert second is not first
        key.write_text("damaged")
        assert kubelets.tls is second


async def test_a_kubelet_that_nobody_vouches_for_is_told_in_gos_words(cluster: Cluster, tmp_path: Path) -> None:
    certificate, key = tmp_path / "ca.crt", tmp_path / "ca.key"
    certificates.store(certificates.self_issued(certificates.LOCALHOST), certificate, key)
    told = "tls: failed to verify certificate: x509: certificate signed by unknown authority"
    async with KubeletClient(cluster.objects, KubeletSettings(certificate_authority=certificate)) as kubelets:
        with pytest.raises(StatusError, match=told):
            await kubelets.get("n1", "/", [])
        with pytest.raises(StatusError, match=told):
            await kubelets.upgrade("n1", "/", [], [])
