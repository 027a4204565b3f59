"""One write on its way through the registry: who does it, as which resource, with which options."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from msgspec import Struct, field

from pynetes.apimachinery.gvk import GroupVersionKind, GroupVersionResource
from pynetes.apimachinery.managedfields import EntriesError, decode
from pynetes.apiserver.admission.attributes import Attributes, Operation
from pynetes.apiserver.authentication.user import UserInfo

Object = dict[str, Any]

_SPOILT = (
    ".metadata.managedFields was in an invalid state after admission; this could be caused by an outdated mutating "
    "admission controller; please fix your requests: "
)


class Admission(Protocol):
    async def admit(self, attrs: Attributes) -> None: ...
    async def validate(self, attrs: Attributes) -> None: ...


class Unchecked:
    """Admission that has no say: the server itself writes, in consequence of what has been admitted."""

    async def admit(self, attrs: Attributes) -> None:
        return None

    async def validate(self, attrs: Attributes) -> None:
        return None


_OPTIONS: dict[Operation, str] = {"CREATE": "CreateOptions", "UPDATE": "UpdateOptions"}


class WriteContext(Struct):
    """`gvr` and `kind` are those of the request; `options` the request's own, of which admission sees those that go
    with what is done: a patch updates or creates.

    `check_create` is asked, and may refuse, when an update turns out to be a create.
    """

    user: UserInfo
    gvr: GroupVersionResource
    kind: GroupVersionKind
    admission: Admission
    subresource: str = ""
    dry_run: bool = False
    field_manager: str = ""
    options: Object = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    annotations: dict[str, str] = field(default_factory=dict)
    check_create: Callable[[], Awaitable[None]] | None = None
    #: Seconds that webhooks took.
    waits: list[float] = field(default_factory=list)
    #: Bytes of the request's body.
    size: int = 0
    #: As the request's.
    deadline: float | None = None
    #: Whether a whole collection is deleted: of its objects admission sees no names, as the request has none.
    collective: bool = False
    #: Whether it is an apply: for its managed fields' sake, not in spite of them.
    applies: bool = False

    @property
    def patches(self) -> bool:
        return self.options.get("kind") == "PatchOptions"

    def attributes(
        self, operation: Operation, namespace: str, name: str, obj: Object | None, old: Object | None
    ) -> Attributes:
        return Attributes(
            operation,
            self.gvr,
            self.kind,
            namespace,
            name,
            obj,
            old,
            self.user,
            self.subresource,
            self.dry_run,
            self._options_of(operation),
            self.warnings,
            self.annotations,
            self.waits,
            patch=self.patches,
            deadline=self.deadline,
        )

    def _options_of(self, operation: Operation) -> Object:
        kind = _OPTIONS.get(operation)
        if kind is None or self.options.get("kind") in (None, kind):
            return self.options
        return {field: value for field, value in self.options.items() if field != "force"} | {"kind": kind}

    async def admit(
        self, operation: Operation, namespace: str, name: str, obj: Object | None, old: Object | None
    ) -> None:
        """Mutating admission; changes `obj` in place. Managed fields that it spoils are as they were before."""
        before = obj["metadata"].get("managedFields") if obj is not None and "metadata" in obj else None
        await self.admission.admit(self.attributes(operation, namespace, name, obj, old))
        if obj is not None and "metadata" in obj:
            self._check_entries(obj["metadata"], before)

    def _check_entries(self, metadata: Object, before: Any) -> None:
        entries = metadata.get("managedFields")
        if entries is before:
            return
        try:
            decode(entries, before)
        except EntriesError as error:
            self.warnings.append(_SPOILT + str(error))
            metadata["managedFields"] = before
            if before is None:
                del metadata["managedFields"]

    async def check_delete(self, namespace: str, name: str, old: Object) -> None:
        """All of admission: a delete has nothing to mutate, but both halves may refuse."""
        attrs = self.attributes("DELETE", namespace, "" if self.collective else name, None, old)
        await self.admission.admit(attrs)
        await self.admission.validate(attrs)

    async def validate(
        self, operation: Operation, namespace: str, name: str, obj: Object | None, old: Object | None
    ) -> None:
        """Validating admission, and whether an update may create."""
        if operation == "CREATE" and self.check_create is not None:
            await self.check_create()
        await self.admission.validate(self.attributes(operation, namespace, name, obj, old))
