"""Which webhooks or policies have been asked in a request, and which must be asked again once others change it."""

from collections.abc import Hashable
from typing import Any

from msgspec import Struct, field

from pynetes.apimachinery import meta
from pynetes.apiserver.admission.attributes import Attributes


class Invoked(Struct):
    """Of one plugin, from the first run to the second."""

    output: dict[str, Any] | None = None
    reinvocable: set[Hashable] = field(default_factory=set)
    again: set[Hashable] = field(default_factory=set)

    def begin(self, attrs: Attributes) -> None:
        if attrs.reinvocation.running and self.output != attrs.obj:
            # Plugins of our own have changed the object since.
            self.require()

    def end(self, attrs: Attributes) -> None:
        self.output = meta.copy(attrs.obj) if attrs.obj is not None else None

    def require(self) -> None:
        """All that were asked before are to be asked again, if they want that."""
        self.again |= self.reinvocable
        self.reinvocable = set()

    def changed(self, attrs: Attributes) -> None:
        """One of the plugin's has changed the object."""
        self.require()
        attrs.reinvocation.asked = True
