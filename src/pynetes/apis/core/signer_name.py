"""Signer names: `<domain>/<path>`, who signs certificates."""

from collections.abc import Callable

from pynetes.apimachinery import names
from pynetes.apis.field_errors import FieldErrors

_DOMAIN_MAX = names.DNS1123_SUBDOMAIN_MAX
_MAX = _DOMAIN_MAX + (names.DNS1123_SUBDOMAIN_MAX + names.DNS1123_LABEL_MAX + 1) + 1


def validate_signer_name(found: FieldErrors, signer: str, path: str) -> None:
    if not found.present(path, signer):
        return
    segments = signer.split("/")
    if len(segments) != 2:
        detail = "must be a fully qualified domain and path of the form 'example.com/signer-name'"
        found.invalid(path, signer, detail)
        return
    domain, rest = segments
    if len(domain) > _DOMAIN_MAX:
        found.too_long(path, _DOMAIN_MAX)
    _first_wrong_label(found, domain, names.dns1123_label, path)
    if "." not in domain:
        found.invalid(path, domain, "should be a domain with at least two segments separated by dots")
    _first_wrong_label(found, rest, names.dns1123_subdomain, path)
    if len(signer) > _MAX:
        found.too_long(path, _MAX)


def _first_wrong_label(found: FieldErrors, text: str, rule: Callable[[str], list[str]], path: str) -> None:
    for label in text.split("."):
        messages = rule(label)
        for message in messages:
            found.invalid(path, text, f'validating label "{label}": {message}')
        if messages:
            return
