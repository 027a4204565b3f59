"""Objects of a custom resource from one version to another: by name alone, or by a webhook."""

from collections.abc import Sequence
from typing import Any, Protocol

from pynetes.apimachinery import json_writer
from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apimachinery.managedfields import ConversionNeeded
from pynetes.apimachinery.meta import copy
from pynetes.apimachinery.validation import validate_annotations, validate_labels
from pynetes.apiserver.webhooks.client import ClientConfig, WebhookClient, WebhookError
from pynetes.component.uids import new_uid

Object = dict[str, Any]

_GROUP = "apiextensions.k8s.io"
_TIMEOUT = 30.0
_REVIEWS = ("v1", "v1beta1")
#: Of metadata, a webhook changes these two; the rest is put back as it was.
_CONVERTED_METADATA = ("labels", "annotations")


class Converter(Protocol):
    async def convert(self, objects: Sequence[Object], api_version: str) -> list[Object]:
        """Each object in the version, in order; those that are given may be changed. StatusError 500."""
        ...


class NoConversion:
    """The versions differ in nothing but their name."""

    async def convert(self, objects: Sequence[Object], api_version: str) -> list[Object]:
        return [{**obj, "apiVersion": api_version} for obj in objects]


class ConversionAnswers:
    """A converter for those who cannot wait (managed fields, in the midst of their rules): it gives what it knows, and
    says what it has to ask for."""

    def __init__(self, converter: Converter, limit: int = 256) -> None:
        self._converter = converter
        self._limit = limit
        self._known: dict[tuple[str, bytes], Object] = {}

    def __call__(self, obj: Object, kind: GroupVersionKind) -> Object:
        if isinstance(self._converter, NoConversion):
            return {**obj, "apiVersion": kind.api_version}
        known = self._known.get((kind.api_version, json_writer.encode(obj)))
        if known is None:
            raise ConversionNeeded(obj, kind)
        return known

    async def fill(self, needed: ConversionNeeded) -> None:
        """StatusError 500."""
        key = (needed.kind.api_version, json_writer.encode(needed.obj))
        (converted,) = await self._converter.convert([copy(needed.obj)], needed.kind.api_version)
        if len(self._known) >= self._limit:
            del self._known[next(iter(self._known))]
        self._known[key] = converted


class WebhookConversion:
    """Asks the webhook of a definition, with all objects at once; where it answers for others than were sent, one by
    one, as the original always does: some know nothing else."""

    def __init__(self, definition: Object, webhooks: WebhookClient) -> None:
        webhook = definition["spec"]["conversion"]["webhook"]
        self._config = ClientConfig.of(webhook["clientConfig"])
        self._versions: list[str] = webhook.get("conversionReviewVersions") or []
        self._webhooks = webhooks

    async def convert(self, objects: Sequence[Object], api_version: str) -> list[Object]:
        wanted = [obj for obj in objects if obj.get("apiVersion") != api_version]
        if not wanted:
            return list(objects)
        kind = GroupVersionKind.of(wanted[0])
        try:
            answers = iter(await self._converted(wanted, api_version))
            return [
                obj if obj.get("apiVersion") == api_version else _accepted(obj, next(answers), api_version)
                for obj in objects
            ]
        except WebhookError as error:
            raise StatusError(500, "", f"conversion webhook for {kind} failed: {error}") from None
        except _Malformed as error:
            raise StatusError(500, "", f"conversion webhook for {kind} {error.verb} {error}") from None

    async def _converted(self, objects: list[Object], api_version: str) -> list[Any]:
        try:
            return await self._ask(objects, api_version)
        except _Miscounted:
            if len(objects) == 1:
                raise
        return [(await self._ask([obj], api_version))[0] for obj in objects]

    async def _ask(self, objects: list[Object], api_version: str) -> list[Any]:
        review_version = next((version for version in self._versions if version in _REVIEWS), None)
        if review_version is None:
            raise WebhookError("no supported conversion review versions")
        uid = new_uid()
        review = {
            "kind": "ConversionReview",
            "apiVersion": f"{_GROUP}/{review_version}",
            "request": {"uid": uid, "desiredAPIVersion": api_version, "objects": objects},
        }
        answer = await self._webhooks.call(self._config, review, timeout=_TIMEOUT)
        return converted_objects(answer, uid, review_version, len(objects))


