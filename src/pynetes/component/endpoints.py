"""What every component answers about itself, whoever asks: health, metrics, configuration, flags, status.

`Endpoints` is the table of paths; `serving.Server` serves it in the clear, `client.secureserving` over HTTPS to those
who may. To add a path: `add` with a handler.
"""

import json
from collections.abc import Mapping
from typing import Any

from pynetes.component import metrics, zpages
from pynetes.component.health import HealthGroup
from pynetes.component.serving import NOT_FOUND, Answer, Handler, Request, text


class Endpoints:
    """Paths and who answers them; what is not there is not found.

    `configz`: name → configuration, as /configz shows it. `flags`: the flags in force, as /flagz shows them. `process`
    gives /statusz. What is None is not served.
    """

    def __init__(
        self,
        *groups: HealthGroup,
        configz: Mapping[str, Any] | None = None,
        flags: Mapping[str, str] | None = None,
        process: zpages.Process | None = None,
        with_metrics: bool = True,
    ) -> None:
        self._exact: dict[str, Handler] = {}
        self._below: dict[str, Handler] = {}
        for group in groups:
            self.add_health(group)
        if with_metrics:
            self.add("/metrics", _metrics)
            self.add("/metrics/slis", _slis)
        if configz is not None:
            self.add("/configz", _fixed(json.dumps(configz).encode()))
        if process is not None:
            self._add_zpages(process, flags)

    @property
    def paths(self) -> list[str]:
        return sorted(self._exact)

    def add(self, path: str, handler: Handler) -> None:
        self._exact[path] = handler

    def add_health(self, group: HealthGroup, *, single_checks: bool = True) -> None:
        """`/<group>`, and with `single_checks` `/<group>/<check>`. Checks may join the group later."""
        root = f"/{group.name}"

        async def answer(request: Request) -> Answer:
            check = request.path.removeprefix(root).strip("/")
            query = request.query
            status, body = await group.answer(check, verbose="verbose" in query, exclude=query.get("exclude", ()))
            return text(body, status)

        self.add(root, answer)
        if single_checks:
            self._below[f"{root}/"] = answer

    async def handle(self, request: Request) -> Answer:
        handler = self._exact.get(request.path)
        if handler is None:
            handler = next((h for prefix, h in self._below.items() if request.path.startswith(prefix)), None)
        return NOT_FOUND if handler is None else await handler(request)

    def _add_zpages(self, process: zpages.Process, flags: Mapping[str, str] | None) -> None:
        async def flagz(request: Request) -> Answer:
            return zpages.flagz(request, process.component, flags or {})

        async def statusz(request: Request) -> Answer:
            return zpages.statusz(request, process, self.paths)

        if flags is not None:
            self.add("/flagz", flagz)
        self.add("/statusz", statusz)


async def _metrics(request: Request) -> Answer:
    return Answer(metrics.render(), content_type=metrics.CONTENT_TYPE)


async def _slis(request: Request) -> Answer:
    return Answer(metrics.render(metrics.SLIS), content_type=metrics.CONTENT_TYPE)


def _fixed(body: bytes) -> Handler:
    async def answer(request: Request) -> Answer:
        return Answer(body, content_type="application/json", headers={"X-Content-Type-Options": "nosniff"})

    return answer
