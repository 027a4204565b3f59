"""Log lines in both formats."""

import io
import logging
import re
from collections.abc import Iterator

import orjson
import pytest

from pynetes.component import logs


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def test_text_lines_are_klogs() -> None:
    stream = io.StringIO()
    logs.configure(0, "text", stream)
    logging.getLogger("x").warning("told %s", "you")
    logging.getLogger("x").debug("hidden")
    pattern = r"W\d{4} \d\d:\d\d:\d\d\.\d{6} +\d+ test_logs\.py:\d+\] told you\n"
    assert re.fullmatch(pattern, stream.getvalue())


def test_verbose_json_lines() -> None:
    stream = io.StringIO()
    logs.configure(4, "json", stream)
    logging.getLogger("x").debug("shown")
    line = orjson.loads(stream.getvalue())
    assert (line["msg"], line["v"]) == ("shown", 4)
