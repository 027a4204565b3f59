"""One write on its way through the registry: who does it, as which resource, with which options."""

from dataclasses import dataclass, field
from typing import Any, Protocol

from pynetes.apimachinery.gvk import GroupVersionKind, GroupVersionResource
from pynetes.apiserver.admission.attributes import Attributes, Operation
from pynetes.apiserver.authentication.user import UserInfo

Object = dict[str, Any]


class Admission(Protocol):
    async def admit(self, attrs: Attributes) -> None: ...
    async def validate(self, attrs: Attributes) -> None: ...


@dataclass(slots=True)
class WriteContext:
    """`gvr` and `kind` are those of the request; `options` the options object that admission sees."""

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
            self.options,
            self.warnings,
            self.annotations,
        )

    async def admit(
        self, operation: Operation, namespace: str, name: str, obj: Object | None, old: Object | None
    ) -> None:
        """Mutating admission; changes `obj` in place."""
        await self.admission.admit(self.attributes(operation, namespace, name, obj, old))

    async def check_delete(self, namespace: str, name: str, old: Object) -> None:
        """All of admission: a delete has nothing to mutate, but both halves may refuse."""
        attrs = self.attributes("DELETE", namespace, name, None, old)
        await self.admission.admit(attrs)
        await self.admission.validate(attrs)

    async def validate(
        self, operation: Operation, namespace: str, name: str, obj: Object | None, old: Object | None
    ) -> None:
        """Validating admission."""
        await self.admission.validate(self.attributes(operation, namespace, name, obj, old))
