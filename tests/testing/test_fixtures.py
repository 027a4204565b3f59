"""What tests of a project get from pytest's fixtures: one cluster, a namespace for each, users of any groups."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.gvk import GroupVersionResource
from pynetes.apis.names import PODS
from pynetes.client import kubeconfig
from pynetes.client.rest import Object
from pynetes.testing.cluster import Cluster, started

pytest_plugins = ("pynetes.testing.fixtures",)

_REVIEWS = GroupVersionResource("authentication.k8s.io", "v1", "selfsubjectreviews")
_POD: Object = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web"},
    "spec": {"containers": [{"name": "web", "image": "web"}]},
}
_names: list[str] = []


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """As the plugin's, which would work on beside all later tests of this process, and draw from the random numbers
    that generated cases must have to themselves."""
    with started() as made:
        yield made


@pytest.mark.parametrize("turn", [1, 2])
def test_each_test_has_a_namespace_of_its_own(cluster: Cluster, namespace: str, turn: int) -> None:
    cluster.run(cluster.client.create(PODS, _POD, namespace))
    assert namespace not in _names
    _names.append(namespace)


async def _asked_by(config: Path, namespace: str) -> tuple[Object, StatusError | None]:
    """Who it is that asks, and why it may not see pods."""
    client = kubeconfig.client_from_kubeconfig(config)
    try:
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        who = (await client.create(_REVIEWS, review))["status"]["userInfo"]
        try:
            await client.list(PODS, namespace)
        except StatusError as error:
            return who, error
        return who, None
    finally:
        await client.close()


@pytest.mark.parametrize(("group", "code"), [("readers", 403), ("system:masters", None)])
def test_a_user_may_what_its_groups_may(cluster: Cluster, namespace: str, group: str, code: int | None) -> None:
    who, error = cluster.run(_asked_by(cluster.user("jane:doe", group, "others"), namespace))
    assert (who["username"], who["groups"]) == ("jane:doe", [group, "others", "system:authenticated"])
    assert (error.code if error else None) == code


_SAVES = """
def test_first(cluster, namespace):
    with open("known", "w") as file:
        print(cluster.kubeconfig, end="", file=file)
"""
_COMPARES = """
def test_second(cluster, namespace):
    with open("known") as file:
        assert file.read() == str(cluster.kubeconfig)
"""


def test_a_project_has_one_cluster_for_all_its_files(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["pynetes.testing.fixtures"]\n')
    (tmp_path / "test_a.py").write_text(_SAVES)
    (tmp_path / "test_b.py").write_text(_COMPARES)
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir=."]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1].startswith("2 passed"), done.stdout + done.stderr
