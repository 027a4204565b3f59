"""Links in what a proxied backend answers: those to itself are made to go through the proxy, as upstream's do.

A page behind `/api/v1/namespaces/a/pods/p/proxy/` that links to `/x` means the pod's `/x`, but a browser would ask this
server for it. So absolute paths in URL attributes of HTML and in `Location` get the proxy's path in front.
"""

import html
import posixpath
from html.parser import HTMLParser
from urllib.parse import urlsplit, urlunsplit

from msgspec import Struct

#: HTML element → its attributes that hold URLs (https://html.spec.whatwg.org/multipage/indices.html#attributes-3).
_URLS = {
    "a": {"href"},
    "applet": {"codebase"},
    "area": {"href"},
    "audio": {"src"},
    "base": {"href"},
    "blockquote": {"cite"},
    "body": {"background"},
    "button": {"formaction"},
    "command": {"icon"},
    "del": {"cite"},
    "embed": {"src"},
    "form": {"action"},
    "frame": {"longdesc", "src"},
    "head": {"profile"},
    "html": {"manifest"},
    "iframe": {"longdesc", "src"},
    "img": {"longdesc", "src", "usemap"},
    "input": {"formaction", "src", "usemap"},
    "ins": {"cite"},
    "link": {"href"},
    "object": {"classid", "codebase", "data", "usemap"},
    "q": {"cite"},
    "script": {"src"},
    "source": {"src"},
    "video": {"poster", "src"},
}


class Links(Struct, frozen=True):
    """`prefix` is the path that stands for the backend here, `backend` its own address, `host` the client's for us."""

    prefix: str
    backend: str
    host: str

    def url(self, text: str) -> str:
        """The URL as a client of the proxy has to see it; unchanged if it is relative, elsewhere, or no URL."""
        try:
            url = urlsplit(text)
        except ValueError:
            return text
        if url.netloc not in ("", self.backend, self.host) or not url.path.startswith("/"):
            return text
        path = url.path
        if not (path == self.prefix or path.startswith(f"{self.prefix}/")):
            path = self.prefix + posixpath.normpath("/" + path.lstrip("/")).rstrip("/") + "/" * path.endswith("/")
        origin = (url.scheme, url.netloc) if url.netloc and url.netloc == self.host else ("", "")
        return urlunsplit((*origin, path, url.query, url.fragment))

    def page(self, body: bytes) -> bytes:
        """A whole HTML page; all but the URLs that change stays, byte for byte."""
        text = body.decode("latin-1")  # every byte is one character: tags are ASCII in whatever encoding the page has
        changes = _Changes(self, text)
        changes.feed(text)
        changes.close()
        return changes.result().encode("latin-1", "xmlcharrefreplace")


class _Changes(HTMLParser):
    """Collects the start tags that have to change, by their place in the text."""

    def __init__(self, links: Links, text: str) -> None:
        super().__init__(convert_charrefs=False)
        self._links, self._text = links, text
        self._lines = [0]
        for index, character in enumerate(text):
            if character == "\n":
                self._lines.append(index + 1)
        self._pieces: list[str] = []
        self._copied = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._tag(tag, attrs, ">")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._tag(tag, attrs, "/>")

    def _tag(self, tag: str, attrs: list[tuple[str, str | None]], end: str) -> None:
        names = _URLS.get(tag, set())
        changed = [(n, self._links.url(v) if v is not None and n in names else v) for n, v in attrs]
        if changed == attrs:
            return
        line, column = self.getpos()
        start = self._lines[line - 1] + column
        written = "".join(f" {n}" if v is None else f' {n}="{html.escape(v)}"' for n, v in changed)
        self._pieces += [self._text[self._copied : start], f"<{tag}{written}{end}"]
        self._copied = start + len(self.get_starttag_text() or "")

    def result(self) -> str:
        return "".join([*self._pieces, self._text[self._copied :]])
