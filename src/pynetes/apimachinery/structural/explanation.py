"""Why a value does not satisfy its schema: upstream's field errors, in its words.

Of the branches of `anyOf` and `oneOf`, the one that matched most is explained, as upstream does it; therefore matches
are counted on the way. With a correlation, what has not changed since the old object is not reported (ratcheting).
"""

from typing import Any

import orjson
from msgspec import Struct, field

from pynetes.apimachinery.errors import (
    FieldError,
    invalid_value,
    not_supported,
    required,
    too_long,
    too_many,
    type_invalid,
)
from pynetes.apimachinery.structural import formats, numbers
from pynetes.apimachinery.structural.correlation import Correlated
from pynetes.apimachinery.structural.nodes import (
    Schema,
    additional,
    items,
    known_format,
    properties,
    same,
    shape,
    types,
)
from pynetes.apimachinery.structural.numbers import go_text
from pynetes.apimachinery.structural.patterns import compiled
from pynetes.apimachinery.structural.validity import in_enum

_NO_PATH = "<nil>"
_DATA_FORMATS = {"integer": "int64", "number": "float64"}


class Problem(Struct, frozen=True):
    """One violation. `message` tells it apart from others; `kind` says which field error it becomes."""

    kind: str
    path: str
    message: str
    value: Any = None
    limit: Any = None


class Result(Struct):
    problems: dict[str, Problem] = field(default_factory=dict)
    matches: int = 0

    @property
    def ok(self) -> bool:
        return not self.problems

    def add(self, problem: Problem) -> None:
        self.problems.setdefault(problem.message, problem)

    def merge(self, other: "Result") -> None:
        for message, problem in other.problems.items():
            self.problems.setdefault(message, problem)
        self.matches += other.matches


def explain(value: Any, schema: Schema, path: str = "", correlation: Correlated | None = None) -> list[FieldError]:
    """`path` is that of the value itself: empty for a whole object."""
    return [_field_error(problem, path) for problem in _node(value, schema, "", correlation).problems.values()]


def _node(value: Any, schema: Schema, path: str, correlation: Correlated | None) -> Result:
    result = _judge(value, schema, path, correlation)
    if not result.ok and correlation is not None and correlation.unchanged:
        return Result(matches=result.matches)
    return result


def _judge(value: Any, schema: Schema, path: str, correlation: Correlated | None) -> Result:
    result = Result()
    if value is None:
        result.merge(_type(value, schema, path))
        result.merge(_enum(value, schema, path))
        return result
    steps = [_type(value, schema, path)] if types(schema) or known_format(schema) else []
    steps.append(_junctors(value, schema, path))
    if isinstance(value, str):
        steps.append(_string(value, schema, path))
        steps.append(_format(value, schema, path))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        steps.append(_number(value, schema, path))
    elif isinstance(value, list):
        steps.append(_list(value, schema, path, correlation))
    steps.append(_enum(value, schema, path))
    if isinstance(value, dict):
        steps.append(_object(value, schema, path, correlation))
    for step in steps:
        result.merge(step)
    result.matches += len(steps) + 1
    return result


# --- one aspect each


def _mismatch(path: str, wanted: str, found: str) -> Problem:
    message = f"{path} in body must be of type {wanted}: {_quoted(found)}"
    return Problem("type", path, message, found)


def _type(value: Any, schema: Schema, path: str) -> Result:
    kinds, form = types(schema), known_format(schema)
    result = Result(matches=1)
    if value is None:
        refused = kinds and not schema.get("nullable")
        return _only(_mismatch(path, ",".join(kinds), "null")) if refused else result
    found = shape(value)
    whole = found == "number" and numbers.is_integral(value) and "integer" in kinds
    widened = found == "integer" and "number" in kinds
    fits = found in kinds or whole or widened
    textual = found in ("string", "array")
    if form and not textual and not fits:
        return _only(_mismatch(path, form, _DATA_FORMATS.get(found, "")))
    if form and textual and not {"number", "integer"} & set(kinds):
        return result
    if not fits:
        return _only(_mismatch(path, ",".join(kinds), found))
    return result


