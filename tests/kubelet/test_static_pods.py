import pytest

from pynetes.kubelet.static_pods import ManifestError, StaticPodSource, is_mirror_of, mirror_pod, parse_manifest

MANIFEST = b"""
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec: {containers: [{name: c, image: nginx}]}
"""


def parsed(content=MANIFEST):
    return parse_manifest(content, "/etc/web.yaml", "node-1", "now")


def test_a_manifest_becomes_a_pod_of_this_node():
    pod = parsed()
    metadata = pod["metadata"]
    assert (metadata["name"], metadata["namespace"]) == ("web-node-1", "default")
    assert metadata["annotations"] == {
        "kubernetes.io/config.hash": metadata["uid"],
        "kubernetes.io/config.seen": "now",
        "kubernetes.io/config.source": "file",
    }
    assert pod["spec"]["nodeName"] == "node-1"
    assert pod["spec"]["tolerations"] == [{"operator": "Exists", "effect": "NoExecute"}]
    assert pod["spec"]["restartPolicy"] == "Always"
    assert pod["spec"]["containers"][0]["terminationMessagePath"] == "/dev/termination-log"


def test_the_uid_is_the_contents():
    assert parsed()["metadata"]["uid"] == parsed()["metadata"]["uid"]
    assert parsed(MANIFEST.replace(b"nginx", b"httpd"))["metadata"]["uid"] != parsed()["metadata"]["uid"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"nonsense: [", None),
        (b"apiVersion: v1\nkind: Pod\nspec: {containers: []}", "invalid pod: name is needed for the pod"),
        (MANIFEST.replace(b"name: c, ", b""), None),
        (
            MANIFEST.replace(b"spec: {", b"spec: {volumes: [{name: v, configMap: {name: x}}], "),
            "static pods may not reference configmaps (via configmap volumes)",
        ),
        (
            MANIFEST.replace(b"spec: {", b"spec: {serviceAccountName: me, "),
            "static pods may not reference serviceaccounts",
        ),
        (
            MANIFEST.replace(b"image: nginx", b"image: nginx, envFrom: [{secretRef: {name: s}}]"),
            "static pods may not reference secrets",
        ),
    ],
)
def test_bad_manifests_are_refused(content, message):
    with pytest.raises(ManifestError) as error:
        parsed(content)
    if message:
        assert str(error.value) == message


def test_a_directory_is_read_again_when_it_changes(tmp_path):
    source = StaticPodSource(str(tmp_path), "n", lambda pods: None)
    assert not source.refresh()
    (tmp_path / "a.yaml").write_bytes(MANIFEST)
    (tmp_path / ".hidden").write_bytes(MANIFEST)
    (tmp_path / "bad.yaml").write_bytes(b"{")
    assert source.refresh()
    assert not source.refresh()
    (tmp_path / "a.yaml").unlink()
    assert source.refresh()


def test_a_mirror_belongs_to_the_node_and_knows_what_it_mirrors():
    pod = parsed()
    mirror = mirror_pod(pod, {"metadata": {"name": "node-1", "uid": "node-uid"}})
    assert mirror["metadata"]["ownerReferences"][0]["uid"] == "node-uid"
    assert is_mirror_of(mirror, pod)
    assert not is_mirror_of(mirror, parsed(MANIFEST.replace(b"nginx", b"httpd")))
