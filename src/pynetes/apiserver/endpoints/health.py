"""/healthz, /livez and /readyz."""

from pynetes.apiserver.http import Answer, Handler, Request, text
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
