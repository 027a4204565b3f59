import pytest

from pynetes.controllers.base import BaseController
from pynetes.controllers.config import ControllerManagerConfig
from pynetes.controllers.registry import CONTROLLERS, enabled


def test_names_match_their_controllers():
    for name, constructor in CONTROLLERS.items():
        assert isinstance(constructor, type)
        assert issubclass(constructor, BaseController)
        assert constructor.name == name


@pytest.mark.parametrize(
    ("flags", "on", "off"),
    [
        (("*",), "deployment-controller", None),
        (("*", "-deployment-controller"), "replicaset-controller", "deployment-controller"),
        (("deployment-controller",), "deployment-controller", "replicaset-controller"),
    ],
)
def test_controllers_are_switched_on_and_off(flags, on, off):
    found = enabled(ControllerManagerConfig(controllers=flags))
    assert on in found
    assert off not in found


def test_settings_switch_controllers_off():
    assert "root-ca-certificate-publisher-controller" not in enabled(ControllerManagerConfig())
    assert "root-ca-certificate-publisher-controller" in enabled(ControllerManagerConfig(root_ca="PEM"))
    assert "node-ipam-controller" not in enabled(ControllerManagerConfig(allocate_node_cidrs=False))


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match='"nonsense" is not in the list of known controllers'):
        enabled(ControllerManagerConfig(controllers=("*", "-nonsense")))
