"""`example.com/path`: names that a domain's owner gives out."""

import re

from pynetes.apimachinery import names
from pynetes.apis.field_errors import FieldErrors

_PATH = re.compile(r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+", re.ASCII)
_PATH_PATTERN = r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+"


def validate_domain_prefixed_path(found: FieldErrors, value: str, path: str) -> None:
    if not value:
        found.required(path)
        return
    domain, slash, rest = value.partition("/")
    if not domain or not rest or not slash:
        found.invalid(path, value, 'must be a domain-prefixed path (such as "acme.io/foo")')
        return
    for message in names.dns1123_subdomain(domain):
        found.invalid(path, domain, message)
    if not _PATH.fullmatch(rest):
        found.invalid(path, rest, names.regex_error("Invalid path", _PATH_PATTERN))
