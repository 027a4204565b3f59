"""Rules for names: DNS labels, label keys and values, port names, keys of ConfigMaps, environment variables.

Every rule takes a text and returns what is wrong with it (empty: nothing), in upstream's words, because clients show
and match them. Lengths are in bytes, as upstream counts them.
"""

import random
import re
from collections.abc import Callable

from pynetes.component.memo import remembered

Rule = Callable[[str], list[str]]

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_LABEL_TEXT = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end "
    "with an alphanumeric character"
)
_SUBDOMAIN = _LABEL + r"(\." + _LABEL + ")*"
_SUBDOMAIN_TEXT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
    "and end with an alphanumeric character"
)
_UNDERSCORE_LABEL = "_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?"
_UNDERSCORE_SUBDOMAIN = _UNDERSCORE_LABEL + r"(\." + _UNDERSCORE_LABEL + ")*"
_UNDERSCORE_TEXT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must "
    "start and end with an alphanumeric character"
)
_DNS1035 = "[a-z]([-a-z0-9]*[a-z0-9])?"
_DNS1035_TEXT = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    "and end with an alphanumeric character"
)
_WILDCARD = r"\*\." + _SUBDOMAIN
_WILDCARD_TEXT = (
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of "
    "lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character"
)
_KEY = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_KEY_TEXT = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
)
_VALUE = f"({_KEY})?"
_VALUE_TEXT = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start "
    "and end with an alphanumeric character"
)
_CONFIG_KEY = "[-._a-zA-Z0-9]+"
_CONFIG_KEY_TEXT = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"
_RELAXED_ENV_TEXT = "a valid environment variable name must consist only of printable ASCII characters other than '='"
_C_IDENTIFIER = "[A-Za-z_][A-Za-z0-9_]*"
_C_IDENTIFIER_TEXT = (
    "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric "
    "characters or '_'"
)
_HEADER = "[-A-Za-z0-9]+"
_HEADER_TEXT = "a valid HTTP header must consist of alphanumeric characters or '-'"
_PERCENT = "[0-9]+%"
_PERCENT_TEXT = "a valid percent string must be a numeric string followed by an ending '%'"

DNS1123_LABEL_MAX = 63
DNS1123_SUBDOMAIN_MAX = 253
LABEL_MAX = 63
_GENERATED_SUFFIX = 5
# No vowels and no look-alikes, so that no words come out: upstream's alphabet.
_SAFE_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"

_COMPILED: dict[str, re.Pattern[str]] = {}


def _matches(pattern: str, value: str) -> bool:
    compiled = _COMPILED.get(pattern)
    if compiled is None:
        compiled = _COMPILED[pattern] = re.compile(pattern)
    return compiled.fullmatch(value) is not None


def size(value: str) -> int:
    """Length in bytes, as upstream's limits mean it."""
    return len(value) if value.isascii() else len(value.encode("utf-8", "surrogatepass"))


def max_length_error(length: int) -> str:
    return f"must be no more than {length} characters"


def max_bytes_error(length: int) -> str:
    return f"must be no more than {length} bytes"


def empty_error() -> str:
    return "must be non-empty"


def range_error(low: int, high: int) -> str:
    return f"must be between {low} and {high}, inclusive"


def regex_error(message: str, pattern: str, *examples: str) -> str:
    if not examples:
        return f"{message} (regex used for validation is '{pattern}')"
    shown = " or ".join(f"'{example}', " for example in examples)
    return f"{message} (e.g. {shown}regex used for validation is '{pattern}')"


def dns1123_label(value: str) -> list[str]:
    errors = [max_length_error(DNS1123_LABEL_MAX)] if size(value) > DNS1123_LABEL_MAX else []
    if not _matches(_LABEL, value):
        if _matches(_SUBDOMAIN, value):
            errors.append("must not contain dots")
        else:
            errors.append(regex_error(_LABEL_TEXT, _LABEL, "my-name", "123-abc"))
    return errors


def dns1123_subdomain(value: str) -> list[str]:
    errors = [max_length_error(DNS1123_SUBDOMAIN_MAX)] if size(value) > DNS1123_SUBDOMAIN_MAX else []
    if not _matches(_SUBDOMAIN, value):
        errors.append(regex_error(_SUBDOMAIN_TEXT, _SUBDOMAIN, "example.com"))
    return errors


def long_name(value: str) -> list[str]:
    """A subdomain, as kinds with declared rules say it."""
    errors = [max_bytes_error(DNS1123_SUBDOMAIN_MAX)] if size(value) > DNS1123_SUBDOMAIN_MAX else []
    return errors + [e for e in dns1123_subdomain(value) if not e.startswith("must be no more")]


def dns1123_subdomain_with_underscore(value: str) -> list[str]:
    errors = [max_length_error(DNS1123_SUBDOMAIN_MAX)] if size(value) > DNS1123_SUBDOMAIN_MAX else []
    if not _matches(_UNDERSCORE_SUBDOMAIN, value):
        errors.append(regex_error(_UNDERSCORE_TEXT, _UNDERSCORE_SUBDOMAIN, "example.com"))
    return errors


def dns1035_label(value: str) -> list[str]:
    errors = [max_length_error(DNS1123_LABEL_MAX)] if size(value) > DNS1123_LABEL_MAX else []
    if not _matches(_DNS1035, value):
        errors.append(regex_error(_DNS1035_TEXT, _DNS1035, "my-name", "abc-123"))
    return errors


