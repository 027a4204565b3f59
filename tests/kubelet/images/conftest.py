"""A runtime's image service in memory, and the events that the image manager records."""

from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest

from pynetes.kubelet.cri import runtime_pb2 as pb
from pynetes.kubelet.cri.channel import CRIError
from pynetes.kubelet.images import ImageManager


@dataclass
class Images:
    """`registry` maps image names to the user that may pull them ("" for everybody)."""

    present: dict[str, pb.Image] = field(default_factory=dict)
    registry: dict[str, str] = field(default_factory=dict)
    pulls: list[tuple[str, str]] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    error: str = ""

    async def image_status(self, image: str) -> pb.Image | None:
        if self.error:
            raise CRIError("ImageStatus", grpc.StatusCode.UNKNOWN, self.error)
        by_id = {found.id: found for found in self.present.values()}
        return self.present.get(image) or by_id.get(image)

    async def pull_image(self, image: str, *, auth: pb.AuthConfig | None = None, **options: Any) -> str:
        user = auth.username if auth else ""
        self.pulls.append((image, user))
        if image not in self.registry:
            raise CRIError("PullImage", grpc.StatusCode.NOT_FOUND, f"{image}: not found")
        if self.registry[image] not in ("", user):
            raise CRIError("PullImage", grpc.StatusCode.UNKNOWN, "401 Unauthorized")
        self.present[image] = pb.Image(id=f"sha256:{image}", repo_tags=[image], size=1000)
        return f"sha256:{image}"

    async def list_images(self) -> list[pb.Image]:
        return list(self.present.values())

    async def remove_image(self, image: str) -> None:
        if self.error:
            raise CRIError("RemoveImage", grpc.StatusCode.UNKNOWN, self.error)
        self.removed.append(image)
        self.present = {name: found for name, found in self.present.items() if found.id != image}


@dataclass
class Fixture:
    images: Images
    manager: ImageManager
    events: list[tuple[str, str, str]]
    secrets: dict[str, Any]

    async def ensure(
        self, image: str, policy: str = "", secrets: tuple[str, ...] = (), uid: str = "u"
    ) -> tuple[str, str]:
        pod = {
            "metadata": {"name": "p", "namespace": "ns", "uid": uid},
            "spec": {"imagePullSecrets": [{"name": name} for name in secrets]},
        }
        container = {"name": "c", "image": image, **({"imagePullPolicy": policy} if policy else {})}
        found = await self.manager.ensure_image(pod, container)
        return found.ref, found.message


@pytest.fixture
def setup(tmp_path: Any) -> Fixture:
    images, events, secrets = Images(), list[tuple[str, str, str]](), dict[str, Any]()

    async def secret(namespace: str, name: str) -> Any:
        return secrets.get(name)

    manager = ImageManager(
        images,  # type: ignore[arg-type]
        event=lambda pod, container, type, reason, message: events.append((type, reason, message)),
        secret=secret,
        records=tmp_path / "records",
    )
    return Fixture(images, manager, events, secrets)
