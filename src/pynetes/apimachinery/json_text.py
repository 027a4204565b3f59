"""JSON syntax as Go's decoder sees it: used when a body does not parse, to say where and why in its words."""

import json
import re
from typing import Any

import msgspec

from pynetes.apimachinery.depth import MAX_DEPTH, too_deep
from pynetes.apimachinery.schema.checker import DecodeError, RawFloat, dict_from_pairs, settled

_SPACE = " \t\r\n"
_PLAIN = re.compile(r'[^"\\\x00-\x1f]*')
_FLOAT = re.compile(rb"[:\[,]\s*-?(?:\d{19}|\d+[.eE])")
_SPACED_KEY = re.compile(rb'"\s+:')
_NUMBER_START = "-0123456789"


def may_have_duplicates(body: bytes) -> bool:
    """Compares the keys in well-formed JSON with those that are left after parsing; may suspect the innocent (such as
    who writes a space behind a key, which could hide one)."""
    kept = msgspec.json.encode(msgspec.json.decode(body)).count(b'":')
    return kept != body.count(b'":') or _SPACED_KEY.search(body) is not None


def may_have_floats(body: bytes) -> bool:
    """Whether a number in well-formed JSON may be none of int64; may suspect what stands in a string."""
    return _FLOAT.search(body) is not None


def settle_numbers(value: Any) -> Any:
    """A tree's numbers as Go has them: what is beyond int64 is a float, in place."""
    if isinstance(value, dict):
        for name, item in value.items():
            value[name] = settle_numbers(item)
    elif isinstance(value, list):
        value[:] = map(settle_numbers, value)
    elif isinstance(value, float) or (isinstance(value, int) and not -(2**63) <= value < 2**63):
        return settled(float(value))
    return value


class SyntaxProblem(DecodeError):
    """Malformed JSON."""


def parse(body: bytes) -> Any:
    """The value with duplicate keys remembered (see `dict_from_pairs`). SyntaxProblem if the text is not JSON.

    Bytes that are no UTF-8 become U+FFFD, one each, as in Go.
    """
    try:
        return _parse(body.decode())
    except UnicodeDecodeError:
        return repair_surrogates(_parse(body.decode(errors="surrogateescape")))


def _parse(text: str) -> Any:
    try:
        value = json.loads(
            text,
            object_pairs_hook=dict_from_pairs,
            parse_float=RawFloat.parse,
            parse_int=_parse_int,
            parse_constant=_refuse_constant,
        )
    except (ValueError, RecursionError):
        raise SyntaxProblem(_Scanner(text).problem()) from None
    if too_deep(value):
        raise SyntaxProblem(_Scanner(text).problem())
    return value


def _refuse_constant(name: str) -> Any:
    """NaN and the infinities, which Python would take."""
    raise ValueError(name)


def _parse_int(text: str) -> Any:
    if len(text) > 20:
        return RawFloat.parse(text)
    number = int(text)
    return number if -(2**63) <= number < 2**63 else RawFloat.parse(text)


def repair_surrogates(value: Any) -> Any:
    """Half a surrogate pair, which no UTF-8 can hold, becomes U+FFFD as in Go."""
    if isinstance(value, str):
        return value if value.isprintable() else _repair(value)
    if isinstance(value, dict):
        return {_repair(name): repair_surrogates(item) for name, item in value.items()}
    if isinstance(value, list):
        return [repair_surrogates(item) for item in value]
    return value


def _repair(text: str) -> str:
    return "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in text)