def wildcard_dns1123_subdomain(value: str) -> list[str]:
    errors = [max_length_error(DNS1123_SUBDOMAIN_MAX)] if size(value) > DNS1123_SUBDOMAIN_MAX else []
    if not _matches(_WILDCARD, value):
        errors.append(regex_error(_WILDCARD_TEXT, _WILDCARD, "*.example.com"))
    return errors


def qualified_name(value: str) -> list[str]:
    """A label key, an annotation key, a resource name: `name` or `prefix.example.com/name`."""
    return list(_qualified_name(value))


@remembered(1 << 12)  # a cluster has few of them, and every object some
def _qualified_name(value: str) -> tuple[str, ...]:
    parts = value.split("/")
    regex = regex_error(_KEY_TEXT, _KEY, "MyName", "my.name", "123-abc")
    if len(parts) > 2:
        return (f"a valid label key {regex} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",)
    errors = _key_prefix(parts[0]) if len(parts) == 2 else []
    name = parts[-1]
    if not name:
        errors.append("name part " + empty_error())
    elif size(name) > LABEL_MAX:
        errors.append("name part " + max_bytes_error(LABEL_MAX))
    if not _matches(_KEY, name):
        errors.append("name part " + regex)
    return tuple(errors)


def _key_prefix(prefix: str) -> list[str]:
    if not prefix:
        return ["prefix part " + empty_error()]
    errors = []
    if size(prefix) > DNS1123_SUBDOMAIN_MAX:
        errors.append("prefix part " + max_bytes_error(DNS1123_SUBDOMAIN_MAX))
    if not _matches(_SUBDOMAIN, prefix):
        errors.append("prefix part " + regex_error(_SUBDOMAIN_TEXT, _SUBDOMAIN, "example.com"))
    return errors


def label_value(value: str) -> list[str]:
    errors = [max_bytes_error(LABEL_MAX)] if size(value) > LABEL_MAX else []
    if not _matches(_VALUE, value):
        errors.append(regex_error(_VALUE_TEXT, _VALUE, "MyValue", "my_value", "12345"))
    return errors


def path_segment_name(value: str) -> list[str]:
    """The widest rule for an object's name: whatever can stand in a URL path."""
    if value in (".", ".."):
        return [f"may not be '{value}'"]
    return path_segment_prefix(value)


def path_segment_prefix(value: str) -> list[str]:
    return [f"may not contain '{illegal}'" for illegal in ("/", "%") if illegal in value]


def config_map_key(value: str) -> list[str]:
    errors = [max_length_error(DNS1123_SUBDOMAIN_MAX)] if size(value) > DNS1123_SUBDOMAIN_MAX else []
    if not _matches(_CONFIG_KEY, value):
        errors.append(regex_error(_CONFIG_KEY_TEXT, _CONFIG_KEY, "key.name", "KEY_NAME", "key-name"))
    return errors + _parent_prefix(value)


def relaxed_env_var_name(value: str) -> list[str]:
    """The rule for a container's env since 1.34: any printable ASCII but `=`."""
    errors = [] if value else ["environment variable name " + empty_error()]
    if "=" in value or not (value.isascii() and value.isprintable()):
        errors.append(_RELAXED_ENV_TEXT)
    return errors


def _parent_prefix(value: str) -> list[str]:
    if value in (".", ".."):
        return [f"must not be '{value}'"]
    return ["must not start with '..'"] if value.startswith("..") else []


def c_identifier(value: str) -> list[str]:
    if _matches(_C_IDENTIFIER, value):
        return []
    return [regex_error(_C_IDENTIFIER_TEXT, _C_IDENTIFIER, "my_name", "MY_NAME", "MyName")]


def http_header_name(value: str) -> list[str]:
    return [] if _matches(_HEADER, value) else [regex_error(_HEADER_TEXT, _HEADER, "X-Header-Name")]


def percent(value: str) -> list[str]:
    return [] if _matches(_PERCENT, value) else [regex_error(_PERCENT_TEXT, _PERCENT, "1%", "93%")]


def port_number(value: int) -> list[str]:
    return [] if 1 <= value <= 65535 else [range_error(1, 65535)]


def port_name(value: str) -> list[str]:
    """An IANA service name, as ports of containers and services carry it."""
    errors = [max_length_error(15)] if size(value) > 15 else []
    if not _matches("[-a-z0-9]+", value):
        errors.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not re.search("[a-z]", value):
        errors.append("must contain at least one letter (a-z)")
    if "--" in value:
        errors.append("must not contain consecutive hyphens")
    if value and (value[0] == "-" or value[-1] == "-"):
        errors.append("must not begin or end with a hyphen")
    return errors


def user_id(value: int) -> list[str]:
    """Rule for user and group ids."""
    return [] if 0 <= value <= 2**31 - 1 else [range_error(0, 2**31 - 1)]


def mask_trailing_dash(value: str) -> str:
    """`web-` as a generateName prefix stands for a name that goes on after the dash."""
    return value[:-2] + "a" if len(value) > 1 and value.endswith("-") else value


def generate_name(base: str) -> str:
    """`base` and five random characters, at most 63 characters long."""
    base = base[: LABEL_MAX - _GENERATED_SUFFIX]
    return base + random_suffix(_GENERATED_SUFFIX)


def random_suffix(length: int) -> str:
    return "".join(random.choices(_SAFE_ALPHABET, k=length))


def safe_encode(text: str) -> str:
    """Spells a text (of digits, as hashes are) in the alphabet of generated names: `pod-template-hash` does."""
    return "".join(_SAFE_ALPHABET[ord(char) % len(_SAFE_ALPHABET)] for char in text)
