import pytest

from pynetes.apimachinery.structural.formats import check_of
from pynetes.apimachinery.structural.nodes import is_known_format


@pytest.mark.parametrize(
    ("form", "good", "bad"),
    [
        (
            "date-time",
            ["2014-12-15T19:30:20Z", "2014-12-15t19:30:20.000+01:00"],
            ["2014-12-15", "2014-13-15T00:00:00Z"],
        ),
        ("date", ["2014-12-15", "2000-02-29"], ["2014-12-32", "14-12-15", "2001-02-29"]),
        ("duration", ["1h30m", "22 ns", "3 days", "0"], ["x", "1 fortnight", "h"]),
        ("ipv4", ["10.0.0.1", "010.0.0.1"], ["10.0.0", "::1", "10.0.0.256"]),
        ("ipv6", ["::1", "fe80::1"], ["10.0.0.1", "g::"]),
        ("cidr", ["10.0.0.0/8", "fd00::/64"], ["10.0.0.0", "10.0.0.0/33"]),
        ("uuid", ["123e4567-e89b-12d3-a456-426614174000", "123E4567E89B12D3A456426614174000"], ["123"]),
        ("uuid4", ["123e4567-e89b-42d3-a456-426614174000"], ["123e4567-e89b-12d3-a456-426614174000"]),
        ("email", ["a@example.com", "A <a@example.com>"], ["a", "@example.com"]),
        ("hostname", ["example.com", "localhost"], ["-a", "a..b", "a_b"]),
        ("uri", ["https://example.com/a", "/a", "urn:a:b"], ["a", "", "http://a b"]),
        ("mac", ["00:11:22:33:44:55", "0011.2233.4455"], ["00:11:22:33:44", "00:11-22:33:44:55"]),
        ("byte", ["YQ==", "YWJj"], ["a", "Y===", ""]),
        ("isbn", ["0321751043", "978-0321751041"], ["0321751040"]),
        ("creditcard", ["4111 1111 1111 1111"], ["4111 1111 1111 1112"]),
        ("ssn", ["123-45-6789"], ["12-345-6789"]),
        ("hexcolor", ["#FFFFFF", "abc"], ["#FFFF"]),
        ("rgbcolor", ["rgb(255,255,255)"], ["rgb(256,0,0)"]),
        ("bsonobjectid", ["507f1f77bcf86cd799439011"], ["507f"]),
        ("password", [""], []),
        ("k8s-short-name", ["a-1"], ["A", "a.b", "a" * 64]),
        ("k8s-long-name", ["a.b-1"], ["a..b", "A"]),
    ],
)
def test_formats(form: str, good: list[str], bad: list[str]) -> None:
    check = check_of(form)
    assert check is not None
    assert [text for text in good if not check(text)] == []
    assert [text for text in bad if check(text)] == []


@pytest.mark.parametrize(
    ("form", "kinds", "known"),
    [
        ("date-time", ("string",), True),
        ("datetime", (), True),
        ("int32", ("integer",), True),
        ("int32", ("number",), False),
        ("double", ("number",), True),
        ("date", ("object",), False),
        ("binary", ("string",), False),
    ],
)
def test_formats_that_are_enforced(form: str, kinds: tuple[str, ...], known: bool) -> None:
    assert is_known_format(form, kinds) is known