def _only(problem: Problem) -> Result:
    return Result({problem.message: problem})


def _enum(value: Any, schema: Schema, path: str) -> Result:
    allowed = schema.get("enum") or ()
    if not allowed or in_enum(value, allowed):
        return Result()
    return _only(Problem("enum", path, f"{path} in body should be one of {allowed}", value, allowed))


def _string(value: str, schema: Schema, path: str) -> Result:
    longest, shortest, pattern = schema.get("maxLength"), schema.get("minLength"), schema.get("pattern")
    if longest is not None and len(value) > longest:
        message = f"{path} in body should be at most {longest} chars long"
        return _only(Problem("too long", path, message, value, longest))
    if shortest is not None and len(value) < shortest:
        return _only(Problem("", path, f"{path} in body should be at least {shortest} chars long", value))
    if pattern and not compiled(pattern)(value):
        return _only(Problem("", path, f"{path} in body should match '{pattern}'", value))
    return Result()


def _format(value: str, schema: Schema, path: str) -> Result:
    form = known_format(schema)
    check = formats.check_of(form) if form else None
    if check is None or check(value):
        return Result()
    return _only(Problem("type", path, f"{path} in body must be of type {form}: {_quoted(value)}", value))


def _number(value: int | float, schema: Schema, path: str) -> Result:
    kinds = types(schema)
    kind = kinds[0] if len(kinds) == 1 and kinds[0] in ("integer", "number") else ""
    form = known_format(schema) if kind else ""
    result = Result()
    if not numbers.in_range(value, kind, form):
        of = f" with format {form}" if form else " (default format)"
        result.add(Problem("bare", path, f"Checked value must be of type {kind}{of} in {path}"))
    for limit, wrong, words in _limits(value, schema):
        if wrong:
            shown = go_text(float(limit) if isinstance(value, float) else limit)
            result.add(Problem("", path, f"{path} in body {words} {shown}", value))
    result.matches += 1
    return result


def _limits(value: int | float, schema: Schema) -> list[tuple[Any, bool, str]]:
    out: list[tuple[Any, bool, str]] = []
    factor, low, high = schema.get("multipleOf"), schema.get("minimum"), schema.get("maximum")
    if factor is not None:
        out.append((factor, not numbers.is_multiple(value, factor), "should be a multiple of"))
    if low is not None:
        if schema.get("exclusiveMinimum"):
            out.append((low, value <= low, "should be greater than"))
        else:
            out.append((low, value < low, "should be greater than or equal to"))
    if high is not None:
        if schema.get("exclusiveMaximum"):
            out.append((high, value >= high, "should be less than"))
        else:
            out.append((high, value > high, "should be less than or equal to"))
    return out


def _list(values: list[Any], schema: Schema, path: str, correlation: Correlated | None) -> Result:
    result = Result()
    inner = items(schema)
    if inner is not None:
        for i, value in enumerate(values):
            result.merge(_node(value, inner, f"{path}[{i}]", correlation.index(i) if correlation else None))
    longest, shortest, size = schema.get("maxItems"), schema.get("minItems"), len(values)
    if shortest is not None and size < shortest:
        result.add(Problem("", path, f"{path} in body should have at least {shortest} items", size))
    if longest is not None and size > longest:
        message = f"{path} in body should have at most {longest} items"
        result.add(Problem("too many", path, message, size, longest))
    if schema.get("uniqueItems") and any(same(a, b) for i, a in enumerate(values) for b in values[:i]):
        result.add(Problem("", path, f"{path} in body shouldn't contain duplicates"))
    result.matches += 1
    return result


