"""Named formats: `format.dns1123Label().validate(name)` gives what is wrong with a text, or none."""

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, ClassVar

from pynetes.apimachinery import names
from pynetes.apimachinery.cel.cost import REGEX_LENGTH, TRAVERSAL, CallEstimate, Estimator, Node, Range
from pynetes.apimachinery.cel.declarations import Function, Overload
from pynetes.apimachinery.cel.library.estimates import estimate_nominal, nominal
from pynetes.apimachinery.cel.library.urls import parse_request_uri
from pynetes.apimachinery.cel.types import STRING, Type, list_of, object_type, optional_of
from pynetes.apimachinery.cel.values import NONE, Optional

FORMAT_TYPE = object_type("kubernetes.NamedFormat")
_MAX_REGEX = 128
_UUID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_UUID_SIZE = 70
_DATE_TIME = re.compile(
    r"([0-9]{2}):([0-9]{2}):([0-9]{2})(?:[.,][0-9]+)?(?:z|[+-][0-9]{2}:[0-9]{2})", re.ASCII | re.IGNORECASE
)
_DATE_TIME_SIZE = 71

Check = Callable[[str], list[str]]


class NamedFormat:
    """`regex_size` is the length of the regular expression that the check is worth, for its cost."""

    __slots__ = ("check", "name", "regex_size")
    cel_type: ClassVar[Type] = FORMAT_TYPE

    def __init__(self, name: str, check: Check, regex_size: int) -> None:
        self.name, self.check, self.regex_size = name, check, regex_size

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NamedFormat) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)


def _prefix(check: Check) -> Check:
    """A prefix of a generated name may end with a dash."""
    return lambda text: check(names.mask_trailing_dash(text))


def _uri(text: str) -> list[str]:
    try:
        parse_request_uri(text)
    except ValueError as error:
        return [str(error)]
    return []


def _uuid(text: str) -> list[str]:
    return [] if _UUID.fullmatch(text) else ["does not match the UUID format"]


def _byte(text: str) -> list[str]:
    try:
        base64.b64decode(text.encode(), validate=True)
    except (binascii.Error, ValueError):
        return ["invalid base64"]
    return [] if text else ["invalid base64"]


def is_date(text: str) -> bool:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def is_date_time(text: str) -> bool:
    if len(text) < 4 or not is_date(text[:10]) or text[10:11].lower() != "t":
        return False
    match = _DATE_TIME.fullmatch(text[11:])
    return match is not None and int(match.group(1)) <= 23 and int(match.group(2)) <= 59 and int(match.group(3)) <= 59


#: By the name that expressions use.
FORMATS: dict[str, NamedFormat] = {
    "dns1123Label": NamedFormat("DNS1123Label", names.dns1123_label, 30),
    "dns1123Subdomain": NamedFormat("DNS1123Subdomain", names.dns1123_subdomain, 60),
    "dns1035Label": NamedFormat("DNS1035Label", names.dns1035_label, 30),
    "qualifiedName": NamedFormat("QualifiedName", names.qualified_name, 60),
    "dns1123LabelPrefix": NamedFormat("DNS1123LabelPrefix", _prefix(names.dns1123_label), 30),
    "dns1123SubdomainPrefix": NamedFormat("DNS1123SubdomainPrefix", _prefix(names.dns1123_subdomain), 60),
    "dns1035LabelPrefix": NamedFormat("DNS1035LabelPrefix", _prefix(names.dns1035_label), 30),
    "labelValue": NamedFormat("LabelValue", names.label_value, 40),
    "uri": NamedFormat("URI", _uri, 1103),
    "uuid": NamedFormat("uuid", _uuid, _UUID_SIZE),
    "byte": NamedFormat("byte", _byte, 84),
    "date": NamedFormat("date", lambda text: [] if is_date(text) else ["invalid date"], _DATE_TIME_SIZE),
    "datetime": NamedFormat(
        "datetime", lambda text: [] if is_date_time(text) else ["invalid datetime"], _DATE_TIME_SIZE
    ),
}


def _named(name: str) -> Optional:
    found = FORMATS.get(name)
    return Optional(found) if found is not None else NONE


def _validate(of: NamedFormat, text: str) -> Optional:
    problems = of.check(text)
    return Optional(problems) if problems else NONE


def _cost(args: Sequence[Any], result: Any) -> int:
    of, text = args
    return Range(len(text) + 1, 0).by(TRAVERSAL).min * Range(of.regex_size, 0).by(REGEX_LENGTH).min


def _estimate(estimator: Estimator, target: Node | None, args: Sequence[Node]) -> CallEstimate | None:
    return CallEstimate(estimator.size(args[0]).by(TRAVERSAL).by(_MAX_REGEX * REGEX_LENGTH))


def declared() -> list[Function]:
    def constant(made: NamedFormat) -> Callable[[], NamedFormat]:
        return lambda: made

    return [
        Function(
            "validate",
            [
                Overload(
                    "format-validate",
                    (FORMAT_TYPE, STRING),
                    optional_of(list_of(STRING)),
                    _validate,
                    member=True,
                    cost=_cost,
                    estimate=_estimate,
                )
            ],
        ),
        Function(
            "format.named",
            [Overload("format-named", (STRING,), optional_of(FORMAT_TYPE), _named)],
            nominal,
            estimate_nominal,
        ),
        *(
            Function(f"format.{name}", [Overload(f"format.{name}", (), FORMAT_TYPE, constant(made))])
            for name, made in FORMATS.items()
        ),
    ]
