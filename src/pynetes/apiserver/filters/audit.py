"""Notes requests as the audit policy wants it: when they come, when a stream begins, and how they end."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from pynetes.apimachinery.errors import StatusError, internal
from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apiserver.audit import event as events
from pynetes.apiserver.audit.auditor import Auditor, rejected
from pynetes.apiserver.audit.policy import COMPLETE, NONE, PANIC, RECEIVED, REQUEST_RESPONSE, STARTED, Noted
from pynetes.apiserver.filters.info import long_running
from pynetes.apiserver.filters.recovery import status_response
from pynetes.apiserver.http import Answer, Filter, Handler, Request, Response, StreamResponse
from pynetes.component import clock

if TYPE_CHECKING:
    from aiohttp.web_request import BaseRequest
    from aiohttp.web_response import StreamResponse as AiohttpStream

log = logging.getLogger(__name__)

Object = dict[str, Any]
Takeover: TypeAlias = "Callable[[BaseRequest], Awaitable[AiohttpStream]]"


def with_audit(auditor: Auditor) -> Filter:
    def wrap(handler: Handler) -> Handler:
        async def handle(request: Request) -> Answer:
            assert request.info is not None
            noted = auditor.noted(request.user, request.info)
            if noted.level == NONE:
                return await handler(request)
            return await _Audited(auditor, request, noted).run(handler)

        return handle

    return wrap


class _Audited:
    """One request that is noted."""

    def __init__(self, auditor: Auditor, request: Request, noted: Noted) -> None:
        self._auditor = auditor
        self._request = request
        self._noted = noted
        self._event = events.new(request, noted, clock.now())
        request.note = self._note_object

    async def run(self, handler: Handler) -> Answer:
        await self._tell(RECEIVED)
        try:
            answer = await handler(self._request)
        except StatusError as error:
            # Answered here and not further out, so that the answer can be noted.
            answer = status_response(self._request, error)
        except BaseException:
            self._note_user()
            self._event["responseStatus"] = {
                "metadata": {},
                "status": "Failure",
                "reason": "InternalError",
                "code": 500,
            }
            await self._tell(PANIC)
            raise
        self._note_user()
        if isinstance(answer, StreamResponse):
            self._event["responseStatus"] = {"metadata": {}, "code": answer.status}
            await self._tell(STARTED)
            answer.chunks = self._until_the_end(answer.chunks)
        elif isinstance(answer, Response):
            events.note_response(self._event, self._noted, answer, self._request.path)
            if long_running(self._request):
                await self._tell(STARTED)
            await self._tell(COMPLETE)
        else:
            self._event["responseStatus"] = {"metadata": {}, "code": 101}
            answer.run = self._from_start_to_end(answer.run)
        return answer

    def _from_start_to_end(self, run: Takeover) -> Takeover:
        async def noted(raw: "BaseRequest") -> "AiohttpStream":
            await self._tell(STARTED)
            try:
                return await run(raw)
            finally:
                await self._tell(COMPLETE)

        return noted

    async def _until_the_end(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        try:
            async for chunk in chunks:
                yield chunk
        finally:
            close = getattr(chunks, "aclose", None)
            if close is not None:
                await close()
            await self._tell(COMPLETE)

    def _note_user(self) -> None:
        impersonator = self._request.context.get("impersonator")
        if impersonator is not None and self._request.user is not None:
            self._event["user"] = impersonator.to_wire()
            self._event["impersonatedUser"] = self._request.user.to_wire()
            if constraint := self._request.context.get("constraint"):
                self._event["authenticationMetadata"] = {"impersonationConstraint": constraint}

    def _note_object(self, obj: Any, kind: GroupVersionKind | None) -> None:
        events.note_object(self._event, self._noted, obj, kind)

    async def _tell(self, stage: str) -> None:
        if stage in self._noted.omitted:
            return
        event = events.at_stage(self._event, stage, clock.now(), self._request.annotations)
        try:
            await self._auditor.write(event)
        except OSError as error:
            log.error("audit event %s of %s is lost: %s", stage, self._request.audit_id, error)
            if self._auditor.strict and stage == RECEIVED:
                rejected.inc()
                raise internal(f"failed to write the audit event: {error}") from None


def with_failed_authentication_audit(auditor: Auditor) -> Filter:
    """Around authentication: who could not say who they are is noted, too."""

    def wrap(handler: Handler) -> Handler:
        async def handle(request: Request) -> Answer:
            try:
                return await handler(request)
            except StatusError as error:
                if error.code == 401 and request.user is None:
                    await _note_failed_authentication(auditor, request, error)
                raise

        return handle

    return wrap


async def _note_failed_authentication(auditor: Auditor, request: Request, error: StatusError) -> None:
    assert request.info is not None
    noted = auditor.noted(None, request.info)
    if noted.level == NONE or STARTED in noted.omitted:
        return
    now = clock.now()
    event = events.new(request, noted, now)
    status = {"metadata": {}, "status": "Failure", "message": error.message, "reason": error.reason}
    event["responseStatus"] = {**status, "code": error.code}
    if noted.at_least(REQUEST_RESPONSE):
        event["responseObject"] = error.status()
    try:
        await auditor.write(events.at_stage(event, STARTED, now, request.annotations))
    except OSError as fault:
        log.error("audit event of %s is lost: %s", request.audit_id, fault)
