"""The CNI file of a node: whole or absent, and not beside another plugin's."""

import json
from pathlib import Path

from pynetes.network.cni import FILE_NAME, PodNetworkConfig, conflist, foreign_configuration, install


def config(tmp_path: Path, cidr: str = "10.244.3.0/24") -> PodNetworkConfig:
    return PodNetworkConfig(cidr, 1400, tmp_path / "state")


def test_pods_get_addresses_of_the_nodes_range_and_its_mtu(tmp_path: Path) -> None:
    bridge, portmap = conflist(config(tmp_path))["plugins"]  # type: ignore[misc]
    assert bridge["ipam"]["ranges"] == [[{"subnet": "10.244.3.0/24"}]]
    assert (bridge["mtu"], bridge["hairpinMode"]) == (1400, True)
    assert portmap["capabilities"] == {"portMappings": True}


def test_installing_twice_writes_once(tmp_path: Path) -> None:
    directory = tmp_path / "net.d"
    assert install(config(tmp_path), directory)
    assert not install(config(tmp_path), directory)
    assert install(config(tmp_path, "10.244.4.0/24"), directory)
    assert [path.name for path in directory.iterdir()] == [FILE_NAME]
    assert "10.244.4.0/24" in json.dumps(json.loads((directory / FILE_NAME).read_text()))


def test_another_plugins_file_is_seen(tmp_path: Path) -> None:
    assert foreign_configuration(tmp_path / "absent") is None
    install(config(tmp_path), tmp_path)
    (tmp_path / "readme.txt").touch()
    assert foreign_configuration(tmp_path) is None
    (tmp_path / "10-calico.conflist").write_text("{}")
    assert foreign_configuration(tmp_path) == tmp_path / "10-calico.conflist"
