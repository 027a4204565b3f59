"""What a volume plugin is, and what the volume manager hands to it."""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Literal, Protocol

from msgspec import Struct, field

Propagation = Literal["PRIVATE", "HOST_TO_CONTAINER", "BIDIRECTIONAL"]


class VolumeError(Exception):
    """A volume cannot be mounted now; the text is what the FailedMount event says. The pod worker retries."""


class Mount(Struct, frozen=True):
    """One mount of a container, in CRI's terms. `recursive_read_only` only where the runtime supports it."""

    container_path: str
    host_path: str
    readonly: bool = False
    propagation: Propagation = "PRIVATE"
    recursive_read_only: bool = False
    image: str = ""
    """The reference of an image that the runtime mounts; then `host_path` is empty."""
    image_sub_path: str = ""


class TokenRequest(Struct, frozen=True):
    """What a bound service account token is asked for."""

    namespace: str
    service_account: str
    audience: str
    expiration_seconds: int
    pod_name: str
    pod_uid: str
    node_name: str


class Token(Struct, frozen=True):
    """A token with its life span in wall-clock seconds."""

    value: str
    issued: float
    expires: float


class Sources(Struct, frozen=True):
    """Where plugins read cluster objects from. The object callables wait until the object was read once and return
    None when it does not exist."""

    config_map: Callable[[str, str], Awaitable[dict[str, Any] | None]]
    secret: Callable[[str, str], Awaitable[dict[str, Any] | None]]
    token: Callable[[TokenRequest], Awaitable[Token]]
    node: Callable[[], dict[str, Any] | None]


class VolumeContext(Struct):
    """One volume of one pod: what a plugin works on.

    `path` is the volume's own directory, `<root>/pods/<uid>/volumes/<escaped plugin name>/<volume name>`.
    """

    pod: dict[str, Any]
    volume: dict[str, Any]
    path: Path
    sources: Sources

    @property
    def namespace(self) -> str:
        return str(self.pod["metadata"]["namespace"])

    @property
    def name(self) -> str:
        return str(self.volume["name"])

    @property
    def fs_group(self) -> int | None:
        value = (self.pod["spec"].get("securityContext") or {}).get("fsGroup")
        return None if value is None else int(value)


class MountedVolume(Struct, frozen=True):
    """A volume that is ready: where it lies on the node and how containers must take it."""

    name: str
    path: str
    plugin: str
    readonly: bool = False
    #: Reference of the image that the runtime shall mount; `path` is empty then.
    image: str = ""
    #: Object keys ("ConfigMap", ns, name) whose change must rewrite the volume.
    watches: frozenset[tuple[str, str, str]] = field(default_factory=frozenset)
    #: Wall-clock second at which the content must be made anew (token renewal); None for never.
    refresh_at: float | None = None


class VolumePlugin(Protocol):
    """A kind of volume. `name` is upstream's plugin name, `source` the key in the pod's volume."""

    name: str
    source: str

    async def set_up(self, context: VolumeContext) -> MountedVolume:
        """Makes the volume or brings it up to date; idempotent, called at every pod sync and refresh."""
        ...

    async def tear_down(self, path: Path) -> None:
        """Removes what `set_up` made, knowing only the volume's directory (the pod may be long gone)."""
        ...


PluginTable = Mapping[str, VolumePlugin]
