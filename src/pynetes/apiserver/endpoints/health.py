"""/healthz, /livez and /readyz; /statusz."""

from pynetes import KUBERNETES_VERSION
from pynetes.apiserver.http import Answer, Handler, Request, Response, text
from pynetes.component import serving, zpages
from pynetes.component.health import HealthGroup


def handler(group: HealthGroup) -> Handler:
    """Serves `/<group>` and `/<group>/<check>`."""
    root = f"/{group.name}"

    async def handle(request: Request) -> Answer:
        check = request.path.removeprefix(root).strip("/")
        status, body = await group.answer(
            check, verbose="verbose" in request.query, exclude=request.query.get("exclude", ())
        )
        answer = text(body, status)
        answer.headers["X-Content-Type-Options"] = "nosniff"
        return answer

    return handle


#: What else there is to look at; `statusz` names it.
_PATHS = ("/healthz", "/livez", "/metrics", "/readyz", "/statusz", "/version")


def statusz() -> Handler:
    process = zpages.this_process("kube-apiserver", KUBERNETES_VERSION)

    async def handle(request: Request) -> Answer:
        asked = serving.Request(request.path, headers={"accept": request.headers.get("Accept", "")})
        answer = zpages.statusz(asked, process, _PATHS)
        return Response(answer.status, answer.body, answer.content_type, dict(answer.headers))

    return handle
