"""Formats of texts that schemas may ask for, with the original's idea of each."""

import base64
import binascii
import email.utils
import ipaddress
import re
from collections.abc import Callable
from datetime import date
from urllib.parse import urlsplit

_SPACED_DURATION = re.compile(r"(\d+)\s*([A-Za-zµ]+)")
_GO_DURATION = re.compile(r"[+-]?(?:0|(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)", re.ASCII)
_UNITS = frozenset(
    (
        *("ns", "nano", "nanos", "nanosecond", "nanoseconds"),
        *("us", "µs", "micro", "micros", "microsecond", "microseconds"),
        *("ms", "milli", "millis", "millisecond", "milliseconds"),
        *("s", "sec", "secs", "second", "seconds"),
        *("m", "min", "mins", "minute", "minutes"),
        *("h", "hr", "hrs", "hour", "hours"),
        *("d", "day", "days", "w", "wk", "wks", "week", "weeks"),
    )
)
_TIME = re.compile(r"([0-9]{2}):([0-9]{2}):([0-9]{2})(.[0-9]+)?(z|([+-][0-9]{2}:[0-9]{2}))", re.ASCII)
_HEX = r"[0-9a-fA-F]"
_UUID = rf"{_HEX}{{8}}-?{_HEX}{{4}}-?%s-?%s-?{_HEX}{{12}}"
_ANY4 = rf"{_HEX}{{4}}"
_VARIANT = rf"[89abAB]{_HEX}{{3}}"
_CARD = re.compile(
    r"(?:4[0-9]{12}(?:[0-9]{3})?|5[1-5][0-9]{14}|6(?:011|5[0-9][0-9])[0-9]{12}|3[47][0-9]{13}|"
    r"3(?:0[0-5]|[68][0-9])[0-9]{11}|(?:2131|1800|35\d{3})\d{11}|6[27][0-9]{14}|(?:222[1-9]|22[3-9][0-9]|"
    r"2[3-6][0-9]{2}|27[01][0-9]|2720)[0-9]{12})",
    re.ASCII,
)
_RGB = re.compile(
    r"rgb\(\s*(0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*,\s*(0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*,"
    r"\s*(0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*\)",
    re.ASCII,
)
_MAC = re.compile(
    rf"(?:{_HEX}{{2}}(?P<s>[:-])(?:{_HEX}{{2}}(?P=s)){{4}}{_HEX}{{2}}|{_HEX}{{2}}(?P<t>[:-])(?:{_HEX}{{2}}(?P=t)){{6}}"
    rf"{_HEX}{{2}}|{_HEX}{{2}}(?P<u>[:-])(?:{_HEX}{{2}}(?P=u)){{18}}{_HEX}{{2}}|{_HEX}{{4}}(?:\.{_HEX}{{4}}){{2}}|"
    rf"{_HEX}{{4}}(?:\.{_HEX}{{4}}){{3}}|{_HEX}{{4}}(?:\.{_HEX}{{4}}){{9}})"
)
_SHORT_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_LABEL = re.compile(r"[^\W_](?:(?:[^\W_]|-)*[^\W_])?")


def _matcher(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern, re.ASCII)
    return lambda text: compiled.fullmatch(text) is not None


def _is_date(text: str) -> bool:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
        return False
    try:
        date.fromisoformat(text.replace("0000", "0004", 1) if text.startswith("0000") else text)
    except ValueError:
        return False
    return True


def _is_date_time(text: str) -> bool:
    parts = text.lower().split("t")
    if len(parts) < 2 or not _is_date(parts[0]):
        return False
    found = _TIME.fullmatch(parts[1])
    return found is not None and found[1] <= "23" and found[2] <= "59" and found[3] <= "59"


def _is_duration(text: str) -> bool:
    """Go's (`1h30m`), or words as Scala has them (`2 days`)."""
    if _GO_DURATION.fullmatch(text):
        return True
    found = _SPACED_DURATION.findall(text)
    return bool(found) and all(unit.lower() in _UNITS for _, unit in found)


def _is_ipv4(text: str) -> bool:
    """Leading zeros are tolerated."""
    if "." not in text:
        return False
    return _loose_address(text) is not None


def _loose_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    head, colon, tail = text.rpartition(":")
    if "%" in text:
        return None
    if "." in tail:
        tail = ".".join(str(int(part)) if part.isascii() and part.isdecimal() else part for part in tail.split("."))
    try:
        return ipaddress.ip_address(head + colon + tail)
    except ValueError:
        return None


