"""Managed fields in the hands of admission."""

from typing import Any

from pynetes.apimachinery.gvk import GroupVersionKind, GroupVersionResource
from pynetes.apiserver.admission.attributes import Attributes
from pynetes.apiserver.authentication.user import ANONYMOUS_USER
from pynetes.apiserver.registry.context import WriteContext

ENTRY = {
    "manager": "tool",
    "operation": "Update",
    "apiVersion": "v1",
    "fieldsType": "FieldsV1",
    "fieldsV1": {"f:data": {"f:a": {}}},
}


class Mutating:
    """Sets the entries of what comes by."""

    def __init__(self, entries: Any) -> None:
        self.entries = entries

    async def admit(self, attrs: Attributes) -> None:
        assert attrs.obj is not None
        if self.entries is None:
            attrs.obj["metadata"].pop("managedFields", None)
        else:
            attrs.obj["metadata"]["managedFields"] = self.entries

    async def validate(self, attrs: Attributes) -> None:
        """Nothing to say."""


async def admitted(entries: Any, before: Any) -> tuple[Any, list[str]]:
    gvr, gvk = GroupVersionResource("", "v1", "configmaps"), GroupVersionKind("", "v1", "ConfigMap")
    ctx = WriteContext(ANONYMOUS_USER, gvr, gvk, Mutating(entries))
    obj: dict[str, Any] = {"metadata": {"name": "a"}}
    if before is not None:
        obj["metadata"]["managedFields"] = before
    await ctx.admit("CREATE", "default", "a", obj, None)
    return obj["metadata"].get("managedFields"), ctx.warnings


async def test_admission_may_change_entries() -> None:
    renamed = [{**ENTRY, "manager": "webhook"}]
    assert await admitted(renamed, [ENTRY]) == (renamed, [])
    assert await admitted(None, [ENTRY]) == (None, [])


async def test_what_admission_spoils_is_as_before_and_told() -> None:
    spoilt = [{**ENTRY, "operation": "Nonsense"}]
    entries, warnings = await admitted(spoilt, [ENTRY])
    assert entries == [ENTRY]
    assert warnings == [
        ".metadata.managedFields was in an invalid state after admission; this could be caused by an outdated mutating "
        "admission controller; please fix your requests: operation must be `Apply` or `Update`"
    ]
    assert (await admitted(spoilt, None))[0] is None
