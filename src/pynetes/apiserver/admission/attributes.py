"""What an admission plugin is given, and what it has to offer."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

from msgspec import Struct, field

from pynetes.apimachinery.errors import StatusError, forbidden
from pynetes.apimachinery.gvk import GroupVersionKind, GroupVersionResource
from pynetes.apiserver.objects import ObjectReader

if TYPE_CHECKING:
    from pynetes.apiserver.authentication.user import UserInfo

Operation = Literal["CREATE", "UPDATE", "DELETE", "CONNECT"]


class Objects(ObjectReader, Protocol):
    """What plugins read of the cluster."""

    def cached_get(self, gvr: GroupVersionResource, name: str, namespace: str | None = None) -> dict[str, Any] | None:
        """The object as memory has it; None if there is none. Shared: never change it."""
        ...


T = TypeVar("T")


class Reinvocation(Struct):
    """The second run of mutating admission: a plugin that changed the object asks for it, once per request."""

    asked: bool = False
    running: bool = False
    _states: dict[str, Any] = field(default_factory=dict)

    def state(self, plugin: str, make: Callable[[], T]) -> T:
        """What a plugin keeps from the first run to the second."""
        found: T = self._states.setdefault(plugin, None) or make()
        self._states[plugin] = found
        return found


class Attributes(Struct):
    """One write. `obj` is the object as it is going to be (None for DELETE), `old` the stored one (None for CREATE).

    `obj` may be changed in `admit`, never in `validate`; `old` never. `options` is the Create-, Update- or
    DeleteOptions; `patch`: a patch is what does it. For a subresource, `kind` and `obj` are the subresource's (Scale,
    Eviction, Binding).
    """

    operation: Operation
    gvr: GroupVersionResource
    kind: GroupVersionKind
    namespace: str
    name: str
    obj: dict[str, Any] | None
    old: dict[str, Any] | None
    user: "UserInfo"
    subresource: str = ""
    dry_run: bool = False
    options: dict[str, Any] = field(default_factory=dict)
    #: Shown to the client as `Warning` headers.
    warnings: list[str] = field(default_factory=list)
    annotations: dict[str, str] = field(default_factory=dict)
    #: Seconds that webhooks took.
    waits: list[float] = field(default_factory=list)
    reinvocation: Reinvocation = field(default_factory=Reinvocation)
    patch: bool = False
    #: When the request's time is over (`clock.monotonic`).
    deadline: float | None = None

    def is_resource(self, group: str, resource: str, subresource: str = "") -> bool:
        return self.gvr.resource == resource and self.gvr.group == group and self.subresource == subresource

    def forbid(self, why: str) -> StatusError:
        """The 403 that says what is refused and why; an object without a name is called as its name will begin."""
        metadata = (self.obj or {}).get("metadata") or {}
        name = self.name or metadata.get("name") or metadata.get("generateName") or "Unknown"
        return forbidden(self.gvr.group_resource, name, why)


class Plugin:
    """Base of admission plugins; override what applies. Plugins run one after another, in the chain's order."""

    name = ""
    #: Whether the time it takes is that of the webhooks which users have configured.
    waits = False
    #: Whether `handles` looks at operation, resource and subresource alone: then it is asked once for each of these.
    asks_only_kind = False

    def handles(self, attrs: Attributes) -> bool:
        """Cheap: whether `admit` and `validate` are to be called at all."""
        return True

    async def admit(self, attrs: Attributes) -> None:
        """May change `attrs.obj`, or refuse by raising a StatusError."""

    async def validate(self, attrs: Attributes) -> None:
        """Sees the final object; may only refuse."""

    async def close(self) -> None:
        """Lets go of connections."""
