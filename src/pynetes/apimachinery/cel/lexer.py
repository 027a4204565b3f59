"""Tokens of CEL."""

import re

from msgspec import Struct

from pynetes.apimachinery.cel.source import Source

_ESCAPE = r"\\(?:[abfnrtv\"'\\?`]|[0-3][0-7][0-7]|[xX][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})"
_STRING = "|".join(
    (
        r'[rR]"""(?:.|\n)*?"""',
        r"[rR]'''(?:.|\n)*?'''",
        rf'"""(?:{_ESCAPE}|[^\\])*?"""',
        rf"'''(?:{_ESCAPE}|[^\\])*?'''",
        r'[rR]"[^"\n\r]*"',
        r"[rR]'[^'\n\r]*'",
        rf'"(?:{_ESCAPE}|[^\\"\n\r])*"',
        rf"'(?:{_ESCAPE}|[^\\'\n\r])*'",
    )
)
_TOKEN = re.compile(
    rf"""(?P<SPACE>[\t \r\n\f]+|//[^\n]*)
    |(?P<BYTES>[bB](?:{_STRING}))
    |(?P<STRING>{_STRING})
    |(?P<NUM_FLOAT>[0-9]+\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+|\.[0-9]+(?:[eE][+-]?[0-9]+)?)
    |(?P<NUM_UINT>(?:0x[0-9a-fA-F]+|[0-9]+)[uU])
    |(?P<NUM_INT>0x[0-9a-fA-F]+|[0-9]+)
    |(?P<IDENTIFIER>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<ESC_IDENTIFIER>`[A-Za-z0-9_.\-/\ ]+`)
    |(?P<OP>==|!=|<=|>=|&&|\|\||[<>\[\]{{}}().,\-!?:+*/%])""",
    re.VERBOSE | re.ASCII,
)
_DOUBLE = re.compile(rf'(?:{_ESCAPE}|[^\\"\n\r])*')
_SINGLE = re.compile(rf"(?:{_ESCAPE}|[^\\'\n\r])*")
_BACKQUOTED = re.compile(r"[A-Za-z0-9_.\-/ ]*", re.ASCII)
_KEYWORDS = frozenset(("in", "true", "false", "null"))
EOF = "<EOF>"


class Token(Struct):
    """`kind` is the token's own text for operators and keywords, otherwise the name of its class."""

    kind: str
    text: str
    position: int


def tokenize(source: Source) -> list[Token]:
    """All tokens, the end's included. What is no token is reported and left out."""
    text, position = source.text, 0
    tokens: list[Token] = []
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            end = _end_of_unknown(text, position)
            shown = text[position:end].replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
            source.report(position, f"Syntax error: token recognition error at: '{shown}'")
            position = end
            continue
        kind, word = match.lastgroup or "", match.group()
        if kind != "SPACE":
            own = kind == "OP" or word in _KEYWORDS
            tokens.append(Token(word if own else kind, word, position))
        position = match.end()
    tokens.append(Token(EOF, EOF, len(text)))
    return tokens


def _end_of_unknown(text: str, start: int) -> int:
    """Behind the first character that no token can have there."""
    first = text[start]
    if first in "\"'":
        body = _DOUBLE if first == '"' else _SINGLE
    elif first == "`":
        body = _BACKQUOTED
    else:
        return min(start + (2 if first in "=&|" else 1), len(text))
    match = body.match(text, start + 1)
    end = match.end() if match is not None else start + 1
    # Of an escape that is none, the backslash is passed and the character behind it is the wrong one.
    return min(end + (2 if text[end : end + 1] == "\\" else 1), len(text))
