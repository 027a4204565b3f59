"""The options of `/containerLogs`."""

from typing import Any

import pytest
from aiohttp import web
from multidict import MultiDict

from pynetes.kubelet.logs import LogOptions
from pynetes.kubelet.server.container_logs import parse_options

NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("query", "expected", "previous"),
    [
        ({}, LogOptions(), False),
        ({"follow": "true", "previous": "false"}, LogOptions(follow=True), False),
        ({"previous": "true", "timestamps": "true"}, LogOptions(timestamps=True), True),
        ({"tailLines": "5", "limitBytes": "9"}, LogOptions(5, 9), False),
        ({"tail": "3"}, LogOptions(3), False),
        ({"tail": "all"}, LogOptions(), False),
        ({"sinceSeconds": "60"}, LogOptions(since=NOW - 60), False),
        ({"sinceTime": "2023-11-14T22:13:20Z"}, LogOptions(since=NOW), False),
        ({"stream": "Stderr"}, LogOptions(stream="Stderr"), False),
    ],
)
def test_options(query: dict[str, str], expected: LogOptions, previous: bool) -> None:
    assert parse_options(MultiDict(query), NOW) == (expected, previous)


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ({"tailLines": "x"}, web.HTTPBadRequest),
        ({"follow": "maybe"}, web.HTTPBadRequest),
        ({"sinceTime": "yesterday"}, web.HTTPBadRequest),
        ({"tailLines": "-1"}, web.HTTPUnprocessableEntity),
        ({"limitBytes": "0"}, web.HTTPUnprocessableEntity),
        ({"sinceSeconds": "0"}, web.HTTPUnprocessableEntity),
        ({"sinceSeconds": "5", "sinceTime": "2023-11-14T22:13:20Z"}, web.HTTPUnprocessableEntity),
        ({"stream": "Both"}, web.HTTPUnprocessableEntity),
        ({"stream": "Stdout", "tailLines": "1"}, web.HTTPUnprocessableEntity),
    ],
)
def test_bad_options(query: dict[str, str], error: Any) -> None:
    with pytest.raises(error):
        parse_options(MultiDict(query), NOW)
