import pytest

from pynetes.kubelet.cri import runtime_pb2 as pb
from pynetes.kubelet.runtime.security_context import (
    SecurityContextError,
    container_security_context,
    effective,
    namespaces,
    verify_run_as_non_root,
)


def pod(context=None, **spec):
    spec |= {"securityContext": context} if context else {}
    return {"metadata": {"name": "p", "namespace": "d", "uid": "u"}, "spec": {"containers": [], **spec}}


def made(pod, container, uid=0, username=""):
    return container_security_context(
        pod, container, image_uid=uid, image_username=username, seccomp_root="/seccomp", seccomp_default=False
    )


def test_the_containers_own_word_goes_over_the_pods():
    context = effective(
        pod({"runAsUser": 1, "runAsGroup": 2, "fsGroup": 3}), {"name": "c", "securityContext": {"runAsUser": 5}}
    )
    assert context == {"runAsUser": 5, "runAsGroup": 2}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, (pb.POD, pb.CONTAINER, pb.POD)),
        ({"hostNetwork": True, "hostPID": True, "hostIPC": True}, (pb.NODE, pb.NODE, pb.NODE)),
        ({"shareProcessNamespace": True}, (pb.POD, pb.POD, pb.POD)),
    ],
)
def test_processes_are_not_shared_unless_asked_for(spec, expected):
    found = namespaces(pod(**spec))
    assert (found.network, found.pid, found.ipc) == expected


def test_the_images_user_holds_where_the_spec_names_none():
    assert made(pod(), {"name": "c"}, uid=7).run_as_user.value == 7
    assert made(pod(), {"name": "c"}, uid=None, username="app").run_as_username == "app"
    assert made(pod({"runAsUser": 3}), {"name": "c"}, uid=7).run_as_user.value == 3


def test_proc_is_masked_unless_unmasked_is_asked_for():
    assert "/proc/kcore" in made(pod(), {"name": "c"}).masked_paths
    bare = made(pod(), {"name": "c", "securityContext": {"procMount": "Unmasked"}})
    assert not bare.masked_paths
    assert not bare.readonly_paths


def test_groups_and_privileges():
    context = {"fsGroup": 10, "supplementalGroups": [20, 30]}
    own = {"allowPrivilegeEscalation": False, "capabilities": {"add": ["NET_ADMIN"], "drop": ["ALL"]}}
    found = made(pod(context), {"name": "c", "securityContext": own})
    assert list(found.supplemental_groups) == [10, 20, 30]
    assert found.no_new_privs
    assert (list(found.capabilities.add_capabilities), list(found.capabilities.drop_capabilities)) == (
        ["NET_ADMIN"],
        ["ALL"],
    )


@pytest.mark.parametrize(
    ("profile", "kind", "path"),
    [
        (None, pb.SecurityProfile.Unconfined, ""),
        ({"type": "RuntimeDefault"}, pb.SecurityProfile.RuntimeDefault, ""),
        ({"type": "Localhost", "localhostProfile": "x.json"}, pb.SecurityProfile.Localhost, "/seccomp/x.json"),
    ],
)
def test_seccomp_profiles(profile, kind, path):
    found = made(pod({"seccompProfile": profile} if profile else None), {"name": "c"}).seccomp
    assert (found.profile_type, found.localhost_ref) == (kind, path)


WHERE = '(pod: "p_d(u)", container: c)'


@pytest.mark.parametrize(
    ("context", "uid", "username", "message"),
    [
        ({}, 0, "", None),
        ({"runAsNonRoot": True, "runAsUser": 5}, 0, "", None),
        ({"runAsNonRoot": True, "runAsUser": 0}, 0, "", f"container's runAsUser breaks non-root policy {WHERE}"),
        ({"runAsNonRoot": True}, 0, "", f"container has runAsNonRoot and image will run as root {WHERE}"),
        ({"runAsNonRoot": True}, 9, "", None),
        (
            {"runAsNonRoot": True},
            None,
            "app",
            "container has runAsNonRoot and image has non-numeric user (app), cannot verify user is non-root " + WHERE,
        ),
    ],
)
def test_non_root_is_verified_in_upstreams_words(context, uid, username, message):
    container = {"name": "c", "securityContext": context}
    if message is None:
        verify_run_as_non_root(pod(), container, uid, username)
        return
    with pytest.raises(SecurityContextError) as error:
        verify_run_as_non_root(pod(), container, uid, username)
    assert str(error.value) == message
