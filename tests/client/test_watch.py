import pytest

from pynetes.apimachinery.errors import StatusError
from pynetes.client.transport import TransportError
from pynetes.client.watch import FrameDecoder

TWO = b'{"type":"ADDED","object":{"a":1}}\n{"type":"DELETED","object":{"b":2}}\n'


@pytest.mark.parametrize("size", [1, 2, 7, 34, 35, 36, 200])
def test_events_are_found_wherever_the_chunks_are_cut(size):
    decoder = FrameDecoder()
    found = [e for i in range(0, len(TWO), size) for e in decoder.feed(TWO[i : i + size])]
    assert [(e.type, e.object) for e in found] == [("ADDED", {"a": 1}), ("DELETED", {"b": 2})]


def test_an_error_event_is_raised():
    frame = b'{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}}\n'
    with pytest.raises(StatusError, match="too old") as caught:
        list(FrameDecoder().feed(frame))
    assert caught.value.code == 410


@pytest.mark.parametrize("line", [b"{\n", b"[]\n", b'{"type":"ADDED"}\n'])
def test_nonsense_is_a_broken_connection(line):
    with pytest.raises(TransportError, match="unable to decode"):
        list(FrameDecoder().feed(line))
