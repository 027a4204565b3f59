"""Label and field selectors: parsing, matching and printing in upstream's grammar and words.

    requirement = [!] key | key (= | == | != | > | <) value | key (in | notin) "(" value {"," value} ")"

A selector is a conjunction of requirements, sorted by key. Field selectors know `=`, `==` and `!=` only, with `\\`
escaping `,`, `=` and itself in values.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from pynetes.apimachinery import names
from pynetes.apimachinery.errors import FieldError, invalid_value
from pynetes.component.memo import remembered

_SYMBOLS = "=!(),><"
_TOKENS = {")", ",", "!", "==", "=", ">", "in", "<", "!=", "notin", "("}
_WORD = re.compile(rf"[^{re.escape(_SYMBOLS)} \t\r\n\0]+")
_BINARY = ("in", "notin", "=", "==", "!=", "gt", "lt")
_OPERATORS = {"in": "in", "notin": "notin", "=": "=", "==": "==", "!=": "!=", ">": "gt", "<": "lt"}
_FROM_API = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "!"}
_INT = re.compile(r"[+-]?[0-9]+", re.ASCII)


class Requirement(Struct, frozen=True):
    """One condition on one label. `operator`: in notin = == != gt lt exists !"""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        operator = self.operator
        value = labels.get(self.key)
        if operator in ("=", "==", "in"):
            return value is not None and value in self.values
        if operator in ("!=", "notin"):
            return value is None or value not in self.values
        if operator == "exists":
            return value is not None
        if operator == "!":
            return value is None
        return value is not None and self._compare(value)

    def _compare(self, value: str) -> bool:
        left, right = _int64(value), _int64(self.values[0])
        if left is None or right is None:
            return False
        return left > right if self.operator == "gt" else left < right

    def __str__(self) -> str:
        operator = self.operator
        if operator == "exists":
            return self.key
        if operator == "!":
            return "!" + self.key
        joined = ",".join(sorted(self.values))
        if operator in ("in", "notin"):
            return f"{self.key} {operator} ({joined})"
        return f"{self.key}{ {'gt': '>', 'lt': '<'}.get(operator, operator) }{joined}"


def _int64(text: str) -> int | None:
    if not _INT.fullmatch(text):
        return None
    number = int(text) if len(text) < 25 else 2**64
    return number if -(2**63) <= number < 2**63 else None


class LabelSelector:
    """A conjunction of requirements; `nothing` matches no object at all."""

    __slots__ = ("_equal", "nothing", "requirements")

    def __init__(self, requirements: Iterable[Requirement] = (), *, nothing: bool = False) -> None:
        self.requirements = tuple(sorted(requirements, key=lambda requirement: requirement.key))
        self.nothing = nothing
        # The common selector is equalities only: compared without a call for each.
        plain = all(r.operator in ("=", "==") for r in self.requirements)
        self._equal = tuple((r.key, r.values[0]) for r in self.requirements) if plain else None

    @property
    def empty(self) -> bool:
        """Whether it matches everything."""
        return not self.nothing and not self.requirements

    def matches(self, labels: Mapping[str, str]) -> bool:
        if self.nothing:
            return False
        if self._equal is not None:
            return all(labels.get(key) == value for key, value in self._equal)
        return all(requirement.matches(labels) for requirement in self.requirements)

    def required(self, key: str) -> str | None:
        """The one value that `key` must have, if the selector says so."""
        for requirement in self.requirements:
            if requirement.key == key and requirement.operator in ("=", "==", "in") and len(requirement.values) == 1:
                return requirement.values[0]
        return None

    def __str__(self) -> str:
        return ",".join(str(requirement) for requirement in self.requirements)

    def __repr__(self) -> str:
        return f"LabelSelector({'nothing' if self.nothing else str(self)!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, LabelSelector):
            return NotImplemented
        return (self.nothing, self.requirements) == (other.nothing, other.requirements)

    def __hash__(self) -> int:
        return hash((self.nothing, self.requirements))


EVERYTHING = LabelSelector()
NOTHING = LabelSelector(nothing=True)


def new_requirement(key: str, operator: str, values: Iterable[str]) -> Requirement:
    """A checked requirement; ValueError with upstream's field errors."""
    found = tuple(values)
    errors = _key_errors(key, "key")
    if operator in ("in", "notin"):
        if not found:
            errors.append(invalid_value("values", [], "for 'in', 'notin' operators, values set can't be empty"))
    elif operator in ("exists", "!"):
        if found:
            detail = "values set must be empty for exists and does not exist"
            errors.append(invalid_value("values", list(found), detail))
    elif operator in ("gt", "lt"):
        errors += _number_errors(found)
    elif len(found) != 1:
        errors.append(invalid_value("values", list(found), "exact-match compatibility requires one single value"))
    for index, value in enumerate(found):
        wrong = names.label_value(value)
        if wrong:
            errors.append(invalid_value(f"values[{index}][{key}]", value, "; ".join(wrong)))
    if errors:
        raise ValueError(_aggregate(errors))
    return Requirement(key, operator, found)


