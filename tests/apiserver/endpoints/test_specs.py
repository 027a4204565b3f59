"""A spec that comes again is not decoded again, and the object is that of a body looked at as a whole."""

from typing import Any

import orjson
import pytest

from pynetes.apimachinery import codec
from pynetes.apimachinery.errors import StatusError
from pynetes.apimachinery.gvk import GroupVersionKind
from pynetes.apis.names import PODS
from pynetes.apis.registry import by_gvk
from pynetes.apiserver.endpoints.specs import Specs, split
from pynetes.component.memo import LONGEST_OBJECT

POD = GroupVersionKind("", PODS.version, "Pod")
_resource = by_gvk(POD)
assert _resource is not None
STRATEGY = _resource.strategy

_HEAD = b'"apiVersion":"v1","kind":"Pod"'
_METADATA = (
    b'"metadata":{"name":"a","labels":{"app":"x"},"annotations":{"pod.beta.kubernetes.io/init-containers":"[]"}}'
)
_SPEC = (
    b'"spec": {"containers":[{"name":"main","image":"i:1","env":[{"name":"A","value":"\\"spec\\": {}"}],'
    b'"resources":{"limits":{"cpu":"1000m"}}}],"nodeSelector":null}'
)


@pytest.fixture
def specs() -> Specs:
    return Specs(POD, STRATEGY)


def _whole(body: bytes) -> dict[str, Any]:
    obj, _ = codec.decode(body, POD)
    obj.setdefault("metadata", {})
    STRATEGY.default(obj)
    return obj


@pytest.mark.parametrize(
    "body",
    [
        b"{%b,%b,%b}" % (_HEAD, _METADATA, _SPEC),
        b"{%b, %b ,%b}" % (_SPEC, _METADATA, _HEAD),
        b"{%b,%b}" % (_METADATA, _SPEC),
        b"{%b,%b}" % (_HEAD, _SPEC),
        b'{%b,%b,%b,"status":{"podIPs":[{"ip":"10.0.0.1"}]}}' % (_HEAD, _METADATA, _SPEC),
        b'{%b,"metadata":{"name":"\xff"},%b}' % (_HEAD, _SPEC),
        b'{%b,%b,"spec":{}}' % (_HEAD, _METADATA),
        b'{%b,%b,"spec":null}' % (_HEAD, _METADATA),
    ],
)
def test_the_object_is_that_of_the_whole_body(specs: Specs, body: bytes) -> None:
    for _ in range(2):
        found = specs.decode(body)
        assert found is not None
        assert orjson.dumps(found) == orjson.dumps(_whole(body))


def test_objects_of_one_spec_share_nothing(specs: Specs) -> None:
    body = b"{%b,%b,%b}" % (_HEAD, _METADATA, _SPEC)
    first = specs.decode(body)
    assert first is not None
    first["spec"]["containers"][0]["env"].clear()
    assert specs.decode(body) == _whole(body)


@pytest.mark.parametrize(
    "body",
    [
        b"{%b,%b}" % (_HEAD, _METADATA),
        b"{%b,%b,%b" % (_HEAD, _METADATA, _SPEC),
        b"[]",
        b"",
        b"{%b,%b,%b,%b}" % (_HEAD, _METADATA, _SPEC, _SPEC),
        b"{%b,%b,%b,%b}" % (_HEAD, _METADATA, _METADATA, _SPEC),
        b'{%b,%b,"spec" : {},%b}' % (_HEAD, _METADATA, _SPEC),
        b'{"apiVersion":"v1","kind":"Node",%b,%b}' % (_METADATA, _SPEC),
        b'{%b,"metadata":{"nam":"a"},%b}' % (_HEAD, _SPEC),
        b'{%b,"metadata":{"name":"a","name":"a"},%b}' % (_HEAD, _SPEC),
        b'{%b,%b,"spec":{"container":[]}}' % (_HEAD, _METADATA),
        b'{%b,%b,"spec":{"hostname":"a","hostname":"a"}}' % (_HEAD, _METADATA),
        b'{%b,%b,"spec":{"priority":"high"}}' % (_HEAD, _METADATA),
        b'{%b,%b,"spec":{"hostname":"%b"}}' % (_HEAD, _METADATA, b"x" * LONGEST_OBJECT),
    ],
)
def test_other_bodies_are_left_alone(specs: Specs, body: bytes) -> None:
    assert specs.decode(b"{%b,%b,%b}" % (_HEAD, _METADATA, _SPEC)) is not None
    assert specs.decode(body) is None


def test_a_flawed_spec_stays_refused(specs: Specs) -> None:
    flawed = b'{%b,%b,"spec":{"container":[]}}' % (_HEAD, _METADATA)
    assert [specs.decode(flawed), specs.decode(flawed)] == [None, None]
    with pytest.raises(StatusError, match=r'unknown field "spec.container"'):
        codec.decode(flawed, POD)


def test_the_spec_is_cut_out_where_it_stands() -> None:
    body = b'{"spec":{"a":"x"},"metadata":{"annotations":{"spec":"{\\"a\\":\\"x\\"}"}}}'
    rest, spec = split(body) or (b"", b"")
    assert (orjson.loads(rest), orjson.loads(spec)) == ({**orjson.loads(body), "spec": {}}, {"a": "x"})
