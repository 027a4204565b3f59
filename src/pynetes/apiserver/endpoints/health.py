"""/healthz, /livez and /readyz; /statusz and /flagz."""

from collections.abc import Callable

from msgspec.structs import fields

from pynetes import KUBERNETES_VERSION
from pynetes.apimachinery.flagtext import flag_text
from pynetes.apiserver.config import FLAGS, APIServerConfig
from pynetes.apiserver.http import Answer, Handler, Request, Response, text
from pynetes.component import serving, zpages
from pynetes.component.health import HealthGroup


def handler(group: HealthGroup) -> Handler:
    """Serves `/<group>` and each `/<group>/<check>`."""
    root = f"/{group.name}"

    async def handle(request: Request) -> Answer:
        check = request.path.removeprefix(root).strip("/")
        status, body = await group.answer(
            check, verbose="verbose" in request.query, exclude=request.query.get("exclude", ())
        )
        if check and status == 200:
            return Response(status, body.encode(), "text/plain; charset=utf-8")
        return text(body, status)

    return handle


#: What else there is to look at; `statusz` names it.
_PATHS = ("/flagz", "/healthz", "/livez", "/metrics", "/readyz", "/statusz", "/version")
#: What the original calls itself here.
_NAME = "apiserver"
#: Holds a password, if the store has one.
_SECRET = frozenset(("storage",))


def statusz() -> Handler:
    process = zpages.this_process(_NAME, KUBERNETES_VERSION)
    return _zpage(lambda request: zpages.statusz(request, process, _PATHS))


def flagz(config: APIServerConfig) -> Handler:
    shown = flags(config)
    return _zpage(lambda request: zpages.flagz(request, _NAME, shown))


def flags(config: APIServerConfig) -> dict[str, str]:
    """By flag; what may hold a password is CLASSIFIED, as upstream calls it."""
    found = {}
    for field in fields(config):
        flag = FLAGS.get(field.name, field.name.replace("_", "-"))
        found[flag] = "CLASSIFIED" if field.name in _SECRET else flag_text(getattr(config, field.name))
    return found


def _zpage(answer: Callable[[serving.Request], serving.Answer]) -> Handler:
    async def handle(request: Request) -> Answer:
        headers = {name: request.headers.get(name, "") for name in ("accept", "user-agent")}
        asked = answer(serving.Request(request.path, query=request.query, headers=headers))
        return Response(asked.status, asked.body, asked.content_type, dict(asked.headers))

    return handle