def _number_errors(values: tuple[str, ...]) -> list[FieldError]:
    errors = []
    if len(values) != 1:
        detail = "for 'Gt', 'Lt' operators, exactly one value is required"
        errors.append(invalid_value("values", list(values), detail))
    for index, value in enumerate(values):
        if _int64(value) is None:
            detail = "for 'Gt', 'Lt' operators, the value must be an integer"
            errors.append(invalid_value(f"values[{index}]", value, detail))
    return errors


def _key_errors(key: str, path: str) -> list[FieldError]:
    wrong = names.qualified_name(key)
    return [invalid_value(path, key, "; ".join(wrong))] if wrong else []


def _aggregate(errors: list[FieldError]) -> str:
    texts = list(dict.fromkeys(str(error) for error in errors))
    return texts[0] if len(texts) == 1 else "[" + ", ".join(texts) + "]"


class _Parser:
    """Recursive descent over the tokens of one selector. A token is (is a symbol or keyword, text); the end is ''."""

    def __init__(self, text: str) -> None:
        self._tokens = _scan(text)
        self._position = 0

    def _peek(self) -> str:
        return self._tokens[self._position][1]

    def _next(self) -> tuple[str, str]:
        token = self._tokens[self._position]
        self._position += 1
        return token

    def _is_identifier(self) -> bool:
        """Also `in` and `notin`, where a key or a value is expected."""
        kind, text = self._tokens[self._position]
        return kind == "id" or text in ("in", "notin")

    def parse(self) -> list[Requirement]:
        requirements: list[Requirement] = []
        while True:
            kind, text = self._tokens[self._position]
            if kind == "end":
                return requirements
            if not self._is_identifier() and text != "!":
                raise ValueError(f"found '{text}', expected: !, identifier, or 'end of string'")
            try:
                requirements.append(self._requirement())
            except ValueError as error:
                raise ValueError(f"unable to parse requirement: {error}") from None
            kind, text = self._next()
            if kind == "end":
                return requirements
            if text != ",":
                raise ValueError(f"found '{text}', expected: ',' or 'end of string'")
            if not self._is_identifier() and self._peek() != "!":
                raise ValueError(f"found '{self._peek()}', expected: identifier after ','")

    def _requirement(self) -> Requirement:
        negated = self._peek() == "!"
        if negated:
            self._next()
        if not self._is_identifier():
            raise ValueError(f"found '{self._peek()}', expected: identifier")
        key = self._next()[1]
        errors = _key_errors(key, "<nil>")
        if errors:
            raise ValueError(_aggregate(errors))
        if self._at_end():
            return new_requirement(key, "!" if negated else "exists", ())
        if negated:
            return new_requirement(key, "!", ())
        kind, text = self._next()
        if kind != "symbol" or text not in _OPERATORS:
            raise ValueError(f"found '{text}', expected: {', '.join(_BINARY)}")
        operator = _OPERATORS[text]
        values = self._value_set() if operator in ("in", "notin") else self._exact_value()
        return new_requirement(key, operator, sorted(values))

    def _at_end(self) -> bool:
        return self._tokens[self._position][0] == "end" or self._peek() == ","

    def _exact_value(self) -> set[str]:
        if self._at_end():
            return {""}
        if not self._is_identifier():
            raise ValueError(f"found '{self._peek()}', expected: identifier")
        return {self._next()[1]}

    def _value_set(self) -> set[str]:
        kind, text = self._next()
        if kind != "symbol" or text != "(":
            raise ValueError(f"found '{text}' expected: '('")
        first = self._peek()
        if first == ")":
            self._next()
            return {""}
        if not self._is_identifier() and first != ",":
            raise ValueError(f"found '{first}', expected: ',', ')' or identifier")
        values = self._identifiers()
        self._next()
        return values

    def _identifiers(self) -> set[str]:
        """Up to the closing parenthesis; nothing between two commas is the empty value."""
        values: set[str] = set()
        while True:
            if self._is_identifier():
                values.add(self._next()[1])
                if self._peek() not in (",", ")"):
                    raise ValueError(f"found '{self._peek()}', expected: ',' or ')'")
                if self._peek() == ")":
                    return values
                continue
            text = self._next()[1]
            if text != ",":
                raise ValueError(f"found '{text}', expected: ',', or identifier")
            if not values or self._peek() == ",":
                values.add("")
            if self._peek() == ")":
                values.add("")
                return values


