"""The parser holds against any text: it gives a tree or says what is wrong, in little time."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pynetes.apimachinery.cel.ast import Call, Literal
from pynetes.apimachinery.cel.environment import Environment
from pynetes.apimachinery.cel.parser import parse
from pynetes.apimachinery.cel.plan import PlanError
from pynetes.apimachinery.cel.source import CompileError, Source
from pynetes.apimachinery.cel.types import DYN, INT, STRING
from pynetes.apimachinery.cel.unescape import unescape, unescape_bytes

ENVIRONMENT = Environment({"object": DYN, "x": INT, "s": STRING})
_PIECES = (
    *("object", "x", "s", "a", ".", ".?", "[", "[?", "]", "(", ")", "{", "}", ",", ":", "?", "!", "-", "+", "*", "/"),
    *(
        "%",
        "==",
        "!=",
        "<",
        "<=",
        ">",
        ">=",
        "&&",
        "||",
        "in",
        "true",
        "false",
        "null",
        "1",
        "2u",
        "1.5",
        '"t"',
        "b'y'",
    ),
    *(
        "has",
        "all",
        "map",
        "filter",
        "exists",
        "size",
        "matches",
        "startsWith",
        "optional.of",
        "'",
        '"',
        "`",
        "\\",
        "\n",
    ),
    *(" ", "//", "é", "int", "string", "quantity", "format", "transformMap", "orValue", "sortBy", "e", "0x", "1e9"),
)
texts = st.one_of(st.text(max_size=60), st.lists(st.sampled_from(_PIECES), max_size=25).map("".join))


@given(texts)
@settings(max_examples=400, deadline=None)
def test_any_text_is_a_tree_or_an_error(text: str) -> None:
    try:
        problem = None if parse(Source(text)) else "no tree"
    except CompileError as error:
        problem = str(error)
    assert problem is None or problem.startswith("ERROR: <input>:")


@given(st.lists(st.sampled_from(_PIECES), min_size=1, max_size=20).map("".join))
@settings(max_examples=400, deadline=None)
def test_whatever_compiles_can_be_evaluated(text: str) -> None:
    try:
        compiled = ENVIRONMENT.compile(text)
        program = compiled.program()
    except (CompileError, PlanError):
        return
    least, most = compiled.estimate()
    assert 0 <= least <= most
    outcome = program.evaluate({"object": {"a": [1, {"b": None}], "s": "t"}, "x": 3, "s": "hello"})
    assert outcome.error is None or str(outcome.error)


@pytest.mark.parametrize("text", ["(" * 400 + "1" + ")" * 400, "[" * 400 + "]" * 400, "-(" * 300 + "1" + ")" * 300])
def test_what_is_nested_too_deeply_is_refused(text: str) -> None:
    with pytest.raises(CompileError, match="expression recursion limit exceeded: 250"):
        parse(Source(text))


@pytest.mark.parametrize("operator", ["+", "*", "<", ".a"])
def test_chains_may_be_as_long_as_upstream_lets_them(operator: str) -> None:
    def chain(count: int) -> str:
        return "x" + operator * count if operator == ".a" else operator.join(["x"] * (count + 1))

    parse(Source(chain(240)))
    with pytest.raises(CompileError, match="expression recursion limit exceeded: 250"):
        parse(Source(chain(300)))


def test_a_long_conjunction_is_a_shallow_tree() -> None:
    tree = parse(Source(" && ".join(f"x > {i}" for i in range(1000))))
    depth = 0
    while isinstance(tree, Call) and tree.function == "_&&_":
        tree, depth = tree.args[0], depth + 1
    assert depth <= 11
    assert ENVIRONMENT.compile(" && ".join(["x > 0"] * 1000)).program() is not None


def test_text_beyond_the_limit_is_refused() -> None:
    with pytest.raises(CompileError) as raised:
        parse(Source("1" + " " * 100_000))
    assert str(raised.value) == (
        "ERROR: <input>:-1:0: expression code point size exceeds limit: size: 100001, limit 100000"
    )


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        ('"a"', "a"),
        ("'a'", "a"),
        (r'"\n\t\"\'\\\?\`"', "\n\t\"'\\?`"),
        (r'"\x41\u00e9\U0001F600\101"', "Aé😀A"),
        (r'r"\n"', r"\n"),
        ('"""a\n"b"""', 'a\n"b'),
        ("'''a'''", "a"),
        ('""', ""),
    ],
)
def test_string_literals(literal: str, value: str) -> None:
    assert unescape(literal) == value
    tree = parse(Source(literal))
    assert isinstance(tree, Literal)
    assert tree.value == value


@pytest.mark.parametrize(
    ("literal", "value"), [("'é'", "é".encode()), (r"'\xff\101'", b"\xffA"), (r"r'\x'", rb"\x"), ("''", b"")]
)
def test_bytes_literals(literal: str, value: bytes) -> None:
    assert unescape_bytes(literal) == value


def test_wide_characters_get_wide_marks() -> None:
    with pytest.raises(CompileError) as raised:
        ENVIRONMENT.compile("'日本' + y")
    assert str(raised.value).splitlines() == [
        "ERROR: <input>:1:8: undeclared reference to 'y' (in container '')",
        " | '日本' + y",
        " | .\uff0e\uff0e....^",
    ]


def test_errors_stand_in_the_order_of_their_places() -> None:
    with pytest.raises(CompileError) as raised:
        ENVIRONMENT.compile("foo(a) &&\n  b")
    lines = [line for line in str(raised.value).splitlines() if line.startswith("ERROR")]
    assert [line.split(" ")[1] for line in lines] == ["<input>:1:4:", "<input>:1:5:", "<input>:2:3:"]
