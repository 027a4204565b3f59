"""Text to tree: a recursive descent over CEL's grammar, with the original's words for what is wrong.

The original's parser is generated and recovers from errors to report more of them; this one reports the first syntax
error and stops. Errors that are no matter of syntax (reserved names, macros, literals) are all reported.
"""

from pynetes.apimachinery.cel.ast import (
    Call,
    Entry,
    Expr,
    FieldInit,
    Ident,
    ListExpr,
    Literal,
    MapExpr,
    Select,
    StructExpr,
)
from pynetes.apimachinery.cel.lexer import EOF, Token, tokenize
from pynetes.apimachinery.cel.macros import MACROS, MacroError, bind
from pynetes.apimachinery.cel.source import Source
from pynetes.apimachinery.cel.unescape import unescape, unescape_bytes
from pynetes.apimachinery.cel.values import UInt

RESERVED = frozenset(
    (
        *("as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in", "let"),
        *("loop", "package", "namespace", "null", "return", "true", "var", "void", "while"),
    )
)
_MAX_SIZE = 100_000
_MAX_DEPTH = 250
#: Nested brackets cost Python frames; beyond this the answer is the same as beyond the original's 250.
_MAX_BRACKETS = 60
_MAX_INT, _MIN_INT, _MAX_UINT = 2**63 - 1, -(2**63), 2**64 - 1
_MAX_DIGITS = 1000
_RELATIONS = frozenset(("<", "<=", ">=", ">", "==", "!=", "in"))
_LITERALS = "'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}"
_START = "{'[', '{', '(', '.', '-', '!', " + _LITERALS
_START_OR_CLOSE = "{'[', '{', '(', ')', '.', '-', '!', " + _LITERALS
_START_OR_OPTION = "{'[', '{', '(', '.', '-', '!', '?', " + _LITERALS
_START_KINDS = frozenset(
    (
        *("[", "{", "(", ".", "-", "!", "true", "false", "null"),
        *("NUM_FLOAT", "NUM_INT", "NUM_UINT", "STRING", "BYTES", "IDENTIFIER"),
    )
)
_OPERATORS = {
    **{op: f"_{op}_" for op in ("<", "<=", ">=", ">", "==", "!=", "+", "-", "*", "/", "%")},
    "in": "@in",
}
_TOO_DEEP = f"expression recursion limit exceeded: {_MAX_DEPTH}"


class _SyntaxError(Exception):
    """Reported already."""


def parse(source: Source, *, binds: bool = False) -> Expr:
    """The tree; raises CompileError. `binds`: `cel.bind` is known."""
    if len(source.text) > _MAX_SIZE:
        source.report(-1, f"expression code point size exceeds limit: size: {len(source.text)}, limit {_MAX_SIZE}")
        source.check()
    parser = _Parser(source, tokenize(source), binds)
    tree: Expr | None = None
    try:
        tree = parser.start()
    except _SyntaxError:
        pass
    except RecursionError:
        source.report(-1, _TOO_DEEP)
    source.check()
    assert tree is not None
    return tree


