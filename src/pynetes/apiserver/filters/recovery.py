"""The outermost filter: every error becomes an answer, every answer is counted."""

import logging

from pynetes.apimachinery.depth import TooDeepError
from pynetes.apimachinery.errors import StatusError, bad_request, internal, store_failed
from pynetes.apiserver.encoding import JSON
from pynetes.apiserver.filters.measures import count, track
from pynetes.apiserver.http import Answer, Handler, Request, Response
from pynetes.apiserver.negotiation import MediaType, negotiate
from pynetes.component import clock
from pynetes.storage import StoreUnavailable

log = logging.getLogger(__name__)


def with_recovery(handler: Handler) -> Handler:
    async def handle(request: Request) -> Answer:
        time = clock.timer()
        started = time()
        answer: Answer
        try:
            answer = await handler(request)
        except StatusError as error:
            answer = status_response(request, error)
        except ConnectionError:
            raise
        except StoreUnavailable as error:
            log.warning("%s %s: %s", request.method, request.path, error)
            answer = status_response(request, store_failed(error))
        except (TooDeepError, RecursionError):
            answer = status_response(request, bad_request(str(TooDeepError())))
        except Exception:
            log.exception("%s %s (audit ID %s) failed", request.method, request.path, request.audit_id)
            message = "This request caused apiserver to panic. Look in the logs for details."
            answer = status_response(request, internal(message))
        count(request, answer, time() - started)
        track(request, answer)
        return answer

    return handle


def status_response(request: Request, error: StatusError) -> Response:
    """The error as the client reads it: a v1.Status in the negotiated format, or in indented JSON if there is none."""
    negotiable = True
    try:
        media = negotiate(request, "errors")
    except StatusError:
        media, negotiable = MediaType(JSON, pretty=True), False
    response = Response(error.code, media.codec.encode(error.status(), media.pretty), media.codec.media_type)
    response.is_object = negotiable
    response.headers.update(error.headers)
    retry = error.details.get("retryAfterSeconds")
    if retry:
        response.headers["Retry-After"] = str(retry)
    return response
