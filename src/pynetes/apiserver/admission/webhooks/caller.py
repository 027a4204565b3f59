"""Asking one webhook, and what becomes of its answer or of there being none."""

import logging
from math import ceil
from typing import Any

from msgspec import Struct

from pynetes.apimachinery.errors import StatusError, bad_request, internal
from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apiserver.admission.attributes import Attributes, Objects
from pynetes.apiserver.admission.expressions.activation import Activation, settled
from pynetes.apiserver.admission.matching import Match
from pynetes.apiserver.admission.measures import WEBHOOK_FAIL_OPEN, webhook_called, webhook_rejected
from pynetes.apiserver.admission.versions import Versions
from pynetes.apiserver.admission.webhooks.hooks import Hook
from pynetes.apiserver.admission.webhooks.review import (
    Answer,
    InvalidResponseError,
    UndecodableError,
    answer_of,
    review,
)
from pynetes.apiserver.authorization.attributes import Authorizer
from pynetes.apiserver.webhooks.client import WebhookClient, WebhookError
from pynetes.apiserver.webhooks.credentials import Credentials
from pynetes.component import clock
from pynetes.component.uids import new_uid

log = logging.getLogger(__name__)

Object = dict[str, Any]


class CallError(Exception):
    """The webhook could not be asked or did not answer properly: its failure policy decides."""

    def __init__(self, hook: Hook, why: str, code: int = 503) -> None:
        super().__init__(f'failed calling webhook "{hook.name}": {why}')
        self.code = code


class RejectionError(Exception):
    """The webhook has refused the request."""

    def __init__(self, status: StatusError) -> None:
        super().__init__(status.message)
        self.status = status


class Versioned(Struct):
    """The request's objects in the version of a match."""

    kind: GroupVersionKind
    obj: Object | None
    old: Object | None


class Caller:
    """What both plugins share. `type` is the name of metrics: admit or validating."""

    def __init__(
        self,
        client: WebhookClient,
        objects: Objects,
        versions: Versions,
        authorizer: Authorizer,
        type: str,
        credentials: Credentials | None = None,
    ) -> None:
        self._client = client
        self._credentials = credentials
        self._objects = objects
        self.versions = versions
        self._authorizer = authorizer
        self._type = type

    async def versioned(self, attrs: Attributes, match: Match) -> Versioned:
        try:
            obj = await self.versions.convert(attrs.obj, match.kind)
            old = await self.versions.convert(attrs.old, match.kind)
        except ValueError as error:
            raise internal(str(error)) from None
        return Versioned(match.kind, obj, old)

    async def match(self, hook: Hook, attrs: Attributes) -> tuple[Match, Versioned] | None:
        """How the webhook is meant by the request; None if it is not. StatusError if that cannot be told."""
        match = await hook.matcher.match(attrs, self._objects, self.versions)
        if match is None:
            return None
        versioned = await self.versioned(attrs, match)
        if not hook.conditions:
            return match, versioned
        activation = Activation(attrs, match.kind, match.resource, versioned.obj, versioned.old, self._authorizer)
        matched = await settled(activation, lambda: hook.conditions.match(activation))
        if matched.problem:
            log.warning("match conditions of webhook %s failed, failing closed: %s", hook.name, matched.problem)
            raise attrs.forbid(matched.problem)
        return (match, versioned) if matched.matches else None

    async def ask(self, hook: Hook, attrs: Attributes, match: Match, versioned: Versioned) -> Answer:
        """An answer that allows. CallError, RejectionError, or StatusError for what is neither's fault.

        Counts the call, and leaves warnings and audit annotations with the request.
        """
        started = clock.monotonic()
        code, rejected = 200, False
        try:
            return await self._ask(hook, attrs, match, versioned)
        except CallError as error:
            code, rejected = error.code, not hook.ignores_failures
            if rejected:
                webhook_rejected(hook.name, self._type, attrs.operation, "calling_webhook_error", code)
            raise
        except RejectionError as error:
            code, rejected = error.status.code, True
            webhook_rejected(hook.name, self._type, attrs.operation, "no_error", code)
            raise
        except StatusError:
            code, rejected = 0, True
            webhook_rejected(hook.name, self._type, attrs.operation, "apiserver_internal_error", 0)
            raise
        finally:
            seconds = clock.monotonic() - started
            webhook_called(hook.name, self._type, attrs.operation, seconds, code, rejected=rejected)

    async def _ask(self, hook: Hook, attrs: Attributes, match: Match, versioned: Versioned) -> Answer:
        if attrs.dry_run and not hook.bears_dry_run:
            if hook.side_effects is None:
                raise CallError(hook, "Webhook SideEffects is nil", 400)
            raise bad_request(f'admission webhook "{hook.name}" does not support dry run')
        if not hook.review_version:
            why = "webhook does not accept known AdmissionReview versions (v1, v1beta1)"
            raise CallError(hook, f"could not create admission objects: {why}", 400)
        uid = new_uid()
        question = review(hook.review_version, uid, attrs, match, versioned.obj, versioned.old)
        left = None if attrs.deadline is None else max(1, ceil(attrs.deadline - clock.monotonic()))
        try:
            given = await self._client.call(
                hook.client, question, timeout=hook.timeout, left=left, credentials=self._credentials
            )
            answer = answer_of(given, hook.review_version, uid, mutating=self._type == "admit")
        except (WebhookError, UndecodableError) as error:
            raise CallError(hook, f"failed to call webhook: {error}") from None
        except InvalidResponseError as error:
            raise CallError(hook, f"received invalid webhook response: {error}") from None
        for key, value in answer.annotations.items():
            attrs.annotations[f"{hook.name}/{key}"] = str(value)
        attrs.warnings += [warning for warning in answer.warnings if isinstance(warning, str)]
        if not answer.allowed:
            raise RejectionError(denial(hook.name, answer.result))
        return answer

    def failed(self, hook: Hook, attrs: Attributes, error: CallError, annotation: str) -> None:
        """Lets the request go on, or raises what ends it, by the webhook's failure policy."""
        if not hook.ignores_failures:
            log.warning("%s, failing closed", error)
            raise internal(str(error)) from None
        log.warning("%s, failing open", error)
        WEBHOOK_FAIL_OPEN.labels(hook.name, self._type).inc()
        attrs.annotations[annotation] = hook.name


def denial(name: str, result: Object | None) -> StatusError:
    """What the client is told of a refusal: the webhook's code, reason and details, its message behind its name."""
    result = result or {}
    denied = f'admission webhook "{name}" denied the request'
    code = result.get("code") or 0
    code = code if isinstance(code, int) and code >= 400 else 400
    reason = str(result.get("reason") or "")
    message = f"{denied}: {result['message']}" if result.get("message") else ""
    message = message or (f"{denied}: {reason}" if reason else f"{denied} without explanation")
    details = result.get("details")
    return StatusError(code, reason, message, details if isinstance(details, dict) else None)
