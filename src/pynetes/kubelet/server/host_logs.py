"""`/logs/`: the files below the node's log directory, as Go's file server shows a directory."""

import html
import posixpath
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from aiohttp import web

_INDEX = "index.html"
_TEXT = {"X-Content-Type-Options": "nosniff"}


class HostLogs:
    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def routes(self) -> Iterable[web.RouteDef]:
        yield web.get("/logs", self._show)
        yield web.get("/logs/{path:.*}", self._show)

    async def _show(self, request: web.Request) -> web.StreamResponse:
        asked = request.match_info.get("path", "")
        if asked.endswith("/" + _INDEX) or asked == _INDEX:
            return _moved("./")
        path = self._directory / posixpath.normpath("/" + asked).lstrip("/")
        try:
            if not path.is_dir():
                path.stat()
                return _moved(f"../{path.name}") if asked.endswith("/") else web.FileResponse(path)
            if not request.path.endswith("/"):
                return _moved(f"{posixpath.basename(request.path)}/")
            if (path / _INDEX).is_file():
                return web.FileResponse(path / _INDEX)
            return web.Response(text=listing(path), content_type="text/html")
        except PermissionError:
            return web.Response(status=403, text="403 Forbidden\n", headers=_TEXT)
        except (OSError, ValueError):
            return web.Response(status=404, text="404 page not found\n", headers=_TEXT)


def listing(directory: Path) -> str:
    """A page of links to what is in the directory, subdirectories with a slash."""
    lines = ["<!doctype html>", '<meta name="viewport" content="width=device-width">', "<pre>"]
    for path in sorted(directory.iterdir()):
        name = path.name + "/" * (path.is_dir() and not path.is_symlink())
        address = quote(name, safe="/:@&=+$,~!*'()")
        if ":" in address.split("/")[0]:
            address = "./" + address  # or it would name a scheme
        lines.append(f'<a href="{html.escape(address)}">{html.escape(name)}</a>')
    return "\n".join([*lines, "</pre>", ""])


def _moved(location: str) -> web.Response:
    return web.Response(status=301, headers={"Location": location})