class _Scanner:
    """A walk over the text without recursion that stops at the first thing Go would not accept."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def problem(self) -> str:
        """Empty if the text is one JSON value."""
        try:
            self._value_tree()
            self._skip_space()
            if self._at < len(self._text):
                self._fail("after top-level value")
        except SyntaxProblem as problem:
            return str(problem)
        return ""

    def _fail(self, context: str) -> None:
        if self._at >= len(self._text):
            raise SyntaxProblem("unexpected end of JSON input")
        raise SyntaxProblem(f"invalid character {_quote(self._text[self._at])} {context}")

    def _skip_space(self) -> None:
        text, at = self._text, self._at
        while at < len(text) and text[at] in _SPACE:
            at += 1
        self._at = at

    def _peek(self) -> str:
        self._skip_space()
        return self._text[self._at] if self._at < len(self._text) else ""

    def _value_tree(self) -> None:
        """One value; containers are kept on a stack of their closing characters."""
        stack: list[str] = []
        while True:
            opened = self._open_or_scalar(stack)
            if opened:
                continue
            while stack:
                char = self._peek()
                if char == ",":
                    self._at += 1
                    if stack[-1] == "}":
                        self._key("looking for beginning of object key string")
                    break
                if char != stack[-1]:
                    self._fail("after object key:value pair" if stack[-1] == "}" else "after array element")
                self._at += 1
                stack.pop()
            else:
                return

    def _open_or_scalar(self, stack: list[str]) -> bool:
        """Reads a scalar or an empty container (False), or goes into a container (True)."""
        char = self._peek()
        if char not in ("{", "["):
            self._scalar(char)
            return False
        self._at += 1
        closing = "}" if char == "{" else "]"
        if self._peek() == closing:
            self._at += 1
            return False
        stack.append(closing)
        if len(stack) > MAX_DEPTH:
            raise SyntaxProblem(f"invalid character '{char}' exceeded max depth")
        if char == "{":
            self._key("looking for beginning of object key string")
        return True

    def _key(self, context: str) -> None:
        if self._peek() != '"':
            self._fail(context)
        self._string()
        if self._peek() != ":":
            self._fail("after object key")
        self._at += 1

    def _scalar(self, char: str) -> None:
        if char == '"':
            self._string()
        elif char and char in _NUMBER_START:
            self._number()
        else:
            for literal in ("true", "false", "null"):
                if char == literal[0]:
                    self._literal(literal)
                    return
            self._fail("looking for beginning of value")

    def _literal(self, literal: str) -> None:
        for expected in literal:
            if self._text[self._at : self._at + 1] != expected:
                self._fail(f"in literal {literal} (expecting {_quote(expected)})")
            self._at += 1

    def _string(self) -> None:
        text = self._text
        self._at += 1
        while True:
            plain = _PLAIN.match(text, self._at)
            assert plain is not None
            self._at = plain.end()
            char = text[self._at : self._at + 1]
            if not char or char < " ":
                self._fail("in string literal")
            self._at += 1
            if char == '"':
                return
            if char == "\\":
                self._escape()

    def _escape(self) -> None:
        char = self._text[self._at : self._at + 1]
        if not char or char not in 'bfnrt\\/"u':
            self._fail("in string escape code")
        self._at += 1
        if char == "u":
            for _ in range(4):
                digit = self._text[self._at : self._at + 1]
                if not digit or digit not in "0123456789abcdefABCDEF":
                    self._fail("in \\u hexadecimal character escape")
                self._at += 1

    def _digits(self, context: str) -> None:
        start = self._at
        while self._text[self._at : self._at + 1].isdecimal() and self._text[self._at].isascii():
            self._at += 1
        if self._at == start:
            self._fail(context)

    def _number(self) -> None:
        if self._text[self._at] == "-":
            self._at += 1
        if self._text[self._at : self._at + 1] == "0":
            self._at += 1
        else:
            self._digits("in numeric literal")
        if self._text[self._at : self._at + 1] == ".":
            self._at += 1
            self._digits("after decimal point in numeric literal")
        if self._text[self._at : self._at + 1] in ("e", "E"):
            self._at += 1
            if self._text[self._at : self._at + 1] in ("+", "-"):
                self._at += 1
            self._digits("in exponent of numeric literal")


def _quote(char: str) -> str:
    """Go's quoted character."""
    special = {"'": "'\\''", '"': "'\"'", "\\": "'\\\\'", "\n": "'\\n'", "\t": "'\\t'", "\r": "'\\r'"}
    if char in special:
        return special[char]
    # Of a character beyond ASCII Go sees the first byte, and takes that for a character.
    byte = chr(char.encode(errors="surrogateescape")[0])
    if byte.isprintable():
        return f"'{byte}'"
    return f"'\\x{ord(byte):02x}'" if byte < "\x80" else f"'\\u{ord(byte):04x}'"
