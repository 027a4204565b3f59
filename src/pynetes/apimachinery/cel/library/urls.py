"""URLs, parsed by Go's rules."""

import re
from collections.abc import Callable
from typing import Any, ClassVar
from urllib.parse import quote, unquote_plus

from pynetes.apimachinery.cel.declarations import Function, Overload
from pynetes.apimachinery.cel.library.estimates import estimate_nominal, estimate_traversal, nominal, traversal
from pynetes.apimachinery.cel.types import BOOL, STRING, Type, list_of, map_of, object_type
from pynetes.apimachinery.cel.values import CelError
from pynetes.apimachinery.quoting import go_quoted

URL_TYPE = object_type("kubernetes.URL")
_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*):(.*)", re.DOTALL | re.ASCII)
_BAD_ESCAPE = re.compile(r"%(?![0-9a-fA-F]{2}).{0,2}", re.DOTALL)
_HOST = re.compile(r"[a-zA-Z0-9\-._~!$&'()*+,;=:<>\"\[\]%\u0080-\U0010ffff]*")
_PATH_SAFE = "$&+,/:;=@!'()*[]-._~"


class URL:
    """A parsed URL; `path` is as it was written."""

    __slots__ = ("host", "path", "query", "scheme", "text")
    cel_type: ClassVar[Type] = URL_TYPE

    def __init__(self, text: str, scheme: str, host: str, path: str, query: str) -> None:
        self.text, self.scheme, self.host, self.path, self.query = text, scheme, host, path, query

    def __eq__(self, other: object) -> bool:
        return isinstance(other, URL) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)

    def hostname(self) -> str:
        return self._split()[0]

    def port(self) -> str:
        return self._split()[1]

    def _split(self) -> tuple[str, str]:
        if self.host.startswith("["):
            name, _, rest = self.host[1:].partition("]")
            return name, rest.removeprefix(":")
        name, _, port = self.host.rpartition(":")
        return (name, port) if name or self.host.startswith(":") else (self.host, "")

    def parameters(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for part in self.query.split("&"):
            if not part or ";" in part:
                continue
            key, _, value = part.partition("=")
            if _BAD_ESCAPE.search(key) or _BAD_ESCAPE.search(value):
                continue
            found.setdefault(unquote_plus(key), []).append(unquote_plus(value))
        return found


def parse_request_uri(text: str) -> URL:
    """An absolute URL or path. ValueError in Go's words."""
    problem = _problem(text)
    if problem:
        raise ValueError(f"parse {go_quoted(text)}: {problem}")
    without_fragment = text.partition("#")[0]
    scheme, rest = _scheme(without_fragment)
    path, _, query = rest.partition("?")
    host = ""
    if path.startswith("//") and (scheme or not path.startswith("///")):
        host, slash, path = path[2:].partition("/")
        path = slash + path
        host = host.rpartition("@")[2]
    return URL(text, scheme.lower(), host, path, query)


def _scheme(text: str) -> tuple[str, str]:
    match = _SCHEME.fullmatch(text)
    return (match.group(1), match.group(2)) if match is not None else ("", text)


def _problem(text: str) -> str:
    if any(ord(char) < 0x20 or ord(char) == 0x7F for char in text):
        return "net/url: invalid control character in URL"
    if not text:
        return "empty url"
    if text == "*":
        return ""
    if text.startswith(":"):
        return "missing protocol scheme"
    scheme, rest = _scheme(text)
    if not rest.startswith("/"):
        # `mailto:x` has no path, but is a URI all the same.
        return "" if scheme else "invalid URI for request"
    path = rest.partition("?")[0]
    if path.startswith("//") and (scheme or not path.startswith("///")):
        authority, _, path = path[2:].partition("/")
        problem = _authority_problem(authority)
        if problem:
            return problem
    bad = _BAD_ESCAPE.search(path)
    return f"invalid URL escape {go_quoted(bad.group())}" if bad is not None else ""


def _authority_problem(authority: str) -> str:
    _, at, host = authority.rpartition("@")
    if at and not re.fullmatch(
        r"[A-Za-z0-9\-._:~!$&'()*+,;=%@]*", authority[: -len(host) - 1] if host else authority[:-1]
    ):
        return "net/url: invalid userinfo"
    if host.startswith("["):
        inside, closed, port = host[1:].rpartition("]")
        if not closed:
            return "missing ']' in host"
        if not inside:
            return f"invalid host {go_quoted(host)}"
    else:
        name, colon, digits = host.rpartition(":")
        port = colon + digits if colon else ""
        if ":" in name:
            return f"invalid port {go_quoted(host[host.index(':') :])} after host"
    if port and not re.fullmatch(r":[0-9]*", port, re.ASCII):
        return f"invalid port {go_quoted(port)} after host"
    bad = _BAD_ESCAPE.search(host)
    if bad is not None:
        return f"invalid URL escape {go_quoted(bad.group())}"
    ascii_escape = re.search(r"%(?!25)[0-7][0-9a-fA-F]", host)
    if ascii_escape is not None:
        return f"invalid URL escape {go_quoted(ascii_escape.group())}"
    if _HOST.fullmatch(host) is None:
        odd = next(char for char in host if _HOST.fullmatch(char) is None)
        return f"invalid character {go_quoted(odd)} in host name"
    return ""


def _url(text: str) -> URL:
    try:
        return parse_request_uri(text)
    except ValueError as error:
        raise CelError(f"URL parse error during conversion from string: {error}") from None


def _is_url(text: str) -> bool:
    return not _problem(text)


def _escaped(url: URL) -> str:
    return quote(url.path, safe=_PATH_SAFE + "%")


def _accessor(name: str, overload: str, result: Type, run: Callable[[URL], Any]) -> Function:
    made = [Overload(overload, (URL_TYPE,), result, run, member=True)]
    return Function(name, made, nominal, estimate_nominal)


def declared() -> list[Function]:
    return [
        Function(
            "url", [Overload("string_to_url", (STRING,), URL_TYPE, _url)], traversal(), estimate_traversal(sized=True)
        ),
        Function("isURL", [Overload("is_url_string", (STRING,), BOOL, _is_url)]),
        _accessor("getScheme", "url_get_scheme", STRING, lambda url: url.scheme),
        _accessor("getHost", "url_get_host", STRING, lambda url: url.host),
        _accessor("getHostname", "url_get_hostname", STRING, URL.hostname),
        _accessor("getPort", "url_get_port", STRING, URL.port),
        _accessor("getEscapedPath", "url_get_escaped_path", STRING, _escaped),
        _accessor("getQuery", "url_get_query", map_of(STRING, list_of(STRING)), URL.parameters),
    ]