def _object(obj: dict[str, Any], schema: Schema, path: str, correlation: Correlated | None) -> Result:
    result = Result()
    least, most, size = schema.get("minProperties"), schema.get("maxProperties"), len(obj)
    if least is not None and size < least:
        result.add(Problem("", path, f"{path} in body should have at least {least} properties", size))
    if most is not None and size > most:
        message = f"{path} in body should have at most {most} properties"
        result.add(Problem("too many", path, message, size, most))
    own, values = properties(schema), additional(schema)
    for name, value in obj.items():
        if name in own:
            continue
        if schema.get("additionalProperties") is False:
            result.add(Problem("", path, f"{path}.{name} in body is a forbidden property", name))
        elif values is not None:
            result.merge(_node(value, values, f"{path}.{name}", _below(correlation, path, name)))
    for name, child in own.items():
        if name in obj:
            inner = f"{path}.{name}" if path else name
            result.merge(_node(obj[name], child, inner, _below(correlation, path, name)))
    for name in schema.get("required") or ():
        if name not in obj:
            result.add(Problem("required", f"{path}.{name}", f"{path}.{name} in body is required"))
    return result


def _below(correlation: Correlated | None, path: str, name: str) -> Correlated | None:
    if correlation is None or (not path and name in ("apiVersion", "kind")):
        return None
    return correlation.key(name)


def _junctors(value: Any, schema: Schema, path: str) -> Result:
    result = Result()
    shown = _quoted(path)
    if schema.get("anyOf"):
        _any_of(result, value, schema["anyOf"], path, shown)
    if schema.get("oneOf"):
        _one_of(result, value, schema["oneOf"], path, shown)
    if schema.get("allOf"):
        branches = [_judge(value, branch, path, None) for branch in schema["allOf"]]
        for branch in branches:
            result.merge(branch)
        if not all(branch.ok for branch in branches):
            none = "" if any(branch.ok for branch in branches) else ". None validated"
            result.add(_bare(f"{shown} must validate all the schemas (allOf){none}"))
    if schema.get("not") is not None and _judge(value, schema["not"], path, None).ok:
        result.add(_bare(f"{shown} must not validate the schema (not)"))
    result.matches += 1
    return result


def _bare(message: str) -> Problem:
    return Problem("bare", "", message)


def _any_of(result: Result, value: Any, branches: list[Schema], path: str, shown: str) -> None:
    best: Result | None = None
    for branch in branches:
        judged = _judge(value, branch, path, None)
        if judged.ok:
            result.merge(judged)
            return
        if best is None or judged.matches > best.matches:
            best = judged
    result.add(_bare(f"{shown} must validate at least one schema (anyOf)"))
    if best is not None:
        result.merge(best)


def _one_of(result: Result, value: Any, branches: list[Schema], path: str, shown: str) -> None:
    best: Result | None = None
    passed: list[Result] = []
    for branch in branches:
        judged = _judge(value, branch, path, None)
        if judged.ok:
            passed.append(judged)
            best = None
        elif not passed and (best is None or judged.matches > best.matches):
            best = judged
    if len(passed) == 1:
        result.merge(passed[0])
        return
    found = f"Found {len(passed)} valid alternatives" if passed else "Found none valid"
    result.add(_bare(f"{shown} must validate one and only one schema (oneOf). {found}"))
    if best is not None:
        result.merge(best)


# --- field errors


def _field_error(problem: Problem, root: str) -> FieldError:
    name = problem.path.removeprefix(".")
    path = f"{root}.{name}" if root and name else root or name or _NO_PATH
    value = "" if problem.value is None else problem.value
    if problem.kind == "bare":
        return invalid_value(root or _NO_PATH, "", problem.message)
    if problem.kind == "required":
        return required(path)
    if problem.kind == "enum":
        texts = [each if isinstance(each, str) else orjson.dumps(each).decode() for each in problem.limit]
        return not_supported(path, problem.value, texts)
    if problem.kind == "too long":
        return too_long(path, problem.limit)
    if problem.kind == "too many":
        return too_many(path, problem.value, problem.limit)
    if problem.kind == "type":
        return type_invalid(path, value, problem.message)
    return invalid_value(path, value, problem.message)


def _quoted(text: str) -> str:
    return orjson.dumps(text).decode()