class _Parser:
    def __init__(self, source: Source, tokens: list[Token], binds: bool) -> None:
        self._source = source
        self._binds = binds
        self._tokens = tokens
        self._index = 0
        self._brackets = 0

    # --- tokens

    @property
    def _kind(self) -> str:
        return self._tokens[self._index].kind

    def _next(self) -> Token:
        token = self._tokens[self._index]
        if token.kind != EOF:
            self._index += 1
        return token

    def _accept(self, kind: str) -> Token | None:
        return self._next() if self._kind == kind else None

    def _expect(self, kind: str, shown: str = "") -> Token:
        """The next token must be of the kind; `shown` is what else could come there."""
        token = self._tokens[self._index]
        if token.kind == kind:
            return self._next()
        shown = shown or (kind if kind.isupper() or kind == EOF else f"'{kind}'")
        if self._after().kind == kind and token.kind != EOF:
            raise self._wrong(token, f"extraneous input '{token.text}' expecting {shown}")
        if token.kind == EOF and kind in (")", "]", "}") and shown == f"'{kind}'":
            raise self._wrong(token, f"missing {shown} at '<EOF>'")
        raise self._wrong(token, f"mismatched input '{token.text}' expecting {shown}")

    def _after(self) -> Token:
        """The token behind the next."""
        return self._tokens[min(self._index + 1, len(self._tokens) - 1)]

    def _wrong(self, token: Token, message: str) -> _SyntaxError:
        self._source.report(token.position, f"Syntax error: {message}")
        return _SyntaxError()

    def _error(self, position: int, message: str) -> Expr:
        self._source.report(position, message)
        return Literal(None, position=position)

    # --- expressions

    def start(self) -> Expr:
        tree = self._expr()
        token = self._tokens[self._index]
        if token.kind != EOF:
            single = self._index + 2 == len(self._tokens)
            raise self._wrong(token, f"{'extraneous' if single else 'mismatched'} input '{token.text}' expecting <EOF>")
        return tree

    def _expr(self, expected: str = _START) -> Expr:
        self._skip_extraneous(expected)
        self._brackets += 1
        if self._brackets > _MAX_BRACKETS:
            self._source.report(-1, _TOO_DEEP)
            raise _SyntaxError
        condition = self._chain("||", "_||_")
        question = self._accept("?")
        if question is not None:
            then = self._chain("||", "_||_")
            self._expect(":")
            otherwise = self._expr()
            condition = self._call(question.position, "_?_:_", None, [condition, then, otherwise])
        self._brackets -= 1
        return condition

    def _skip_extraneous(self, expected: str = _START) -> None:
        """A single token too many is reported and left out, as the original's parser recovers from it."""
        token = self._tokens[self._index]
        if token.kind in _START_KINDS:
            return
        if token.kind != EOF and self._after().kind in _START_KINDS:
            self._wrong(token, f"extraneous input '{token.text}' expecting {expected}")
            self._next()
            return
        raise self._wrong(token, f"mismatched input '{token.text}' expecting {expected}")

    def _chain(self, operator: str, function: str) -> Expr:
        """`a || b || c`, `a && b && c`: a balanced tree, as the original makes it."""
        terms = [self._chain("&&", "_&&_") if operator == "||" else self._relation()]
        places: list[int] = []
        while (token := self._accept(operator)) is not None:
            places.append(token.position)
            terms.append(self._chain("&&", "_&&_") if operator == "||" else self._relation())
        return _balanced(function, terms, places, 0, len(places) - 1) if places else terms[0]

    def _relation(self) -> Expr:
        left, depth = self._sum(), 0
        while self._kind in _RELATIONS:
            token = self._next()
            depth = self._deeper(depth)
            left = self._call(token.position, _OPERATORS[token.kind], None, [left, self._sum()])
        return left

    def _sum(self) -> Expr:
        left, depth = self._product(), 0
        while self._kind in ("+", "-"):
            token = self._next()
            depth = self._deeper(depth)
            left = self._call(token.position, _OPERATORS[token.kind], None, [left, self._product()])
        return left

    def _product(self) -> Expr:
        left, depth = self._unary(), 0
        while self._kind in ("*", "/", "%"):
            token = self._next()
            depth = self._deeper(depth)
            left = self._call(token.position, _OPERATORS[token.kind], None, [left, self._unary()])
        return left

    def _deeper(self, depth: int) -> int:
        if depth >= _MAX_DEPTH:
            self._source.report(-1, _TOO_DEEP)
            raise _SyntaxError
        return depth + 1

    def _unary(self) -> Expr:
        sign = self._kind
        if sign not in ("!", "-"):
            return self._member()
        after = self._tokens[self._index + 1].kind
        if sign == "-" and after in ("NUM_INT", "NUM_FLOAT"):
            return self._member()
        first, count = self._next(), 1
        while self._accept(sign) is not None:
            count += 1
        operand = self._member()
        if count % 2 == 0:
            return operand
        return self._call(first.position, "!_" if sign == "!" else "-_", None, [operand])

    def _member(self) -> Expr:
        operand, depth = self._primary(), 0
        while self._kind in (".", "["):
            depth = self._deeper(depth)
            operand = self._selection(operand) if self._kind == "." else self._index_of(operand)
        return operand

    def _selection(self, operand: Expr) -> Expr:
        dot = self._next()
        if self._accept("?") is not None:
            if self._kind not in ("IDENTIFIER", "ESC_IDENTIFIER"):
                token = self._tokens[self._index]
                raise self._wrong(token, f"mismatched input '{token.text}' expecting {{IDENTIFIER, ESC_IDENTIFIER}}")
            name = self._field_name()
            field = Literal(name[0], position=name[1])
            return Call("_?._", None, [operand, field], position=dot.position)
        escaped = self._kind == "ESC_IDENTIFIER"
        name = self._field_name()
        opening = None if escaped else self._accept("(")
        if opening is None:
            return Select(operand, name[0], position=dot.position)
        return self._call(opening.position, name[0], operand, self._arguments(")"))

    def _field_name(self) -> tuple[str, int]:
        token = self._tokens[self._index]
        if token.kind == "ESC_IDENTIFIER":
            self._next()
            self._source.report(token.position, "unsupported syntax: '`'")
            return token.text[1:-1], token.position
        if token.kind != "IDENTIFIER":
            if token.kind in ("true", "false", "null"):
                raise self._wrong(token, f"mismatched input '{token.text}' expecting IDENTIFIER")
            raise self._no_alternative(token)
        self._next()
        return token.text, token.position

    def _no_alternative(self, token: Token) -> _SyntaxError:
        """What follows a dot is no name."""
        return self._wrong(token, f"no viable alternative at input '.{'' if token.kind == EOF else token.text}'")

    def _index_of(self, operand: Expr) -> Expr:
        opening = self._next()
        optional = self._accept("?") is not None
        index = self._expr(_START if optional else _START_OR_OPTION)
        self._expect("]")
        return self._call(opening.position, "_[?_]" if optional else "_[_]", None, [operand, index])

    def _arguments(self, closing: str) -> list[Expr]:
        args: list[Expr] = []
        if self._accept(closing) is None:
            args.append(self._expr(_START_OR_CLOSE))
            while self._accept(",") is not None:
                args.append(self._expr())
            self._expect(closing)
        return args

    def _primary(self) -> Expr:
        self._skip_extraneous()
        match self._kind:
            case "(":
                self._next()
                inner = self._expr()
                self._expect(")")
                return inner
            case "[":
                return self._list()
            case "{":
                return self._map()
            case "IDENTIFIER" | ".":
                return self._name()
        return self._literal()

    def _name(self) -> Expr:
        dot = self._accept(".")
        token = self._tokens[self._index]
        if token.kind != "IDENTIFIER":
            raise self._no_alternative(token)
        self._next()
        struct = self._struct(dot, token)
        if struct is not None:
            return struct
        prefix = "." if dot is not None else ""
        if token.text in RESERVED:
            start = dot or token
            if self._accept("(") is not None:
                self._arguments(")")
            return self._error(start.position, f"reserved identifier: {token.text}")
        opening = self._accept("(")
        if opening is None:
            return Ident(prefix + token.text, position=token.position)
        return self._call(opening.position, prefix + token.text, None, self._arguments(")"))

    def _struct(self, dot: Token | None, first: Token) -> Expr | None:
        """`a.b.C{field: value}`, if that is what comes."""
        ahead, names = self._index, [first.text]
        while self._tokens[ahead].kind == "." and self._tokens[ahead + 1].kind == "IDENTIFIER":
            names.append(self._tokens[ahead + 1].text)
            ahead += 2
        if self._tokens[ahead].kind != "{":
            return None
        self._index = ahead
        opening = self._next()
        fields: list[FieldInit] = []
        while self._kind not in ("}", EOF):
            optional = self._accept("?") is not None
            name = self._field_name()
            colon = self._expect(":")
            fields.append(FieldInit(colon.position, name[0], self._expr(), optional))
            if self._accept(",") is None:
                break
        self._expect("}")
        return StructExpr(("." if dot else "") + ".".join(names), fields, position=opening.position)

    def _list(self) -> Expr:
        opening = self._next()
        elements: list[Expr] = []
        optionals: set[int] = set()
        more = False
        while self._kind not in ("]", EOF) and not (self._kind == "," and not elements):
            if self._accept("?") is not None:
                optionals.add(len(elements))
            elements.append(self._expr())
            if self._accept(",") is None:
                more = True
                break
            more = False
            if self._kind == ",":
                break
        if not elements:
            self._accept(",")
        self._expect("]", "{']', ','}" if more else "")
        return ListExpr(elements, frozenset(optionals), position=opening.position)

    def _map(self) -> Expr:
        opening = self._next()
        entries: list[Entry] = []
        more = False
        while self._kind not in ("}", EOF) and not (self._kind == "," and not entries):
            optional = self._accept("?") is not None
            key = self._expr()
            colon = self._expect(":")
            entries.append(Entry(colon.position, key, self._expr(), optional))
            if self._accept(",") is None:
                more = True
                break
            more = False
        if not entries:
            self._accept(",")
        self._expect("}", "{'}', ','}" if more else "")
        return MapExpr(entries, position=opening.position)

    def _literal(self) -> Expr:
        first = self._next()
        token, sign = (self._next(), "-") if first.kind == "-" else (first, "")
        place = first.position
        match token.kind:
            case "NUM_INT" | "NUM_UINT" if len(token.text) > _MAX_DIGITS:
                return self._error(place, f"invalid {'int' if token.kind == 'NUM_INT' else 'uint'} literal")
            case "NUM_INT":
                number = int(sign + token.text, 16 if token.text.startswith("0x") else 10)
                if not _MIN_INT <= number <= _MAX_INT:
                    return self._error(place, "invalid int literal")
                return Literal(number, position=place)
            case "NUM_UINT":
                text = token.text[:-1]
                number = int(text, 16 if text.startswith("0x") else 10)
                if number > _MAX_UINT:
                    return self._error(place, "invalid uint literal")
                return Literal(UInt(number), position=place)
            case "NUM_FLOAT":
                value = float(sign + token.text)
                if value in (float("inf"), float("-inf")):
                    return self._error(place, "invalid double literal")
                return Literal(value, position=place)
            case "STRING" | "BYTES":
                try:
                    text_or_bytes = unescape(token.text) if token.kind == "STRING" else unescape_bytes(token.text[1:])
                except ValueError as error:
                    return self._error(place, str(error))
                return Literal(text_or_bytes, position=place)
        return Literal({"true": True, "false": False}.get(token.kind), position=place)

    def _call(self, position: int, function: str, target: Expr | None, args: list[Expr]) -> Expr:
        macro = MACROS.get((function, len(args), target is not None))
        if self._binds and function == "bind" and len(args) == 3 and isinstance(target, Ident) and target.name == "cel":
            macro = bind
        if macro is not None:
            try:
                return macro(position, target, args)
            except MacroError as error:
                return self._error(error.position, str(error))
        return Call(function, target, args, position=position)


def _balanced(function: str, terms: list[Expr], places: list[int], low: int, high: int) -> Expr:
    middle = (low + high + 1) // 2
    left = terms[middle] if middle == low else _balanced(function, terms, places, low, middle - 1)
    right = terms[middle + 1] if middle == high else _balanced(function, terms, places, middle + 1, high)
    return Call(function, None, [left, right], position=places[middle])