class _Malformed(Exception):
    """The webhook answered what it must not. `verb` leads to the text."""

    def __init__(self, text: str, verb: str = "returned invalid object:") -> None:
        super().__init__(text)
        self.verb = verb


class _Miscounted(_Malformed):
    def __init__(self, count: int, expected: int) -> None:
        super().__init__(f"{count} objects, expected {expected}", "returned")


def converted_objects(review: Object, uid: str, review_version: str, count: int) -> list[Any]:
    """What a ConversionReview brings back."""
    response = review.get("response")
    if review_version == "v1":
        found = GroupVersionKind.of(review)
        wanted = GroupVersionKind(_GROUP, "v1", "ConversionReview")
        if found != wanted:
            raise WebhookError(f"expected webhook response of {wanted}, got {found}")
    if not isinstance(response, dict):
        raise WebhookError("no response provided")
    if review_version == "v1" and response.get("uid", "") != uid:
        raise WebhookError(f'expected response.uid="{uid}", got "{response.get("uid", "")}"')
    result = response.get("result") or {}
    if result.get("status") != "Success":
        raise WebhookError(
            result.get("message") or f"response.result.status was '{result.get('status', '')}', not 'Success'"
        )
    objects = response.get("convertedObjects") or []
    if len(objects) != count:
        raise _Miscounted(len(objects), count)
    return list(objects)


def _accepted(original: Object, converted: Any, api_version: str) -> Object:
    """A converted object is taken if it is of the version and the same object; metadata stays but for labels and
    annotations."""
    if not isinstance(converted, dict):
        raise _Malformed("not an object")
    group_version = converted.get("apiVersion")
    if group_version != api_version:
        raise _Malformed(
            f"invalid groupVersion (expected {api_version}, received {group_version})",
            "returned invalid object at index 0:",
        )
    if converted.get("kind") != original.get("kind"):
        text = f"invalid kind (expected {original.get('kind')}, received {converted.get('kind')})"
        raise _Malformed(text, "returned invalid object at index 0:")
    metadata = converted.get("metadata")
    stated = metadata if isinstance(metadata, dict) else {}
    for field, title in (("name", "name"), ("namespace", "namespace"), ("uid", "UID")):
        before, after = original["metadata"].get(field) or "", stated.get(field) or ""
        if before != after:
            raise _Malformed(f"must have the same {title}: {before} != {after}")
    if metadata is None:
        raise _Malformed("missing metadata in converted object", "returned invalid metadata:")
    if not isinstance(metadata, dict):
        raise _Malformed(f"invalid metadata of type {type(metadata).__name__}", "returned invalid metadata:")
    return {**converted, "metadata": _metadata(original["metadata"], metadata)}


def _metadata(original: Object, converted: Object) -> Object:
    out: Object = copy(original)
    for field in _CONVERTED_METADATA:
        values = converted.get(field)
        if values is None:
            out.pop(field, None)
            continue
        if not isinstance(values, dict):
            raise _Malformed(f"invalid metadata.{field} in converted object", "returned invalid metadata:")
        for key, value in values.items():
            if not isinstance(value, str):
                text = f"metadata.{field}[{key}] must be a string, but is {type(value).__name__} in converted object"
                raise _Malformed(text, "returned invalid metadata:")
        if values != original.get(field):
            errors = validate_labels(values) if field == "labels" else validate_annotations(values)
            if errors:
                raise _Malformed(str(errors[0]), "returned invalid metadata:")
        out[field] = values
    return out


def converter_of(definition: Object, webhooks: WebhookClient) -> Converter:
    conversion = definition["spec"].get("conversion") or {}
    return WebhookConversion(definition, webhooks) if conversion.get("strategy") == "Webhook" else NoConversion()