def _is_ipv6(text: str) -> bool:
    if ":" not in text or "%" in text:
        return False
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def _is_cidr(text: str) -> bool:
    address, slash, bits = text.partition("/")
    found = _loose_address(address)
    return bool(found and slash and bits.isascii() and bits.isdecimal() and int(bits) <= found.max_prefixlen)


def _is_uri(text: str) -> bool:
    """What may stand in a request line: an absolute URI, or a path from the root."""
    if not text or any(char <= " " or char == "\x7f" for char in text):
        return False
    if text.startswith("/") or text == "*":
        return True
    try:
        parts = urlsplit(text)
        valid_port = parts.port is None or parts.port >= 0
    except ValueError:
        return False
    return bool(parts.scheme) and valid_port and re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*:", text) is not None


def _is_email(text: str) -> bool:
    _, address = email.utils.parseaddr(text)
    local, at, domain = address.rpartition("@")
    return bool(at and local and domain) and " " not in domain and not domain.startswith(".") and ".." not in address


def _is_hostname(text: str) -> bool:
    if not text or len(text) > 255:
        return False
    labels = text.split(".")
    if any(len(label) > 63 or not _LABEL.fullmatch(label) for label in labels):
        return False
    return len(labels) == 1 or re.fullmatch(r"[^\W\d_]{2,63}", labels[-1]) is not None


def _is_base64(text: str) -> bool:
    if not text or len(text) % 4:
        return False
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _digits(text: str, *drop: str) -> str:
    for char in drop:
        text = text.replace(char, "")
    return text


def _is_isbn10(text: str) -> bool:
    plain = _digits(text, " ", "-")
    if not re.fullmatch(r"(?:[0-9]{9}X|[0-9]{10})", plain, re.ASCII):
        return False
    total = sum((i + 1) * int(char) for i, char in enumerate(plain[:9])) + 10 * (
        10 if plain[9] == "X" else int(plain[9])
    )
    return total % 11 == 0


def _is_isbn13(text: str) -> bool:
    plain = _digits(text, " ", "-")
    if not re.fullmatch(r"[0-9]{13}", plain, re.ASCII):
        return False
    total = sum((3 if i % 2 else 1) * int(char) for i, char in enumerate(plain[:12]))
    return (10 - total % 10) % 10 == int(plain[12])


def _is_credit_card(text: str) -> bool:
    plain = re.sub(r"[^0-9]", "", text, flags=re.ASCII)
    if not _CARD.fullmatch(plain):
        return False
    total = 0
    for i, char in enumerate(reversed(plain)):
        digit = int(char) * (2 if i % 2 else 1)
        total += digit - 9 if digit > 9 else digit
    return total % 10 == 0


def _is_short_name(text: str) -> bool:
    return len(text) <= 63 and _SHORT_NAME.fullmatch(text) is not None


def _is_long_name(text: str) -> bool:
    return 0 < len(text) <= 253 and all(_SHORT_NAME.fullmatch(part) for part in text.split("."))


_CHECKS: dict[str, Callable[[str], bool]] = {
    "bsonobjectid": _matcher(rf"{_HEX}{{24}}"),
    "uri": _is_uri,
    "email": _is_email,
    "hostname": _is_hostname,
    "ipv4": _is_ipv4,
    "ipv6": _is_ipv6,
    "cidr": _is_cidr,
    "mac": lambda text: _MAC.fullmatch(text) is not None,
    "uuid": _matcher(_UUID % (_ANY4, _ANY4)),
    "uuid3": _matcher(_UUID % (f"3{_HEX}{{3}}", _ANY4)),
    "uuid4": _matcher(_UUID % (f"4{_HEX}{{3}}", _VARIANT)),
    "uuid5": _matcher(_UUID % (f"5{_HEX}{{3}}", _VARIANT)),
    "isbn": lambda text: _is_isbn10(text) or _is_isbn13(text),
    "isbn10": _is_isbn10,
    "isbn13": _is_isbn13,
    "creditcard": _is_credit_card,
    "ssn": _matcher(r"\d{3}[- ]?\d{2}[- ]?\d{4}"),
    "hexcolor": _matcher(rf"#?({_HEX}{{3}}|{_HEX}{{6}})"),
    "rgbcolor": lambda text: _RGB.fullmatch(text) is not None,
    "byte": _is_base64,
    "password": lambda text: True,
    "date": _is_date,
    "duration": _is_duration,
    "datetime": _is_date_time,
    "k8sshortname": _is_short_name,
    "k8slongname": _is_long_name,
}


def check_of(name: str) -> Callable[[str], bool] | None:
    """The check of a format, however its name is dashed; None for one that is not known."""
    return _CHECKS.get(name.replace("-", ""))
