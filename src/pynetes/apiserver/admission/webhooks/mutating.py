"""MutatingAdmissionWebhook: webhooks are asked one after another, each about what those before it have made.

If one changes the object, all of mutating admission runs a second time, and webhooks with `reinvocationPolicy:
IfNeeded` that were asked before the change are asked again.
"""

from typing import Any

import orjson

from pynetes.apimachinery import json_text
from pynetes.apimachinery.errors import internal
from pynetes.apimachinery.patch import json_patch
from pynetes.apimachinery.schema.checker import plain
from pynetes.apiserver.admission.attributes import Attributes, Plugin, Reinvocation
from pynetes.apiserver.admission.invoked import Invoked
from pynetes.apiserver.admission.matching import is_exempt
from pynetes.apiserver.admission.versions import replace
from pynetes.apiserver.admission.webhooks.caller import Caller, CallError, RejectionError, Versioned
from pynetes.apiserver.admission.webhooks.hooks import Hook, Hooks
from pynetes.apiserver.admission.webhooks.review import Answer

Object = dict[str, Any]

_MUTATION = "mutation.webhook.admission.k8s.io/"
_FAILED_OPEN = "failed-open." + _MUTATION
PATCH_ANNOTATION = "patch.webhook.admission.k8s.io/"


class MutatingAdmissionWebhook(Plugin):
    name = "MutatingAdmissionWebhook"
    waits = True

    def __init__(self, caller: Caller) -> None:
        self.hooks = Hooks("admit")
        self._caller = caller

    def handles(self, attrs: Attributes) -> bool:
        return bool(self.hooks.all) and not is_exempt(attrs)

    async def admit(self, attrs: Attributes) -> None:
        reinvocation = attrs.reinvocation
        invoked = reinvocation.state(self.name, Invoked)
        invoked.begin(attrs)
        for index, hook in enumerate(self.hooks.all):
            await self._one(attrs, hook, index, reinvocation, invoked)
        invoked.end(attrs)

    async def _one(
        self, attrs: Attributes, hook: Hook, index: int, reinvocation: Reinvocation, invoked: Invoked
    ) -> None:
        found = await self._caller.match(hook, attrs)
        if found is None or (reinvocation.running and hook.uid not in invoked.again):
            return
        match, versioned = found
        place = f"round_{int(reinvocation.running)}_index_{index}"
        changed = False
        try:
            answer = await self._caller.ask(hook, attrs, match, versioned)
            changed = await self._apply(hook, attrs, answer, versioned, place)
        except CallError as error:
            self._caller.failed(hook, attrs, error, _FAILED_OPEN + place)
        except RejectionError as error:
            raise error.status from None
        finally:
            attrs.annotations[_MUTATION + place] = _said(hook, mutated=changed)
        if changed:
            invoked.changed(attrs)
        if hook.reinvocable:
            invoked.reinvocable.add(hook.uid)

    async def _apply(self, hook: Hook, attrs: Attributes, answer: Answer, versioned: Versioned, place: str) -> bool:
        """Whether the answer's patch has changed the object."""
        if not answer.patch:
            return False
        operations = _operations(hook, answer)
        if not operations:
            return False
        if versioned.obj is None:
            raise internal(
                f'admission webhook "{hook.name}" attempted to modify the object, which is not supported for this '
                "operation"
            )
        if answer.patch_type != "JSONPatch":
            raise CallError(hook, f'unsupported patch type "{answer.patch_type}"', 400)
        try:
            patched = json_patch.transform(versioned.obj, operations)
            if not isinstance(patched, dict):
                raise internal("the patched object is no object")
            finished = self._caller.versions.finished(patched, versioned.kind)
        except json_patch.PatchError as error:
            raise internal(str(error)) from None
        attrs.annotations[PATCH_ANNOTATION + place] = _said(hook, patch=operations, patchType="JSONPatch")
        if finished == versioned.obj:
            return False
        await replace(attrs, finished, self._caller.versions)
        return True


def _said(hook: Hook, **what: Any) -> str:
    return orjson.dumps({"configuration": hook.configuration, "webhook": hook.name, **what}).decode()


def _operations(hook: Hook, answer: Answer) -> list[Object]:
    try:
        operations: Any = plain(json_text.parse(answer.patch))
    except ValueError as error:
        raise CallError(hook, f"received undecodable patch in webhook response: {error}") from None
    wrong = "" if isinstance(operations, list) else f"{_shape(operations)} into Go value of type jsonpatch.Patch"
    for each in operations if not wrong else ():
        if not isinstance(each, dict):
            wrong = f"{_shape(each)} into Go value of type jsonpatch.Operation"
    if wrong:
        raise CallError(hook, f"received undecodable patch in webhook response: json: cannot unmarshal {wrong}")
    made: list[Object] = operations
    return made


def _shape(value: Any) -> str:
    return {dict: "object", list: "array", str: "string", bool: "bool"}.get(type(value), "number")