def _scan(text: str) -> list[tuple[str, str]]:
    tokens: list[tuple[str, str]] = []
    position = 0
    while position < len(text):
        char = text[position]
        if char in " \t\r\n":
            position += 1
        elif char == "\0":
            break
        elif char in _SYMBOLS:
            pair = text[position : position + 2]
            symbol = pair if pair in ("==", "!=") else char
            tokens.append(("symbol", symbol))
            position += len(symbol)
        else:
            match = _WORD.match(text, position)
            assert match is not None
            word = match.group()
            tokens.append(("symbol" if word in _TOKENS else "id", word))
            position = match.end()
    tokens.append(("end", ""))
    return tokens


@remembered(2048)
def parse_label_selector(text: str) -> LabelSelector:
    """A selector from kubectl's and the API's text form. ValueError with upstream's text."""
    return LabelSelector(_Parser(text).parse()) if text else EVERYTHING


def from_set(labels: Mapping[str, str] | None) -> LabelSelector:
    """A selector of plain equalities, as Services carry it; empty matches everything."""
    return LabelSelector(Requirement(key, "=", (value,)) for key, value in (labels or {}).items())


def from_label_selector(selector: Mapping[str, Any] | None) -> LabelSelector:
    """From a LabelSelector object (matchLabels, matchExpressions): None matches nothing, {} everything."""
    if selector is None:
        return NOTHING
    requirements = [new_requirement(key, "=", (value,)) for key, value in (selector.get("matchLabels") or {}).items()]
    for expression in selector.get("matchExpressions") or ():
        operator = _FROM_API.get(expression.get("operator", ""))
        if operator is None:
            raise ValueError(f'"{expression.get("operator", "")}" is not a valid label selector operator')
        requirements.append(new_requirement(expression.get("key", ""), operator, expression.get("values") or ()))
    return LabelSelector(requirements)


class FieldSelector(Struct, frozen=True):
    """Requirements (field, `=` or `!=`, value) on an object's selectable fields."""

    requirements: tuple[tuple[str, str, str], ...] = ()

    @property
    def empty(self) -> bool:
        return not self.requirements

    def matches(self, fields: Mapping[str, str]) -> bool:
        return all((fields.get(field, "") == value) == (op == "=") for field, op, value in self.requirements)

    def required(self, field: str) -> str | None:
        """The value that `field` must equal, if any."""
        for own, operator, value in self.requirements:
            if own == field and operator == "=":
                return value
        return None

    def __str__(self) -> str:
        return ",".join(f"{field}{operator}{_escape(value)}" for field, operator, value in self.requirements)


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace(",", "\\,").replace("=", "\\=")


@remembered(2048)
def parse_field_selector(text: str) -> FieldSelector:
    requirements = []
    for term in sorted(_split_terms(text)):
        match = re.match(r"(.*?)(!=|==|=)(.*)", term, re.DOTALL)
        if not match:
            raise ValueError(f"invalid selector: '{text}'; can't understand '{term}'")
        field, operator, value = match.groups()
        if not field and not value:
            continue  # upstream takes it for everything
        requirements.append((field, "!=" if operator == "!=" else "=", _unescape(value)))
    return FieldSelector(tuple(requirements))


def _split_terms(text: str) -> list[str]:
    """Parts between commas that no backslash escapes; empty parts are dropped."""
    return [term for term in re.findall(r"(?:\\.|[^,\\]|\\$)+", text, re.DOTALL) if term]


def _unescape(value: str) -> str:
    out = []
    chars = iter(value)
    for char in chars:
        if char == "\\":
            following = next(chars, "")
            if following == "" or following not in "\\,=":
                raise ValueError(f"invalid field selector: invalid escape sequence: \\{following}")
            out.append(following)
        elif char in ",=":
            # Go prints the rune's number here.
            raise ValueError(f"invalid field selector: unescaped character in value: {ord(char)}")
        else:
            out.append(char)
    return "".join(out)
