"""Logging as the originals do it: klog's lines or JSON, verbosity by -v."""

import logging
import sys
from datetime import UTC, datetime
from typing import Literal, TextIO

import orjson

Format = Literal["text", "json"]

_SEVERITY = {logging.DEBUG: "I", logging.INFO: "I", logging.WARNING: "W", logging.ERROR: "E", logging.CRITICAL: "F"}


class KlogFormatter(logging.Formatter):
    """`I0102 15:04:05.000000   12345 module.py:42] message`."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created)
        head = f"{_SEVERITY.get(record.levelno, 'I')}{moment:%m%d %H:%M:%S.%f} {record.process or 0:7d}"
        return f"{head} {record.filename}:{record.lineno}] {_message(self, record)}"


class JSONFormatter(logging.Formatter):
    """One object a line, with the keys of component-base's JSON format."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "ts": datetime.fromtimestamp(record.created, UTC).timestamp() * 1000,
            "caller": f"{record.filename}:{record.lineno}",
            "msg": record.getMessage(),
        }
        if record.levelno >= logging.ERROR:
            line["err"] = self.formatException(record.exc_info) if record.exc_info else ""
        else:
            line["v"] = 4 if record.levelno <= logging.DEBUG else 0
        return orjson.dumps(line).decode()


def _message(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    text = record.getMessage()
    if record.exc_info:
        text += "\n" + formatter.formatException(record.exc_info)
    return text


_flags = {"v": "0", "logging-format": "text"}


def flags() -> dict[str, str]:
    """Those in force, as a component's flags have them."""
    return dict(_flags)


def configure(verbosity: int = 0, fmt: Format = "text", stream: TextIO | None = None) -> None:
    """Sends all logs to `stream` (stderr). -v below 4 shows information and worse, 4 and more also debug lines."""
    _flags.update({"v": str(verbosity), "logging-format": fmt})
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JSONFormatter() if fmt == "json" else KlogFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.DEBUG if verbosity >= 4 else logging.INFO)
    logging.getLogger("asyncio").setLevel(logging.DEBUG if verbosity >= 8 else logging.WARNING)
