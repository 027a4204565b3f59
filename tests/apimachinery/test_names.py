import pytest

from pynetes.apimachinery import names

LABEL = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
KEY = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
    "(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)


@pytest.mark.parametrize(
    ("rule", "value", "messages"),
    [
        (names.dns1123_label, "web-1", []),
        (names.dns1123_label, "Web", [LABEL]),
        (names.dns1123_label, "a\n", [LABEL]),
        (names.dns1123_label, "a.b", ["must not contain dots"]),
        (names.dns1123_label, "a" * 64, ["must be no more than 63 characters"]),
        (names.dns1123_subdomain, "a.b-c", []),
        (names.dns1123_subdomain, "a_b", [SUBDOMAIN]),
        (names.dns1123_subdomain, "a" * 254, ["must be no more than 253 characters"]),
        (names.dns1123_subdomain_with_underscore, "_a.b", []),
        (names.dns1035_label, "a1", []),
        (names.wildcard_dns1123_subdomain, "*.example.com", []),
        (names.qualified_name, "example.com/Name_1", []),
        (names.qualified_name, "", ["name part must be non-empty", f"name part {KEY}"]),
        (names.qualified_name, "/a", ["prefix part must be non-empty"]),
        (names.qualified_name, "a" * 64, ["name part must be no more than 63 bytes"]),
        (names.qualified_name, "A/b", [f"prefix part {SUBDOMAIN}"]),
        (
            names.qualified_name,
            "a/b/c",
            [f"a valid label key {KEY} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"],
        ),
        (names.label_value, "", []),
        (names.label_value, "a" * 64, ["must be no more than 63 bytes"]),
        (names.path_segment_name, "system:x", []),
        (names.path_segment_name, "..", ["may not be '..'"]),
        (names.path_segment_name, "a/b%", ["may not contain '/'", "may not contain '%'"]),
        (names.config_map_key, "a.b_c", []),
        (names.config_map_key, "..", ["must not be '..'"]),
        (names.config_map_key, "..a", ["must not start with '..'"]),
        (names.relaxed_env_var_name, "1 a", []),
        (
            names.relaxed_env_var_name,
            "a=b",
            ["a valid environment variable name must consist only of printable ASCII characters other than '='"],
        ),
        (names.port_name, "http", []),
        (names.port_name, "1", ["must contain at least one letter (a-z)"]),
        (names.port_name, "-a--b", ["must not contain consecutive hyphens", "must not begin or end with a hyphen"]),
        (names.port_name, "a" * 16, ["must be no more than 15 characters"]),
        (names.c_identifier, "my_name", []),
        (names.http_header_name, "X-A", []),
        (names.percent, "25%", []),
    ],
)
def test_rules(rule: names.Rule, value: str, messages: list[str]) -> None:
    assert rule(value) == messages


@pytest.mark.parametrize(
    ("rule", "value", "begins"),
    [
        (names.dns1035_label, "1a", "a DNS-1035 label must consist of"),
        (names.wildcard_dns1123_subdomain, "example.com", "a wildcard DNS-1123 subdomain must start with '*.'"),
        (names.c_identifier, "1a", "a valid C identifier must start with"),
        (names.http_header_name, "a b", "a valid HTTP header must consist of"),
        (names.percent, "25", "a valid percent string must be"),
        (names.config_map_key, "a b", "a valid config key must consist of"),
        (names.label_value, "-", "a valid label must be an empty string or"),
    ],
)
def test_refusals_begin_as_upstreams(rule: names.Rule, value: str, begins: str) -> None:
    (message,) = rule(value)
    assert message.startswith(begins)
    assert "regex used for validation is '" in message


def test_numbers() -> None:
    assert names.port_number(0) == ["must be between 1 and 65535, inclusive"]
    assert names.port_number(80) == []
    assert names.user_id(-1) == ["must be between 0 and 2147483647, inclusive"]


def test_generated_names_fit_and_differ() -> None:
    made = {names.generate_name("x" * 80) for _ in range(20)}
    assert len(made) == 20
    assert all(len(name) == 63 and names.dns1123_label(name) == [] for name in made)
    assert names.generate_name("web-").startswith("web-")


def test_safe_encoding_uses_the_safe_alphabet() -> None:
    assert names.safe_encode("1234567890") == "56789bcdf4"


def test_prefixes_may_end_in_a_dash() -> None:
    assert names.dns1123_label(names.mask_trailing_dash("web-")) == []
