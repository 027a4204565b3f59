"""Whether a value satisfies a schema: yes or no, compiled into closures that well-formed objects pass fast.

What is said about a value that does not is `explanation`'s part; the two agree on which those are.
"""

from collections.abc import Callable
from typing import Any

from pynetes.apimachinery.structural import formats, numbers
from pynetes.apimachinery.structural.nodes import Schema, additional, items, known_format, properties, same, types
from pynetes.apimachinery.structural.patterns import compiled

Check = Callable[[Any], bool]


def compile_validity(schema: Schema) -> Check:
    kinds = types(schema)
    nullable = not kinds or bool(schema.get("nullable"))
    enum = schema.get("enum") or ()
    null_passes = nullable and not enum
    by_type = _by_type(schema, kinds)
    rest = [*_junctors(schema)]
    if enum:
        rest.append(_enum(enum))
    if not rest:

        def plain(value: Any) -> bool:
            if value is None:
                return null_passes
            check = by_type.get(type(value))
            return check is not None and check(value)

        return plain

    def full(value: Any) -> bool:
        if value is None:
            return null_passes
        check = by_type.get(type(value))
        if check is None or not check(value):
            return False
        for more in rest:  # noqa: SIM110 (a generator costs more than the check)
            if not more(value):
                return False
        return True

    return full


def passes(value: Any) -> bool:
    return True


def _by_type(schema: Schema, kinds: tuple[str, ...]) -> dict[type, Check]:
    """Python's type of a value → its check; types that are not there are refused."""
    form = known_format(schema)
    text_form = form if not {"integer", "number"} & set(kinds) else ""
    out: dict[type, Check] = {}
    if not kinds or "string" in kinds or text_form:
        out[str] = _string(schema, form)
    if not kinds or "array" in kinds or text_form:
        out[list] = _list(schema)
    # A format without a type lets only texts (and, by an oddity of the original, lists) pass.
    if (not kinds and not form) or "boolean" in kinds:
        out[bool] = passes
    if "object" in kinds or (not kinds and not form):
        out[dict] = _object(schema)
    number = _number(schema, kinds, form)
    if "number" in kinds or (not kinds and not form):
        out[int] = out[float] = number
    elif "integer" in kinds:
        out[int] = number
        out[float] = lambda value: numbers.is_integral(value) and number(value)
    return out


def _string(schema: Schema, form: str) -> Check:
    checks: list[Check] = []
    longest, shortest = schema.get("maxLength"), schema.get("minLength")
    if longest is not None or shortest is not None:
        low, high = shortest or 0, longest if longest is not None else 1 << 62
        checks.append(lambda value: low <= len(value) <= high)
    pattern = schema.get("pattern")
    if pattern:
        checks.append(compiled(pattern))
    of_form = formats.check_of(form) if form else None
    if of_form is not None:
        checks.append(of_form)
    return _all(checks)


def _number(schema: Schema, kinds: tuple[str, ...], form: str) -> Check:
    kind = kinds[0] if len(kinds) == 1 and kinds[0] in ("integer", "number") else ""
    if kind != "integer":
        form = form if kind else ""
    low, high, factor = schema.get("minimum"), schema.get("maximum"), schema.get("multipleOf")
    above, below = bool(schema.get("exclusiveMinimum")), bool(schema.get("exclusiveMaximum"))

    def check(value: Any) -> bool:
        if not numbers.in_range(value, kind, form):
            return False
        if low is not None and (value <= low if above else value < low):
            return False
        if high is not None and (value >= high if below else value > high):
            return False
        return factor is None or numbers.is_multiple(value, factor)

    if low is None and high is None and factor is None and kind != "integer" and not form:
        return passes
    return check


def _list(schema: Schema) -> Check:
    inner = items(schema)
    each = compile_validity(inner) if inner is not None else None
    longest, shortest = schema.get("maxItems"), schema.get("minItems")
    unique = bool(schema.get("uniqueItems"))

    def check(values: Any) -> bool:
        if longest is not None and len(values) > longest:
            return False
        if shortest is not None and len(values) < shortest:
            return False
        if unique and any(same(a, b) for i, a in enumerate(values) for b in values[:i]):
            return False
        if each is not None:
            for value in values:
                if not each(value):
                    return False
        return True

    return check


def _object(schema: Schema) -> Check:
    inner = {name: compile_validity(child) for name, child in properties(schema).items()}
    own = tuple(inner.items())
    required = frozenset(schema.get("required") or ())
    most, least = schema.get("maxProperties"), schema.get("minProperties")
    values = additional(schema)
    others = compile_validity(values) if values is not None else None
    closed = schema.get("additionalProperties") is False

    def check(obj: Any) -> bool:
        if required and not required <= obj.keys():
            return False
        if most is not None and len(obj) > most:
            return False
        if least is not None and len(obj) < least:
            return False
        if closed or others is not None:
            for name, value in obj.items():
                if name not in inner and (closed or (others is not None and not others(value))):
                    return False
        for name, each in own:  # noqa: SIM110
            if name in obj and not each(obj[name]):
                return False
        return True

    return check


def _enum(allowed: Any) -> Check:
    plain = [value for value in allowed if isinstance(value, str)]
    if len(plain) == len(allowed):
        texts = frozenset(plain)
        return lambda value: type(value) is str and value in texts
    return lambda value: in_enum(value, allowed)


def in_enum(value: Any, allowed: Any) -> bool:
    """Numbers are compared by value, whatever their form."""
    return any(candidate is not None and _matches(value, candidate) for candidate in allowed)


def _matches(value: Any, candidate: Any) -> bool:
    if isinstance(value, int | float) and isinstance(candidate, int | float):
        return isinstance(value, bool) == isinstance(candidate, bool) and value == candidate
    return same(value, candidate)


def _junctors(schema: Schema) -> list[Check]:
    out: list[Check] = []
    if schema.get("allOf"):
        out += [compile_validity(branch) for branch in schema["allOf"]]
    if schema.get("anyOf"):
        some = [compile_validity(branch) for branch in schema["anyOf"]]
        out.append(lambda value: any(branch(value) for branch in some))
    if schema.get("oneOf"):
        one = [compile_validity(branch) for branch in schema["oneOf"]]
        out.append(lambda value: sum(branch(value) for branch in one) == 1)
    if schema.get("not") is not None:
        refused = compile_validity(schema["not"])
        out.append(lambda value: not refused(value))
    return out


def _all(checks: list[Check]) -> Check:
    if not checks:
        return passes
    if len(checks) == 1:
        return checks[0]

    def every(value: Any) -> bool:
        for check in checks:  # noqa: SIM110
            if not check(value):
                return False
        return True

    return every
