"""A store's URL taken apart, with complaints that say what is wrong with it and never show a password."""

from urllib.parse import parse_qsl, unquote, urlencode

from pynetes.storage.interface import StoreUnavailable

_FAMILIES = {"etcds": "etcd", "postgresql": "postgres", "mariadb": "mysql"}


class BadLocation(StoreUnavailable):
    """The URL names no store that can be opened, now or later."""


class Location:
    """`scheme://user:password@host:port,host:port/path?option=value`, or `scheme:rest`."""

    def __init__(self, url: str) -> None:
        self.scheme, _, self.rest = url.partition(":")
        rest, _, query = self.rest.removeprefix("//").partition("?")
        authority, _, self.path = rest.partition("/")
        login, _, self._hosts = authority.rpartition("@")
        user, colon, password = login.partition(":")
        self.user = unquote(user)
        self.password: str | None = unquote(password) if colon else None
        self.path = unquote(self.path)
        self._options = dict(parse_qsl(query, keep_blank_values=True))
        self._before_options = rest

    def bad(self, why: str) -> BadLocation:
        """The error to raise."""
        return BadLocation(f"bad store URL {self}: {why}")

    @property
    def identity(self) -> str:
        """Which store it is, whoever asks for it: without options and password."""
        user = f"{self.user}@" if self.user else ""
        scheme = _FAMILIES.get(self.scheme, self.scheme)
        return f"{scheme}://{user}{self._hosts}{'/' if self.path else ''}{self.path}"

    @property
    def hosts(self) -> str:
        """As they are written; empty if there are none."""
        return self._hosts

    def url_as(self, scheme: str) -> str:
        """The URL without the options that were taken out, for a driver that reads it itself."""
        query = f"?{urlencode(self._options)}" if self._options else ""
        return f"{scheme}://{self._before_options}{query}"

    def __str__(self) -> str:
        user = f"{self.user}{':…' if self.password is not None else ''}@" if self.user else ""
        return f"{self.scheme}://{user}{self._hosts}{'/' if self.path else ''}{self.path}"

    def addresses(self, default_port: int) -> list[str]:
        """Its `host:port`s, IPv6 addresses in brackets."""
        found = [self._address(each, default_port) for each in self._hosts.split(",")]
        return [f"{host}:{port}" for host, port in found]

    def address(self, default_port: int) -> tuple[str, int]:
        """The only host, without brackets, and its port."""
        if "," in self._hosts:
            raise self.bad("it takes one host")
        host, port = self._address(self._hosts, default_port)
        return host.strip("[]"), port

    def _address(self, text: str, default_port: int) -> tuple[str, int]:
        host, port = text, ""
        if not text.endswith("]") and text.count(":") >= 1:
            host, _, port = text.rpartition(":")
        if not host or (":" in host and not host.startswith("[")):
            raise self.bad("a host is missing" if not host else f"write the IPv6 address in brackets: [{text}]")
        if port and not (port.isdecimal() and 0 < int(port) < 65536):
            raise self.bad(f"{port!r} is no port")
        return host, int(port) if port else default_port

    def no_user(self, why: str) -> None:
        if self.user:
            raise self.bad(f"it takes no user; {why}")

    def option(self, name: str, default: str = "", *, of: tuple[str, ...] = ()) -> str:
        """An option's value, taken out; one of `of`, if that is not empty."""
        value = self._options.pop(name, default)
        if of and value not in of:
            raise self.bad(f"{name} is one of {', '.join(of)}")
        return value

    def no_more_options(self) -> None:
        """To be called after all options were taken."""
        if self._options:
            raise self.bad(f"it knows no option {', '.join(sorted(self._options))}")
