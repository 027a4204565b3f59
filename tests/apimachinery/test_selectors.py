import pytest

from pynetes.apimachinery.selectors import (
    EVERYTHING,
    NOTHING,
    from_label_selector,
    from_set,
    parse_field_selector,
    parse_label_selector,
)

PRINTED = [
    ("", ""),
    ("a=b", "a=b"),
    ("a==b", "a==b"),
    ("a!=b", "a!=b"),
    ("a=", "a="),
    (" a = b , c ", "a=b,c"),
    ("b=1,a=2", "a=2,b=1"),
    ("a in (c, b)", "a in (b,c)"),
    ("x in (foo,,baz),y,z notin ()", "x in (,baz,foo),y,z notin ()"),
    ("a notin (in,notin)", "a notin (in,notin)"),
    ("in=notin", "in=notin"),
    ("!a,example.com/b", "!a,example.com/b"),
    ("a>1,b<2", "a>1,b<2"),
    ("a,", None),
]

ERRORS = [
    ("a,", "found '', expected: identifier after ','"),
    ("a,,b", "found ',', expected: identifier after ','"),
    ("=x", "found '=', expected: !, identifier, or 'end of string'"),
    ("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
    ("a in b", "unable to parse requirement: found 'b' expected: '('"),
    ("x in (", "unable to parse requirement: found '', expected: ',', ')' or identifier"),
    ("x in (a", "unable to parse requirement: found '', expected: ',' or ')'"),
    ("x in (a,", "unable to parse requirement: found '', expected: ',', or identifier"),
    ("a=b=c", "found '=', expected: ',' or 'end of string'"),
    ("!a=b", "found '=', expected: ',' or 'end of string'"),
    ("!", "unable to parse requirement: found '', expected: identifier"),
    (
        "a>b",
        'unable to parse requirement: values[0]: Invalid value: "b": '
        "for 'Gt', 'Lt' operators, the value must be an integer",
    ),
    (
        "-a=5",
        'unable to parse requirement: <nil>: Invalid value: "-a": name part must consist of alphanumeric '
        "characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or "
        "'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
    ),
    (
        "a=b@",
        'unable to parse requirement: values[0][a]: Invalid value: "b@": a valid label must be an empty string or '
        "consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
        "(e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
        "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
    ),
]


@pytest.mark.parametrize(("text", "printed"), [case for case in PRINTED if case[1] is not None])
def test_prints_as_upstream(text: str, printed: str) -> None:
    assert str(parse_label_selector(text)) == printed


@pytest.mark.parametrize(("text", "message"), ERRORS)
def test_refuses_in_upstreams_words(text: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_label_selector(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "labels", "matches"),
    [
        ("", {"a": "b"}, True),
        ("a=b", {"a": "b"}, True),
        ("a=b", {}, False),
        ("a!=b", {}, True),
        ("a!=b", {"a": "b"}, False),
        ("a in (b,c)", {"a": "c"}, True),
        ("a notin (b,c)", {"a": "c"}, False),
        ("a notin (b,c)", {}, True),
        ("a", {"a": ""}, True),
        ("!a", {"a": ""}, False),
        ("!a", {}, True),
        ("a>5", {"a": "6"}, True),
        ("a>5", {"a": "x"}, False),
        ("a<5", {"a": "-6"}, True),
        ("a<5", {}, False),
        ("a=b,c!=d", {"a": "b", "c": "d"}, False),
    ],
)
def test_matching(text: str, labels: dict[str, str], matches: bool) -> None:
    assert parse_label_selector(text).matches(labels) is matches


def test_label_selector_objects() -> None:
    assert from_label_selector(None) == NOTHING
    assert not from_label_selector(None).matches({})
    assert from_label_selector({}) == EVERYTHING
    assert from_label_selector({}).empty
    selector = from_label_selector(
        {
            "matchLabels": {"app": "web"},
            "matchExpressions": [
                {"key": "tier", "operator": "In", "values": ["a", "b"]},
                {"key": "x", "operator": "Exists"},
                {"key": "y", "operator": "DoesNotExist"},
                {"key": "z", "operator": "NotIn", "values": ["q"]},
            ],
        }
    )
    assert str(selector) == "app=web,tier in (a,b),x,!y,z notin (q)"
    assert selector.matches({"app": "web", "tier": "b", "x": ""})
    assert selector.required("app") == "web"
    assert selector.required("tier") is None


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ({"key": "a", "operator": "Near"}, '"Near" is not a valid label selector operator'),
        (
            {"key": "a", "operator": "In"},
            "values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty",
        ),
        (
            {"key": "a", "operator": "Exists", "values": ["b"]},
            'values: Invalid value: ["b"]: values set must be empty for exists and does not exist',
        ),
    ],
)
def test_wrong_expressions(expression: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError) as caught:
        from_label_selector({"matchExpressions": [expression]})
    assert str(caught.value) == message


def test_sets_as_services_carry_them() -> None:
    assert str(from_set({"b": "2", "a": "1"})) == "a=1,b=2"
    assert from_set(None).empty


def test_field_selectors() -> None:
    selector = parse_field_selector("spec.nodeName!=n1,metadata.name=web,,metadata.namespace==a\\,b\\=c\\\\")
    assert selector.requirements == (
        ("metadata.name", "=", "web"),
        ("metadata.namespace", "=", "a,b=c\\"),
        ("spec.nodeName", "!=", "n1"),
    )
    assert str(selector) == "metadata.name=web,metadata.namespace=a\\,b\\=c\\\\,spec.nodeName!=n1"
    assert parse_field_selector(str(selector)) == selector
    assert selector.required("metadata.name") == "web"
    assert selector.required("spec.nodeName") is None
    assert selector.matches({"metadata.name": "web", "metadata.namespace": "a,b=c\\"})
    assert not selector.matches({"metadata.name": "web", "metadata.namespace": "a,b=c\\", "spec.nodeName": "n1"})
    assert parse_field_selector("").empty


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("foo", "invalid selector: 'foo'; can't understand 'foo'"),
        ("a=b=c", "invalid field selector: unescaped character in value: 61"),
        ("a=b\\x", "invalid field selector: invalid escape sequence: \\x"),
        ("a=b\\", "invalid field selector: invalid escape sequence: \\"),
    ],
)
def test_wrong_field_selectors(text: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_field_selector(text)
    assert str(caught.value) == message
