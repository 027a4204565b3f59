"""Which dead containers and sandboxes go."""

from collections.abc import Callable

import pytest

from pynetes.kubelet.container_gc import Dead, PodState, Policy, containers_to_remove, sandboxes_to_remove
from pynetes.kubelet.cri import runtime_pb2 as pb


def dead(id: str, pod: str = "p", name: str = "c", created: float = 0) -> Dead:
    return Dead(id, pod, name, created)


def pods(deleted: str = "", finished: str = "") -> PodState:
    def one_of(names: str) -> Callable[[str], bool]:
        return lambda uid: uid in names.split()

    return PodState(one_of(deleted), one_of(finished))


THREE = [dead("1", created=1), dead("2", created=2), dead("3", created=3)]


@pytest.mark.parametrize(
    ("containers", "policy", "state", "all_unused", "removed"),
    [
        (THREE, Policy(), pods(), False, "1 2"),
        (THREE, Policy(per_container=2), pods(), False, "1"),
        (THREE, Policy(per_container=0), pods(), False, "1 2 3"),
        (THREE, Policy(per_container=-1), pods(), False, ""),
        (THREE, Policy(minimum_age=98.5), pods(), False, ""),
        (THREE, Policy(), pods(deleted="p"), False, "1 2 3"),
        (THREE, Policy(), pods(finished="p"), False, "1 2"),
        (THREE, Policy(), pods(finished="p"), True, "1 2 3"),
        ([dead("a", name="a"), dead("b", name="b"), dead("c", "q")], Policy(), pods(), False, ""),
        (
            [dead("a", name="a", created=1), dead("b", name="b", created=2), dead("c", name="c", created=3)],
            Policy(total=2),
            pods(),
            False,
            "a",
        ),
        ([dead("a", "q", created=99.9)], Policy(minimum_age=60), pods(deleted="q"), False, ""),
    ],
)
def test_containers(containers: list[Dead], policy: Policy, state: PodState, all_unused: bool, removed: str) -> None:
    found = containers_to_remove(containers, policy, state, 100, all_unused=all_unused)
    assert sorted(container.id for container in found) == removed.split()


def sandbox(id: str, pod: str, created: int, ready: bool = False) -> pb.PodSandbox:
    state = pb.SANDBOX_READY if ready else pb.SANDBOX_NOTREADY
    return pb.PodSandbox(id=id, metadata=pb.PodSandboxMetadata(uid=pod), created_at=created, state=state)


@pytest.mark.parametrize(
    ("sandboxes", "with_containers", "deleted", "removed"),
    [
        ([sandbox("old", "p", 1), sandbox("new", "p", 2)], "", "", "old"),
        ([sandbox("old", "p", 1), sandbox("new", "p", 2)], "old", "", ""),
        ([sandbox("old", "p", 1, ready=True), sandbox("new", "p", 2)], "", "", ""),
        ([sandbox("only", "p", 1)], "", "p", "only"),
        ([sandbox("only", "p", 1, ready=True)], "", "p", ""),
    ],
)
def test_sandboxes(sandboxes: list[pb.PodSandbox], with_containers: str, deleted: str, removed: str) -> None:
    found = sandboxes_to_remove(sandboxes, set(with_containers.split()), pods(deleted))
    assert [s.id for s in found] == removed.split()
