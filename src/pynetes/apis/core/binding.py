"""Binding: which node a pod shall run on. Created, never stored."""

from pynetes.apimachinery.errors import FieldError
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import Object, Strategy


class BindingStrategy(Strategy):
    def validate(self, obj: Object) -> list[FieldError]:
        found = FieldErrors()
        target = obj.get("target") or {}
        if target.get("kind") not in (None, "", "Node"):
            found.not_supported("target.kind", target["kind"], ("Node", "<empty>"))
        found.present("target.name", target.get("name"))
        return found
