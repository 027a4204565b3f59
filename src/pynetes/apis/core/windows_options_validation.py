"""What only Windows containers and pods say of their security."""

import re

from pynetes.apimachinery import names
from pynetes.apis.field_errors import FieldErrors
from pynetes.apis.strategy import Object

_MAX_SPEC_KIB = 64
_MAX_DOMAIN = 256
_MAX_USER = 104
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NETBIOS = re.compile(r'[^\\/:*?"<>|.][^\\/:*?"<>|]{0,14}')
_LABEL = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_FORBIDDEN = re.compile(r'["/\\:;|=,+*?<>@\[\]]')
_DOTS = re.compile(r"[. ]+")


def validate_windows_options(found: FieldErrors, options: Object | None, path: str) -> None:
    if options is None:
        return
    name, spec, user = (options.get(key) for key in ("gmsaCredentialSpecName", "gmsaCredentialSpec", "runAsUserName"))
    if name is not None:
        found.rule(f"{path}.gmsaCredentialSpecName", name, names.dns1123_subdomain)
    if spec == "":
        found.invalid(f"{path}.gmsaCredentialSpec", spec, "gmsaCredentialSpec cannot be an empty string")
    elif spec is not None and names.size(spec) > _MAX_SPEC_KIB * 1024:
        found.invalid(f"{path}.gmsaCredentialSpec", spec, f"gmsaCredentialSpec size must be under {_MAX_SPEC_KIB} KiB")
    if user is not None:
        for problem in _problems(user):
            found.invalid(f"{path}.runAsUserName", user, f"runAsUserName{problem}")


def _problems(name: str) -> list[str]:
    """Of `user` or `domain\\user`."""
    if not name:
        return [" cannot be an empty string"]
    if _CONTROL.search(name):
        return [" cannot contain control characters"]
    parts = name.split("\\")
    if len(parts) > 2:
        return [" cannot contain more than one backslash"]
    user, domain = parts[-1], parts[0] if len(parts) == 2 else None
    found = []
    if names.size(domain or "") >= _MAX_DOMAIN:
        found.append(f"'s Domain length must be under {_MAX_DOMAIN} characters")
    if domain is not None and not (_NETBIOS.fullmatch(domain) or _DOMAIN.fullmatch(domain)):
        found.append("'s Domain doesn't match the NetBios nor the DNS format")
    if not user:
        found.append("'s User cannot be empty")
    elif names.size(user) > _MAX_USER:
        found.append(f"'s User length must not be longer than {_MAX_USER} characters")
    if _DOTS.fullmatch(user):
        found.append("'s User cannot contain only periods or spaces")
    if _FORBIDDEN.search(user):
        found.append("'s User cannot contain the following characters: \"/\\:;|=,+*?<>@[]")
    return found
