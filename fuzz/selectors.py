"""Selectors and the small languages of fields: the first byte chooses which, the rest is its text."""

import orjson

from pynetes.apimachinery import quantity, selectors, times

_LABELS = {"a": "b", "x/y": "", "n": "12"}

SEEDS = [
    *(
        b"\x00" + text
        for text in (b"a=b,c!=d,!e,f", b"a in (b,c),x/y notin (d,),n>5,m<-3", b"in in (in,notin),a in ()")
    ),
    *(b"\x01" + text for text in (b"metadata.name=a,spec.nodeName!=b", b"a==b\\,c\\=d\\\\,,e=", b"status.phase!=")),
    b'\x02{"matchLabels":{"a":"b"},"matchExpressions":[{"key":"c","operator":"In","values":["d","e"]}]}',
    *(b"\x03" + text for text in (b"100m", b"1.5Gi", b"-1e-9", b"9223372036854775807E", b"+.5", b"0.0000000001n")),
    *(b"\x04" + text for text in (b"1h2m3.5s", b"-300ms", b"1e3s", b".5us", b"0", b"106751991167h")),
    *(
        b"\x05" + text
        for text in (b"2024-02-29T23:59:59.999999Z", b"0001-01-01T00:00:00+23:59", b"9999-12-31T23:00:00-02:00")
    ),
]
TOKENS = [
    " in (",
    " notin (",
    "==",
    "!=",
    ">",
    "<",
    "!",
    ",,",
    "\\",
    "\\,",
    "Ki",
    "e-",
    "E",
    "n",
    "µs",
    "T",
    "Z",
    "+00:00",
]


def _labels(text: str) -> None:
    selector = selectors.parse_label_selector(text)
    selector.matches(_LABELS)
    selector.required("a")
    assert selectors.parse_label_selector(str(selector)) == selector, selector


def _fields(text: str) -> None:
    selector = selectors.parse_field_selector(text)
    selector.matches(_LABELS)
    again = selectors.parse_field_selector(str(selector))
    assert set(again.requirements) == set(selector.requirements), selector  # terms are sorted as they are written


def _object(text: str) -> None:
    """Of a well-typed LabelSelector, as codecs leave it."""
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return
    if not isinstance(found, dict):
        return
    labels = found.get("matchLabels")
    texts = {k: v for k, v in labels.items() if isinstance(v, str)} if isinstance(labels, dict) else {}
    expressions = (
        [
            {
                "key": str(each.get("key")),
                "operator": str(each.get("operator")),
                "values": [str(value) for value in each.get("values") or ()]
                if isinstance(each.get("values"), list)
                else [],
            }
            for each in found.get("matchExpressions") or ()
            if isinstance(each, dict)
        ]
        if isinstance(found.get("matchExpressions"), list)
        else []
    )
    selector = selectors.from_label_selector({"matchLabels": texts, "matchExpressions": expressions})
    selector.matches(_LABELS)
    assert selectors.parse_label_selector(str(selector)).matches(_LABELS) == selector.matches(_LABELS)


def _quantity(text: str) -> None:
    found = quantity.parse(text)
    shown = str(found)
    again = quantity.parse(shown)
    assert again == found, (text, shown)
    assert str(again) == shown, (text, shown, str(again))
    found.value(), found.milli_value(), float(found), hash(found)


def _duration(text: str) -> None:
    found = times.parse_duration_ns(text)
    shown = times.format_duration(found / 1e9)
    if abs(found) < 2**53:  # what a float holds
        assert times.parse_duration_ns(shown) == found, (text, shown)


def _time(text: str) -> None:
    found = times.parse_time(text)
    assert times.parse_time(times.format_micro_time(found), micro=True) == found
    assert times.parse_time(times.format_time(found)) == found.replace(microsecond=0)


_LANGUAGES = (_labels, _fields, _object, _quantity, _duration, _time)


def check(data: bytes) -> None:
    choice, text = data[0] if data else 0, data[1:].decode(errors="replace")
    try:
        _LANGUAGES[choice % len(_LANGUAGES)](text)
    except ValueError as error:
        assert str(error)
