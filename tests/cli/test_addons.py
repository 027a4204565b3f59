"""What `up` installs into a cluster, through an API server whose store is just electing a leader."""

from pathlib import Path
from typing import Any

import pytest

from pynetes.apimachinery import errors
from pynetes.apis.names import CONFIG_MAPS
from pynetes.apiserver.server import APIServer
from pynetes.cli import addons, readiness
from pynetes.cli.settings import Settings
from pynetes.component import pki
from pynetes.testing import apiserver

SETTINGS = Settings("server", "127.0.0.1", api_server="https://127.0.0.1:6443")


async def test_a_write_whose_fate_is_unknown_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = pki.ensure(tmp_path)
    authority = keys.ca.certificate.read_bytes()
    async with APIServer(apiserver.config(keys)) as server:
        await server.ready()
        client = server.client()
        create, doubtful = client.create, set[str]()

        async def create_and_forget(gvr: Any, obj: dict[str, Any]) -> Any:
            made = await create(gvr, obj)
            if (name := f"{obj['kind']} {obj['metadata']['name']}") not in doubtful:
                doubtful.add(name)
                raise errors.internal("the write may have happened")
            return made

        monkeypatch.setattr(client, "create", create_and_forget)
        await addons.install(client, SETTINGS, authority)
        assert len(doubtful) > 5
        assert (await client.get(CONFIG_MAPS, "cluster-info", "kube-public"))["data"]

        async def refuse(gvr: Any, obj: dict[str, Any]) -> Any:
            raise errors.internal("no leader")

        monkeypatch.setattr(client, "create", refuse)
        monkeypatch.setattr(addons, "_PATIENCE", 0.1)
        with pytest.raises(readiness.NotReady, match="no leader"):
            await addons.install(client, SETTINGS, authority)
