from pynetes.kubelet.runtime import labels


def test_what_is_written_on_a_container_is_enough_to_end_it():
    container = {
        "name": "c",
        "image": "app:1",
        "terminationMessagePath": "/dev/termination-log",
        "lifecycle": {"preStop": {"exec": {"command": ["bye"]}}},
        "ports": [{"containerPort": 80, "name": "web"}],
    }
    metadata = {"name": "p", "namespace": "d", "uid": "u", "deletionGracePeriodSeconds": 4, "labels": {"app": "x"}}
    pod = {"metadata": metadata, "spec": {"containers": [container], "terminationGracePeriodSeconds": 9}}
    written = labels.container_annotations(pod, container, 3)
    assert labels.restart_count_of(written) == 3
    assert labels.hash_of(written) == labels.container_hash(container)
    restored, spec = labels.restore(labels.container_labels(pod, container), written)
    assert restored["metadata"] == {"name": "p", "namespace": "d", "uid": "u", "deletionGracePeriodSeconds": 4}
    assert restored["spec"]["terminationGracePeriodSeconds"] == 9
    assert spec["lifecycle"] == container["lifecycle"]
    assert spec["ports"] == container["ports"]
    assert labels.sandbox_labels(pod)["app"] == "x"


def test_the_hash_changes_with_the_image_only():
    one = labels.container_hash({"name": "c", "image": "a"})
    assert labels.container_hash({"name": "c", "image": "b"}) != one
    assert labels.container_hash({"name": "c", "image": "a", "env": [{"name": "X"}]}) == one
