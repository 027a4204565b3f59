"""What webhooks are shown of the server that asks them."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from pynetes.apiserver.webhooks.client import ClientConfig, WebhookClient
from pynetes.apiserver.webhooks.credentials import NOBODY, Credential, Credentials
from pynetes.client.kubeconfig import ConfigError
from pynetes.component import pki
from tests.apiserver.conftest import MemoryObjects
from tests.apiserver.webhooks.hook import serving


def written(directory: Path, users: dict[str, dict[str, Any]], **more: Any) -> Path:
    path = directory / "webhooks.conf"
    document = {"users": [{"name": name, "user": user} for name, user in users.items()], **more}
    path.write_text(yaml.safe_dump(document))
    return path


@pytest.mark.parametrize(
    ("host", "port", "token"),
    [
        ("hook.a.svc", 443, "exact"),
        ("hook.a.svc", 8443, "domain"),
        ("other.a.svc", 443, "domain"),
        ("hook.b.svc", 9443, "port"),
        ("hook.b.svc", 443, "any"),
        ("example.com", 443, "any"),
    ],
)
def test_the_most_exact_name_counts(tmp_path: Path, host: str, port: int, token: str) -> None:
    names = {
        "hook.a.svc": "exact",
        "*.a.svc": "domain",
        "*.a.svc:8443": "domain",
        "hook.b.svc:9443": "port",
        "*": "any",
    }
    users = {name: {"token": value} for name, value in names.items()}
    assert Credentials.load(written(tmp_path, users)).of(host, port) == Credential(token=token)


def test_who_is_not_named_gets_the_current_user_or_nobody(tmp_path: Path) -> None:
    users = {"a": {"token": "t"}}
    assert Credentials.load(written(tmp_path, users)).of("b", 443) == NOBODY
    context = {"name": "c", "context": {"cluster": "k", "user": "a"}}
    more = {"clusters": [{"name": "k", "cluster": {"server": "https://k"}}], "contexts": [context]}
    path = written(tmp_path, users, **more, **{"current-context": "c"})
    assert Credentials.load(path).of("b", 443) == Credential(token="t")


def test_half_a_certificate_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="must both be specified"):
        Credentials.load(written(tmp_path, {"a": {"client-certificate-data": "YQ=="}}))


async def test_a_webhook_is_shown_the_token_of_its_host(tmp_path: Path, objects: MemoryObjects) -> None:
    (tmp_path / "token").write_text("from a file\n")
    files = pki.ensure(tmp_path / "pki", addresses=("127.0.0.1",))
    user = {
        "tokenFile": "token",
        "client-certificate": str(files.admin.certificate),
        "client-key": str(files.admin.key),
    }
    async with serving(files) as hook, WebhookClient(objects) as client:
        shown = Credentials.load(written(tmp_path, {f"127.0.0.1:{hook.port}": user}))
        config = ClientConfig.of(hook.config)
        await client.call(config, {}, timeout=30, credentials=shown)
        await client.call(config, {}, timeout=30)
        assert hook.authorization == ["Bearer from a file", ""]
