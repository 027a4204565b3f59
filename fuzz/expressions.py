"""CEL: the text is compiled against a schema, its cost estimated, and evaluated with little to spend."""

from fuzz.objects import WIDGET_SCHEMA
from pynetes.apimachinery.cel import schema as cel_schema
from pynetes.apimachinery.cel import types
from pynetes.apimachinery.cel.cost import DeclaredSizes
from pynetes.apimachinery.cel.environment import Environment
from pynetes.apimachinery.cel.plan import PlanError
from pynetes.apimachinery.cel.source import CompileError
from pynetes.apimachinery.cel.values import display

_BUDGET = 50_000
_DECLARED = cel_schema.declare(WIDGET_SCHEMA, resource_root=True)
assert _DECLARED is not None
_NAMED = _DECLARED.named("selfType1")
_ENVIRONMENT = Environment({"self": _NAMED, "oldSelf": _NAMED, "object": types.DYN})
_SIZES = DeclaredSizes(_DECLARED)
_CONVERT = cel_schema.converter(WIDGET_SCHEMA)
_OBJECT = {
    "apiVersion": "example.com/v1",
    "kind": "Widget",
    "metadata": {"name": "one"},
    "spec": {"size": 3, "ratio": 0.5, "tags": {"a": "b"}, "parts": [{"name": "x"}, {"name": "y"}], "port": 80},
}
_SEEN = _OBJECT if _CONVERT is None else _CONVERT(_OBJECT)
_VALUES = {"self": _SEEN, "oldSelf": _SEEN, "object": _OBJECT}

SEEDS = [
    text.encode()
    for text in (
        "self.spec.size > 1 && self.spec.parts.all(p, p.name != '') || !has(self.spec.port)",
        "self.spec.parts.map(p, p.name + 'x').filter(n, n.startsWith('x')).size() == oldSelf.spec.size - 2",
        "self.spec.tags.exists(k, self.spec.tags[k].matches('^[a-z]+$')) ? 1u : 2u",
        "object.spec.?none.orValue([1, 2.5, b'x', null, {'a': 1}])[0]",
        "cel.bind(x, self.spec.parts, x.transformList(i, v, i)) == [0, 1]",
        "duration('1h') + duration('1m') > timestamp('2024-01-01T00:00:00Z') - timestamp('2023-01-01T00:00:00Z')",
        "quantity('1Gi').isGreaterThan(quantity('100M')) && url('https://a:1/b?c=d').getHost() == 'a:1'",
        "ip('::1').isLoopback() && cidr('10.0.0.0/8').containsIP('10.1.1.1') && semver('1.2.3').major() == 1",
        "'a,b'.split(',').join('-').replace('a', 'b').upperAscii().substring(1, 2).indexOf('x')",
        "'%s %d %.2f %x'.format(['a', 1, 2.5, 255]) + string(1.0e10) + r'\\n' + \"\\u00e9\"",
        "[1, 2, 3].sum() / [3, 1].max() % 2 - -9223372036854775808",
        "type(self.spec.size) == int && dyn(1) in [1, 1u, 1.0] && sets.contains([1], [1])",
        "'abc'.findAll('[a-c]', 2).sort() == ['a'] || format.dns1123Label().validate('a').hasValue()",
    )
]
TOKENS = [
    *(
        ".all(x, ",
        ".exists_one(",
        ".map(",
        ".filter(",
        "has(",
        "size(",
        "matches(",
        ".format([",
        "cel.bind(",
        ".?",
        "[?",
    ),
    *(
        "self.spec.",
        "object.",
        "duration(",
        "timestamp(",
        "quantity(",
        "dyn(",
        "optional.of(",
        ".orValue(",
        "transformMap(",
    ),
    *(
        "0x",
        "1e400",
        "u",
        "b'",
        "r'",
        "'''",
        "\\U0010ffff",
        "\\377",
        "((((",
        "[[[[",
        "{{{{",
        "!!!!",
        "----",
        "? :",
        "||",
    ),
]


def check(data: bytes) -> None:
    try:
        compiled = _ENVIRONMENT.compile(data.decode(errors="replace"))
    except CompileError as error:
        assert str(error).startswith("ERROR: <input>:"), error
        return
    estimate = compiled.estimate(_SIZES)
    assert 0 <= estimate.min <= estimate.max, estimate
    try:
        program = compiled.program()
    except PlanError:
        return
    outcome = program.evaluate(_VALUES, _BUDGET)
    if outcome.error is not None:
        assert str(outcome.error)
        return
    assert outcome.cost <= _BUDGET
    display(outcome.value)
    again = program.evaluate(_VALUES, _BUDGET)
    assert (again.cost, again.error) == (outcome.cost, None)
