"""Image names."""

import pytest

from pynetes.kubelet.images.reference import Reference, default_pull_policy, parse, with_default_tag

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("nginx", Reference("docker.io/library/nginx", "latest", "")),
        ("nginx:1.25", Reference("docker.io/library/nginx", "1.25", "")),
        ("library/nginx", Reference("docker.io/library/nginx", "latest", "")),
        ("index.docker.io/nginx", Reference("docker.io/library/nginx", "latest", "")),
        ("user/app:v1", Reference("docker.io/user/app", "v1", "")),
        ("localhost/app", Reference("localhost/app", "latest", "")),
        ("localhost:5000/a/b:v1", Reference("localhost:5000/a/b", "v1", "")),
        ("127.0.0.1:5000/app", Reference("127.0.0.1:5000/app", "latest", "")),
        ("[::1]:5000/app", Reference("[::1]:5000/app", "latest", "")),
        (f"registry.k8s.io/pause@{DIGEST}", Reference("registry.k8s.io/pause", "", DIGEST)),
        (f"registry.k8s.io/pause:3@{DIGEST}", Reference("registry.k8s.io/pause", "3", DIGEST)),
        ("Registry/app", Reference("Registry/app", "latest", "")),
    ],
)
def test_parse(image: str, expected: Reference) -> None:
    assert parse(image) == expected


@pytest.mark.parametrize(
    ("image", "why"),
    [
        ("", "invalid reference format"),
        (" nginx", "invalid reference format"),
        ("nginx::1", "invalid reference format"),
        ("nginx:", "invalid reference format"),
        ("NGINX", "invalid reference format: repository name (library/NGINX) must be lowercase"),
        ("a" * 64, f"invalid repository name ({'a' * 64}), cannot specify 64-byte hexadecimal strings"),
        ("a/" * 130 + "b", "repository name must not be more than 255 characters"),
        (f"nginx@{DIGEST[:20]}", "invalid reference format"),
    ],
)
def test_bad_names_say_why(image: str, why: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse(image)
    assert str(caught.value) == f'couldn\'t parse image name "{image}": {why}'


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("nginx", "nginx:latest"),
        ("nginx:1", "nginx:1"),
        ("localhost:5000/app", "localhost:5000/app:latest"),
        (f"app@{DIGEST}", f"app@{DIGEST}"),
        (f"app:v1@{DIGEST}", f"app:v1@{DIGEST}"),
    ],
)
def test_a_tag_is_added_without_changing_the_name(image: str, expected: str) -> None:
    assert with_default_tag(image) == expected


@pytest.mark.parametrize(
    ("image", "policy"),
    [("nginx", "Always"), ("nginx:latest", "Always"), ("nginx:1", "IfNotPresent"), (f"nginx@{DIGEST}", "IfNotPresent")],
)
def test_default_pull_policy(image: str, policy: str) -> None:
    assert default_pull_policy(image) == policy
