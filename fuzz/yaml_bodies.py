"""YAML bodies: the first byte chooses the kind, the rest is the body."""

import orjson

from fuzz.objects import DOCUMENTS, KINDS, WIDGET, WIDGETS
from pynetes.apimachinery import codec, json_text, yaml_text
from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.patch.json_patch import same_json
from pynetes.apimachinery.schema.checker import DecodeError

SEEDS = [
    *(bytes([number]) + orjson.dumps(obj) for number, (_, obj) in enumerate(DOCUMENTS)),
    b"\x01apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: one\n  labels: {a: b, c: 'd'}\ndata:\n  a: |\n    x\n",
    b"\x01a: &a [1, 0x1f, 0b11, 0o7, 017, 1_000, .5, 1e3, ~, yes, No, .inf, 2001-01-01]\nb: *a\n<<: {c: *a}\n",
    b"\x01a: &a {b: c}\nd:\n  <<: [*a, {e: f}]\n  ? x\n  : !!str 1\n--- \nsecond: true\n...\n",
    b'\x01"a": >-\n  folded\n  text\n\n# comment\nb: "\\x41\\u00e9\\n"\n',
    b"\x08apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: a}\nspec: {any: {b: [1, 2]}}\n",
]
TOKENS = [
    *("&a", "*a", "<<:", "!!str", "!!int", "!!binary", "!!map", "---", "...", "? ", ": ", "- ", "|\n", ">-\n"),
    *("[[[[", "{a: ", "~", ".nan", "-.inf", "0x", "1e400", "%YAML 1.1\n", "\n  ", "\t", "\x00"),
]


def check(data: bytes) -> None:
    choice, body = data[0] if data else 0, data[1:]
    try:
        value, _ = yaml_text.parse(body)
    except DecodeError:
        value = None
    if value is not None:
        _is_json(value)
    custom = choice & 15 == len(KINDS)
    kind = WIDGET if custom else KINDS[choice % len(KINDS)]
    try:
        codec.decode(body, kind, content_type="application/yaml", validation="Warn", schema=WIDGETS if custom else None)
    except StatusError as error:
        assert error.code == 400, error
        orjson.dumps(error.status())


def _is_json(value: object) -> None:
    """What was read can be written, and is then the same."""
    try:
        text = orjson.dumps(value)
    except TypeError as error:  # numbers of more than 64 bits, halves of surrogates, too many levels: all are refused
        assert str(error).startswith(("Integer exceeds", "str is not valid UTF-8", "Recursion limit")), error
        return
    try:
        assert same_json(json_text.parse(text), value)
    except json_text.SyntaxProblem as problem:
        assert "max depth" in str(problem), problem
